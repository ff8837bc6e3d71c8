import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import type { ClientSecrets } from "../../../src/bake/client-secrets.ts";
import type { SshAgents } from "../../../src/worker/worker.ts";
import { BakeRig } from "./bake-rig.ts";

/** What the one who bakes lends to steps, by id. */
type Lending = { readonly secrets: ClientSecrets } | { readonly sshAgents: SshAgents };

interface Kind {
  readonly kind: string;
  readonly mount: string;
  readonly code: string;
  readonly hint: string;
  /** What is given, and the id of it that is a near name. */
  readonly near: readonly [Lending, string];
}

const connect = () => new PassThrough();

const kinds: readonly Kind[] = [
  {
    kind: "a secret",
    mount: "--mount=type=secret,id=token,required",
    code: "SecretNotGiven",
    hint: "--secret",
    near: [{ secrets: new Map([["tokn", Buffer.from("x")]]) }, "tokn"],
  },
  {
    kind: "an ssh agent",
    mount: "--mount=type=ssh,id=deploy,required",
    code: "SshNotForwarded",
    hint: "--ssh deploy",
    near: [{ sshAgents: { ids: new Set(["default", "depoly"]), connect } }, "depoly"],
  },
];

describe.each(kinds)("$kind that a step requires and nobody gives", ({ mount, code, hint, near }) => {
  const text = `FROM base:1\nSNAPSHOT app\nRUN one\nRUN --network=none ${mount} use\n`;

  test("is a mistake at its mount, before anything runs", async () => {
    await using rig = await BakeRig.create();
    const { outcome, ran } = await rig.bake(text);
    expect(outcome).toMatchObject({
      kind: "invalid",
      diagnostics: [{ code, severity: "error", hint: expect.stringContaining(hint) }],
    });
    const [diagnostic] = outcome.diagnostics;
    expect(text.slice(diagnostic?.range.start, diagnostic?.range.end)).toBe(mount);
    expect(ran).toEqual([]);
    expect(rig.worker.counts.vmsBooted).toBe(0);
  });

  test("is missed without opening a worker, with this host's own store at hand", async () => {
    await using rig = await BakeRig.create();
    const { outcome, opened } = await rig.bake(text, {}, { localLayers: rig.localLayers() });
    expect({ kind: outcome.kind, opened }).toEqual({ kind: "invalid", opened: 0 });
  });

  test("may be one that is given under a near name", async () => {
    await using rig = await BakeRig.create();
    const [given, name] = near;
    const { outcome } = await rig.bake(text, {}, given);
    expect(outcome.diagnostics[0]?.hint).toContain(`did you mean ${name}?`);
  });
});
