import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  connectToSandbox,
  launchSandbox,
  listSandboxes,
  listSnapshots,
  removeSandbox,
  removeSnapshot,
  runInSandbox,
  snapshotExists,
} from "../../../src/index.ts";
import { emptyConfiguration } from "../../../src/model/sandbox-configuration.ts";
import { type CommandRig, commandRig } from "../../support/command-rig.ts";
import { writeTinyArchive } from "../images/tiny-image.ts";

let rig: CommandRig;

beforeEach(async () => {
  rig = await commandRig();
  for (const [name, value] of Object.entries(rig.environment)) vi.stubEnv(name, value);
  await writeTinyArchive(join(rig.folder, "base.tar"));
  const lightfile = [
    "FROM ./base.tar",
    "SNAPSHOT app",
    "RUN make",
    "ENV MODE=fast",
    "USER app",
    "WORKDIR /srv",
    "EXPOSE 8080",
    'SHELL ["/bin/bash", "-ec"]',
    'ENTRYPOINT ["/bin/entry"]',
    'CMD ["serve"]',
    "STOPSIGNAL SIGINT",
  ].join("\n");
  await writeFile(join(rig.folder, "Lightfile"), lightfile);
  expect(await rig.run("bake")).toMatchObject({ exitCode: 0 });
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rig[Symbol.asyncDispose]();
});

const argvs = (): readonly (readonly string[])[] => rig.worker.sandboxes.commands.map(({ argv }) => argv);

describe("launchSandbox", () => {
  test("boots the snapshot with what the options say, and replaces a sandbox of that name", async () => {
    const options = {
      snapshot: "app",
      name: "box",
      env: { A: "1" },
      workdir: "/work",
      ports: { 8000: 80 },
      mounts: { "/cache": { volume: "packages" }, "/code": "code" },
      resources: { cpus: 2, memory: "2G" },
      idleTimeoutSeconds: 60,
    } as const;
    await using sandbox = await launchSandbox(options);
    expect(sandbox).toMatchObject({ name: "box", snapshot: "app", configuration: { user: "app" } });
    expect(rig.worker.sandboxes.launches.at(-1)).toEqual({
      name: "box",
      from: { kind: "snapshot", name: "app" },
      resources: { cpus: 2, memoryMib: 2048 },
      environment: { A: "1" },
      workingDirectory: "/work",
      user: null,
      ports: [{ hostAddress: "127.0.0.1", hostPort: 8000, guestPort: 80, protocol: "tcp" }],
      mounts: [
        { kind: "volume", guestPath: "/cache", volume: "packages", readOnly: false },
        { kind: "bind", guestPath: "/code", hostPath: join(process.cwd(), "code"), readOnly: false },
      ],
      replace: true,
      network: "default",
      idleTimeoutSeconds: 60,
    });
    await expect(launchSandbox({ ...options, overwrite: false })).rejects.toMatchObject({
      code: "SandboxExists",
    });
  });

  test("names a snapshot that is not there, with what was meant", async () => {
    const launching = launchSandbox({ snapshot: "ap" });
    await expect(launching).rejects.toMatchObject({
      code: "UnknownSnapshot",
      hint: expect.stringContaining("app"),
    });
  });

  test("publishes what the snapshot exposes", async () => {
    await using sandbox = await launchSandbox({ snapshot: "app", publishExposed: true });
    expect(sandbox.ports).toMatchObject([{ guestPort: 8080, hostAddress: "127.0.0.1" }]);
  });

  test("stops the sandbox when the process has nothing left to do, unless it is detached", async () => {
    await runProgram(`
      await launchSandbox({ snapshot: "app", name: "left-alone" });
      await (await launchSandbox({ snapshot: "app", name: "detached" })).detach();`);
    expect(await states()).toEqual(["left-alone stopped", "detached running"]);
  });

  test("stops one that is launched when others are stopped already", async () => {
    await runProgram(`
      await launchSandbox({ snapshot: "app", name: "first" });
      process.once("beforeExit", () => launchSandbox({ snapshot: "app", name: "second" }));`);
    expect(await states()).toEqual(["first stopped", "second stopped"]);
  });

  test("lets the process end when a sandbox cannot be stopped, with a warning", async () => {
    const warned = await runProgram(`
      await launchSandbox({ snapshot: "app", name: "gone" });
      await removeSandbox("gone", { force: true });`);
    expect(warned).toContain("Warning: Failure: there is no sandbox");
  });
});

async function states(): Promise<readonly string[]> {
  return (await listSandboxes()).map(({ name, status }) => `${name} ${status}`);
}

/** In a process of its own; resolves with what it wrote on stderr. */
async function runProgram(body: string): Promise<string> {
  const library = JSON.stringify(join(import.meta.dirname, "../../../src/index.ts"));
  const script = join(rig.folder, "program.ts");
  await writeFile(script, `import { launchSandbox, removeSandbox } from ${library};${body}`);
  const env = { ...process.env, ...rig.environment };
  return (await promisify(execFile)(process.execPath, [script], { env, timeout: 60_000 })).stderr;
}

describe("a sandbox", () => {
  test("runs programs, scripts by SHELL, and what the snapshot is for", async () => {
    await using sandbox = await launchSandbox({ snapshot: "app" });
    const before = argvs().length;
    const output = await sandbox.exec("echo", ["a b", "c"]);
    expect([output.code, output.success, output.stdout(), output.stderr()]).toEqual([0, true, "a b c\n", ""]);
    await sandbox.shell("make | tee log");
    await sandbox.runCommand();
    await sandbox.runCommand(["--help"], { env: { B: "2" }, user: "root", workdir: "/" });
    expect(argvs().slice(before)).toEqual([
      ["echo", "a b", "c"],
      ["/bin/bash", "-ec", "make | tee log"],
      ["/bin/entry", "serve"],
      ["/bin/entry", "--help"],
    ]);
    expect(rig.worker.sandboxes.commands.at(-1)).toMatchObject({
      environment: { B: "2" },
      user: "root",
      workingDirectory: "/",
    });
  });

  test("is stopped by STOPSIGNAL after the callback of runInSandbox, also when that throws", async () => {
    const running = runInSandbox({ snapshot: "app", name: "scoped" }, () => {
      throw new Error("no luck");
    });
    await expect(running).rejects.toThrow("no luck");
    expect(argvs().at(-1)?.at(-1)).toBe("INT");
    expect(await listSandboxes()).toMatchObject([{ name: "scoped", status: "stopped" }]);
  });

  test("that another process launched is found by its name, and not stopped at the end of a scope", async () => {
    rig.worker.sandboxes.add({
      name: "agent-1",
      status: "running",
      snapshot: "app",
      createdAt: new Date().toISOString(),
      ports: [],
      configuration: emptyConfiguration,
    });
    {
      await using sandbox = await connectToSandbox("agent-1");
      expect((await sandbox.shell("echo hello")).code).toBe(0);
      expect(await sandbox.health()).toBe(null);
      await expect(sandbox.waitUntilHealthy()).rejects.toMatchObject({ code: "NoHealthcheck" });
    }
    expect(await listSandboxes()).toMatchObject([{ name: "agent-1", status: "running" }]);
    await expect(connectToSandbox("agent-2")).rejects.toMatchObject({ hint: "did you mean agent-1?" });
    await expect(removeSandbox("agent-1")).rejects.toMatchObject({ code: "SandboxRunning" });
    await removeSandbox("agent-1", { force: true });
    expect(await listSandboxes()).toEqual([]);
  });
});

test("snapshots are listed, asked for and removed", async () => {
  expect((await listSnapshots()).map(({ name }) => name)).toEqual(["app"]);
  expect([await snapshotExists("app"), await snapshotExists("other")]).toEqual([true, false]);
  await removeSnapshot("app");
  expect(await snapshotExists("app")).toBe(false);
});
