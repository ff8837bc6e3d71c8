import { decode, encode } from "cbor-x";
import { expect, test } from "vitest";
import { GuestAgent } from "../../../../../src/worker/local/microvm/guest-agent.ts";
import { GuestFiles } from "../../../../../src/worker/local/microvm/guest-files.ts";
import type { AgentClient } from "../../../../../src/worker/local/microvm/microsandbox.ts";

type Answer = (operation: unknown) => unknown;

/** A client whose guest answers every file request with one message. */
function filesOf(answer: Answer): GuestFiles {
  const client: Pick<AgentClient, "request"> = {
    request: async (_flags, body) => {
      const { t, p } = decode(body);
      expect(t).toBe("core.fs.request");
      const response = answer(decode(p).op);
      return { id: 1, flags: 1, body: encode({ v: 7, t: "core.fs.response", p: encode(response) }) };
    },
  };
  // A fake of the one method that these tests reach.
  return new GuestFiles(new GuestAgent("guest", client as AgentClient));
}

test("the owner is set before the mode, because changing it clears the set-id bits", async () => {
  const operations: unknown[] = [];
  const files = filesOf((operation) => {
    operations.push(operation);
    return { ok: true };
  });
  await files.setAttributes("/f", { mode: 0o4755, userId: 5, groupId: 6 });
  expect(operations).toMatchObject([
    { SetStat: { path: "/f", attrs: { uid: 5, gid: 6, mode: null } } },
    { SetStat: { path: "/f", attrs: { uid: null, gid: null, mode: 0o4755 } } },
  ]);
});

test("a kernel's refusal has its name, and a missing file can be asked for", async () => {
  const missing = filesOf(() => ({ ok: false, error: "stat: No such file or directory (os error 2)" }));
  expect(await missing.lstatIfExists("/x")).toBeUndefined();
  await expect(missing.lstat("/x")).rejects.toMatchObject({ errno: "ENOENT", path: "/x" });
  const denied = filesOf(() => ({ ok: false, error: "stat: Permission denied (os error 13)" }));
  await expect(denied.lstatIfExists("/x")).rejects.toMatchObject({ errno: "EACCES" });
  const strange = filesOf(() => ({ ok: false, error: "odd" }));
  await expect(strange.lstat("/x")).rejects.toMatchObject({ errno: "EUNKNOWN" });
});

test("a file's kind and permission bits are read from the agent's words", async () => {
  const entry = { path: "/d", kind: "dir", size: 0, mode: 0o41777, uid: 1, gid: 2, mtime: 9 };
  const files = filesOf(() => ({ ok: true, data: { Stat: entry } }));
  expect(await files.stat("/d")).toEqual({
    path: "/d",
    kind: "directory",
    sizeBytes: 0,
    mode: 0o1777,
    userId: 1,
    groupId: 2,
    modifiedSeconds: 9,
  });
});

test("an answer of another shape is an error, not a file", async () => {
  await expect(filesOf(() => ({ ok: true, data: { Path: 3 } })).realPath("/x")).rejects.toThrow();
});
