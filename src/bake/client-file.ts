import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import * as v from "valibot";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";
import { parseJson } from "../model/parse-json.ts";
import { isMissing } from "../model/present-files.ts";

/**
 * A small JSON file that the client keeps for itself. All of it can be made again, so one that is missing, cut
 * short, of another version or not JSON at all reads as undefined.
 * @throws Failure `ClientFileUnreadable` when the file is there but may not be read.
 */
export async function readClientFile<Schema extends v.GenericSchema>(
  path: string,
  schema: Schema,
): Promise<v.InferOutput<Schema> | undefined> {
  let text: string;
  try {
    // Not through the thread pool: to go there and back takes longer than to read it.
    text = readFileSync(path, "utf8");
  } catch (error) {
    const code = systemErrorCode(error);
    if (isMissing(error)) return undefined;
    throw new Failure({
      code: "ClientFileUnreadable",
      category: "environment",
      message: `cannot read ${path} (${code ?? "unknown error"})`,
      hint: "make the file readable, or remove it: lightbox makes it again",
      cause: error,
    });
  }
  const parsed = v.safeParse(schema, parseJson(text));
  return parsed.success ? parsed.output : undefined;
}

/**
 * Replaces the file in one step, so that readers and a crash see the old or the new one. `durable` waits for the
 * disk; without it a power cut may leave an empty file, which reads as a missing one.
 * @throws Failure `ClientFileUnwritable`
 */
export async function writeClientFile(
  path: string,
  value: unknown,
  options: { readonly durable: boolean },
): Promise<void> {
  const { default: writeFileAtomic } = await import("write-file-atomic");
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFileAtomic(path, `${JSON.stringify(value)}\n`, { fsync: options.durable });
  } catch (error) {
    throw new Failure({
      code: "ClientFileUnwritable",
      category: "environment",
      message: `cannot write ${path} (${systemErrorCode(error) ?? "unknown error"})`,
      hint: "make LIGHTBOX_HOME writable and see that its disk has space left",
      cause: error,
    });
  }
}
