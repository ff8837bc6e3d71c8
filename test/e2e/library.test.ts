import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, inject, test } from "vitest";
import { connectToSandbox, listSandboxes, removeSandbox, removeSnapshot } from "../../src/index.ts";

const program = fileURLToPath(new URL("../../examples/library/agent.ts", import.meta.url));

test("a program of the library bakes, runs a sandbox, and leaves one running that others find", async () => {
  const args = [program, inject("busyboxBase")];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 420_000 });
  expect(stdout).toBe("hello from a sandbox\n");
  const states = (await listSandboxes()).map(({ name, status }) => `${name} ${status}`);
  expect(states.filter((state) => state.startsWith("library-"))).toEqual([
    "library-agent-1 running",
    "library-once stopped",
  ]);

  const agent = await connectToSandbox("library-agent-1");
  const work = await agent.exec("cat", ["/work/state", "/opt/agent/none"], { env: { LANG: "C" } });
  expect([work.code, work.stdout(), work.stderr()]).toEqual([
    1,
    "started\n",
    expect.stringContaining("none"),
  ]);
  await agent.stop();
  await expect(agent.exec("true")).rejects.toMatchObject({ code: "SandboxNotRunning" });

  await Promise.all(["library-once", "library-agent-1"].map((name) => removeSandbox(name)));
  await removeSnapshot("library-agent");
});
