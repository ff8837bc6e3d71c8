import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { canRunHelper, helperOnHost } from "../../../../support/guest-helper.ts";
import { temporaryFolder } from "../../../../support/temporary-folder.ts";

/** The helper's `detach`, waited for to its own end. */
async function detach(folder: string, words: readonly string[]) {
  const child = spawn(await helperOnHost(folder), ["detach", ...words], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const exit = new Promise((resolve) => child.on("exit", resolve));
  return { message: await text(child.stderr), exitCode: await exit };
}

describe.skipIf(!canRunHelper)("a detached command", () => {
  test("goes on when its starter has ended, in a session of its own, and prints to its file", async () => {
    await using folder = await temporaryFolder();
    const output = join(folder.path, "output");
    const go = join(folder.path, "go");
    const script = `while [ ! -e "$1" ]; do sleep 0.05; done; cut -d " " -f 6 /proc/$$/stat; echo $$; echo error >&2; cat`;
    const started = await detach(folder.path, [output, "sh", "-c", script, "sh", go]);
    expect(started).toEqual({ message: "", exitCode: 0 });
    expect(await readFile(output, "utf8")).toBe("");
    await detach(folder.path, [go, "true"]);
    await expect.poll(() => readFile(output, "utf8")).toMatch(/^(\d+)\n\1\nerror\n$/);
  });

  test("that is not there, or no program, is told of", async () => {
    await using folder = await temporaryFolder();
    const output = join(folder.path, "output");
    expect(await detach(folder.path, [output, "no-such-program"])).toEqual({
      message: "lightbox: no-such-program: not found\n",
      exitCode: 127,
    });
    expect(await detach(folder.path, [output, folder.path])).toEqual({
      message: `lightbox: ${folder.path}: permission denied\n`,
      exitCode: 126,
    });
  });

  test("whose output cannot be kept is not started", async () => {
    await using folder = await temporaryFolder();
    const output = join(folder.path, "nowhere", "output");
    expect(await detach(folder.path, [output, "true"])).toEqual({
      message: `lightbox: cannot write to ${output}: not found\n`,
      exitCode: 125,
    });
  });
});
