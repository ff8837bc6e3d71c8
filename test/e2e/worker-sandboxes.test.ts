/** The worker without a command between: what only its own interface shows. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, test } from "vitest";
import type { Worker } from "../../src/worker/worker.ts";
import { freePort } from "../support/free-port.ts";
import { usesMachine } from "../support/machine-shell.ts";
import { codeOf, never, openRealWorker, type RealWorkerRig, realWorkerRig } from "../support/real-worker.ts";

let worker: Worker;
let rig: RealWorkerRig;

beforeAll(async () => {
  worker = await openRealWorker();
  rig = await realWorkerRig(worker);
});

afterAll(() => worker[Symbol.asyncDispose]());

const launch = {
  resources: { cpus: 1, memoryMib: 256 },
  environment: {},
  workingDirectory: null,
  user: null,
  ports: [],
  mounts: [],
  replace: true,
  network: "default",
  idleTimeoutSeconds: null,
} as const;

describe("a worker's sandboxes", () => {
  test("of one snapshot see its files and not each other's", async () => {
    const layer = rig.run("echo shared > /data/file; echo 0 > /etc/machine-id; chmod 777 /data");
    assert.equal((await rig.bake([layer])).outcome.kind, "completed");
    await rig.publish("snap", layer.key);
    const from = { kind: "snapshot", name: "snap" } as const;
    const statuses = async () => {
      const listed = await rig.worker.listSandboxes(never);
      return listed
        .filter(({ name }) => name === "one" || name === "two")
        .map(({ name, status }) => `${name} ${status}`);
    };
    await rig.worker.launchSandbox({ ...launch, name: "one", from, environment: { EXTRA: "1" } }, never);
    assert.equal(
      await codeOf(rig.worker.launchSandbox({ ...launch, name: "one", from, replace: false }, never)),
      "SandboxExists",
    );
    const sh = (script: string) => ["/bin/sh", "-c", script];
    const seen = await rig.exec({
      sandbox: "one",
      argv: sh(
        "pwd; cat file; id -un; echo $GREETING $EXTRA; hostname; echo changed > file; cat /etc/machine-id",
      ),
    });
    assert.match(seen.stdout, /^\/data\nshared\napp\nhello 1\none\n[0-9a-f]{32}\n$/);
    await rig.worker.launchSandbox({ ...launch, name: "two", from }, never);
    assert.equal((await rig.exec({ sandbox: "two", argv: ["cat", "/data/file"] })).stdout, "shared\n");
    assert.equal((await rig.exec({ sandbox: "one", argv: ["cat"] }, "through")).stdout, "through");
    assert.equal((await rig.exec({ sandbox: "one", argv: sh("exit 9") })).exitCode, 9);
    assert.equal((await rig.exec({ sandbox: "one", argv: sh("kill -TERM $$") })).exitCode, 143);
    assert.equal((await rig.exec({ sandbox: "one", argv: ["nothing"] })).exitCode, 127);
    const terminal = await rig.exec(
      { sandbox: "one", argv: sh("sleep 0.5; stty size; tty"), terminal: { rows: 10, columns: 20 } },
      undefined,
      [{ rows: 33, columns: 77 }],
    );
    assert.match(terminal.stdout, /33 77\r\n\/dev\/pts/);
    assert.equal(await codeOf(rig.exec({ sandbox: "one", argv: ["true"], user: "nobodyy" })), "UnknownUser");
    assert.equal(await codeOf(rig.exec({ sandbox: "ones", argv: ["true"] })), "UnknownSandbox");
    assert.deepEqual(await statuses(), ["one running", "two running"]);
    assert.equal(await codeOf(rig.worker.removeSandbox("one", { force: false }, never)), "SandboxRunning");
    await rig.worker.stopSandbox("one", never);
    assert.deepEqual(await statuses(), ["one stopped", "two running"]);
    assert.equal(await codeOf(rig.exec({ sandbox: "one", argv: ["true"] })), "SandboxNotRunning");
    await rig.worker.removeSandbox("one", { force: false }, never);
    await rig.worker.removeSandbox("two", { force: true }, never);
    assert.deepEqual(await statuses(), []);
  });

  test("publish ports and mount volumes, and folders where the worker shares this host's", async () => {
    await rig.publish("mounting", rig.base.layer);
    const from = { kind: "snapshot", name: "mounting" } as const;
    const folder = await mkdtemp(join(tmpdir(), "lightbox-mount-"));
    await writeFile(join(folder, "index.html"), "served");
    const hostPort = await freePort();
    const ports = [{ hostAddress: "127.0.0.1", hostPort, guestPort: 80, protocol: "tcp" }] as const;
    const bind = { kind: "bind", guestPath: "/www", hostPath: folder, readOnly: true } as const;
    const volume = { kind: "volume", guestPath: "/vol", volume: "data", readOnly: false } as const;
    const bound = { ...launch, name: "web", from, mounts: [bind, volume], user: "root" };
    try {
      const shares = !(await usesMachine());
      if (!shares) assert.equal(await codeOf(rig.worker.launchSandbox(bound, never)), "FolderNotShared");
      const mounts = shares ? [bind, volume] : [volume];
      await rig.worker.launchSandbox({ ...bound, mounts, ports }, never);
      const page = shares
        ? "touch /www/x 2>/dev/null || echo read-only"
        : "mkdir /www; echo -n served > /www/index.html; echo read-only";
      const script = `${page}; httpd -p 80 -h /www; echo kept > /vol/file`;
      const served = await rig.exec({ sandbox: "web", argv: ["/bin/sh", "-c", script] });
      assert.equal(served.stdout, "read-only\n", served.stderr);
      assert.equal(await (await fetch(`http://127.0.0.1:${hostPort}/`)).text(), "served");
      const clash = rig.worker.launchSandbox({ ...launch, name: "web2", from, ports }, never);
      assert.equal(await codeOf(clash), "PortInUse");
      await rig.worker.launchSandbox({ ...bound, mounts }, never);
      assert.equal((await rig.exec({ sandbox: "web", argv: ["cat", "/vol/file"] })).stdout, "kept\n");
    } finally {
      await rig.worker.removeSandbox("web", { force: true }, never);
      await rm(folder, { recursive: true });
    }
  });
});
