import { Buffer } from "node:buffer";
import { Failure } from "../../diagnostics/failure.ts";
import { type LineageClient, type LineageStep, secretLimitBytes } from "../worker.ts";

/** Length of the longest secret in base64. */
export const secretTextLimit = 4 * Math.ceil(secretLimitBytes / 3);

/**
 * The secrets that the steps mount, in base64, by id; those that the client does not have are left out.
 * @throws Failure `SecretTooLarge`, and the client's
 */
export async function requestedSecrets(
  steps: readonly LineageStep[],
  client: LineageClient,
): Promise<Record<string, string>> {
  const ids = steps.flatMap(({ operation }) => {
    if (operation.kind !== "run") return [];
    return operation.mounts.flatMap((mount) => (mount.kind === "secret" ? [mount.id] : []));
  });
  const found: [string, string][] = [];
  for (const id of new Set(ids)) {
    const value = (await client.readSecret?.(id)) ?? null;
    if (value === null) continue;
    if (value.length > secretLimitBytes) throw secretTooLarge(id, value.length);
    found.push([id, Buffer.from(value).toString("base64")]);
  }
  return Object.fromEntries(found);
}

function secretTooLarge(id: string, sizeBytes: number): Failure {
  return new Failure({
    code: "SecretTooLarge",
    category: "usage",
    message: `the secret ${id} has ${sizeBytes} bytes, and a secret can have ${secretLimitBytes}`,
    hint: "give large files with COPY or --mount=type=bind, if they are no secret",
  });
}
