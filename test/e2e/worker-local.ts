/**
 * The local worker on real microVMs, as a script for a host that can run them:
 *
 *     node test/e2e/worker-local.ts IMAGE.tar DIGEST STORE [CASE…]
 *
 * IMAGE is an OCI archive with busybox, a user `app` (1000, also in the group `extra`, 1001), and a link /link to
 * a folder /data. It ends with exit code 1 when a case fails.
 */
import assert from "node:assert/strict";
import { createReadStream } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { Failure } from "../../src/diagnostics/failure.ts";
import { contentDigest, type LayerKey, layerKey, sha256Digest } from "../../src/model/identifiers.ts";
import { emptyConfiguration } from "../../src/model/sandbox-configuration.ts";
import type {
  ContextSource,
  CopyOperation,
  RunOperation,
  StepOperation,
} from "../../src/model/step-operation.ts";
import { openLocalWorker } from "../../src/worker/local/local-worker.ts";
import type {
  ExecRequest,
  LineageEvent,
  LineageOutcome,
  LineageRequest,
  LineageStep,
  TerminalSize,
} from "../../src/worker/worker.ts";

const [archive, digestText, storeDirectory, ...wanted] = process.argv.slice(2);
if (archive === undefined || digestText === undefined || storeDirectory === undefined) {
  throw new Error("usage: worker-local.ts IMAGE.tar DIGEST STORE [CASE…]");
}
const digest = sha256Digest(digestText);
const image = { reference: "base", digest, platform: "linux/amd64", configuration: emptyConfiguration };
const { MSB_HOME: microsandboxHome } = process.env;
const worker = await openLocalWorker({
  storeDirectory,
  version: "test",
  ...(microsandboxHome === undefined ? {} : { microsandboxHome }),
});
const never = new AbortController().signal;
const diskSizeMib = 4096;
const contents = new Map<string, string>();
let keys = Date.now() * 1000;

function newKey(): LayerKey {
  return layerKey((keys++).toString(16).padStart(32, "0"));
}

function step(operation: StepOperation, title = operation.kind): LineageStep {
  const key = newKey();
  return { key, record: `record of ${key}`, title, operation };
}

function run(script: string, more: Partial<RunOperation> = {}): LineageStep {
  return step({
    kind: "run",
    command: { kind: "argv", argv: ["/bin/sh", "-c", script] },
    environment: { PATH: "/bin:/usr/bin" },
    user: "root",
    workingDirectory: "/",
    network: "default",
    directories: [],
    ...more,
  });
}

function copy(
  operation: Omit<CopyOperation, "kind" | "directories" | "owner" | "mode"> & Partial<CopyOperation>,
) {
  return step({ owner: null, mode: null, directories: [], ...operation, kind: "copy" });
}

function file(path: string, content: string, mode = 0o644) {
  const name = contentDigest(contents.size.toString(16).padStart(32, "f"));
  contents.set(name, content);
  return { kind: "file", path, mode, sizeBytes: Buffer.byteLength(content), digest: name } as const;
}

interface Lineage {
  readonly outcome: LineageOutcome;
  readonly events: readonly LineageEvent[];
  readonly output: string;
}

async function bake(
  steps: readonly LineageStep[],
  more: Partial<LineageRequest> = {},
  signal = never,
  onEvent: (event: LineageEvent) => void = () => undefined,
): Promise<Lineage> {
  const events: LineageEvent[] = [];
  const request: LineageRequest = {
    image: digest,
    diskSizeMib,
    parent: null,
    steps,
    resources: { cpus: 1, memoryMib: 256 },
    checkpoint: "every",
    keepFailedBuilderAs: null,
    ...more,
  };
  const client = {
    onEvent: (event: LineageEvent) => {
      events.push(event);
      onEvent(event);
    },
    openContent: async (name: string) => Readable.from([Buffer.from(contents.get(name) ?? "?")]),
  };
  const outcome = await worker.runLineage(request, client, signal);
  const output = events.map((event) => (event.kind === "step-output" ? event.text : "")).join("");
  return { outcome, events, output };
}

function count(events: readonly LineageEvent[], kind: LineageEvent["kind"]): number {
  return events.filter((event) => event.kind === kind).length;
}

async function exec(
  request: Partial<ExecRequest> & { sandbox: string; argv: readonly string[] },
  stdin?: string,
  resizes?: TerminalSize[],
) {
  let stdout = "";
  let stderr = "";
  const exit = await worker.execInSandbox(
    { environment: {}, workingDirectory: null, user: null, terminal: null, ...request },
    {
      stdin: stdin === undefined ? null : Readable.from([Buffer.from(stdin)]),
      stdout: (chunk) => {
        stdout += Buffer.from(chunk).toString();
      },
      stderr: (chunk) => {
        stderr += Buffer.from(chunk).toString();
      },
      resizes: resizes === undefined ? null : Readable.from(resizes),
    },
    never,
  );
  return { exitCode: exit.exitCode, stdout, stderr };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Failure) return error.code;
    throw error;
  }
  return "no failure";
}

async function publish(name: string, layer: LayerKey | null): Promise<void> {
  const configuration = {
    ...emptyConfiguration,
    environment: { PATH: "/bin:/usr/bin", GREETING: "hello" },
    workingDirectory: "/data",
    user: "app",
  };
  await worker.publishSnapshot({ name, layer, image, diskSizeMib, configuration, history: [] }, never);
}

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

const cases: Readonly<Record<string, () => Promise<void>>> = {
  "a step sees exactly its environment, identity and network, and what it leaves behind ends": async () => {
    const first = run(
      "env | sort; id; umask; sleep 1000 & setsid sleep 1000 >/dev/null 2>&1 & echo x > /tmp/kept",
      {
        environment: { PATH: "/bin:/usr/bin", B: "two words", A: "" },
        user: "app",
      },
    );
    const second = run(
      "pwd; ls -ld /work/in; cat /tmp/kept; ps | grep -c '[s]leep 1000'; ls /sys/class/net; id -G; echo é ok",
      {
        network: "none",
        user: "app:extra",
        workingDirectory: "/work/in",
        directories: [{ path: "/work", user: "app" }],
      },
    );
    const script = step({
      kind: "run",
      command: { kind: "script", content: "#!/bin/sh\necho script $0; exit 0\n" },
      environment: { PATH: "/bin" },
      user: "1234",
      workingDirectory: "/",
      network: "default",
      directories: [],
    });
    const { outcome, events, output } = await bake([first, second, script]);
    assert.deepEqual(outcome, { kind: "completed", layer: script.key });
    const lines = output.split("\n");
    for (const line of ["A=", "B=two words", "HOME=/home/app", "/work/in", "x", "0", "lo", "1001", "é ok"]) {
      assert.ok(lines.includes(line), `no line ${line} in\n${output}`);
    }
    for (const name of ["TERM", "LEAK", "KRUN"]) assert.doesNotMatch(output, new RegExp(`^${name}`, "m"));
    assert.match(output, /uid=1000\(app\) gid=1000\(app\) groups=1000\(app\),1001\(extra\)/);
    assert.match(output, /script \/dev\/\.lightbox-script/);
    assert.doesNotMatch(output, /eth0/);
    assert.equal(count(events, "layer-sealed"), 3);
    // The same again, and a part of it: nothing boots.
    const again = await bake([first, second, script]);
    assert.equal(count(again.events, "builder-starting"), 0);
    assert.equal(count(again.events, "step-reused"), 1);
    assert.match((await worker.readLog(first.key, never)) ?? "", /B=two words/);
  },
  "COPY follows the rules for destinations, owners and modes": async () => {
    const tree = {
      written: "src/",
      kind: "directory",
      name: "src",
      entries: [
        { kind: "directory", path: "", mode: 0o750 },
        { kind: "directory", path: "sub", mode: 0o755 },
        file("sub/run.sh", "#!/bin/sh\necho ran\n", 0o755),
        file("a.txt", "A"),
        { kind: "symlink", path: "to-a", target: "a.txt" },
      ],
    } as const;
    const one = { written: "one", kind: "file", name: "one", entries: [file("", "1")] } as const;
    const big = {
      written: "big",
      kind: "file",
      name: "big",
      entries: [file("", "b".repeat(3_000_000))],
    } as const;
    const context = (...sources: ContextSource[]) => ({ kind: "context", sources }) as const;
    const steps = [
      copy({ source: context(tree), destination: "/new/dir", destinationIsDirectory: false }),
      copy({ source: context(one), destination: "/new/name", destinationIsDirectory: false }),
      copy({
        source: context(one, big),
        destination: "/made/",
        destinationIsDirectory: true,
        owner: { user: "app", group: null },
        mode: { kind: "octal", bits: 0o4755 },
      }),
      copy({
        source: context(one),
        destination: "/link",
        destinationIsDirectory: false,
        owner: { user: "7", group: "extra" },
      }),
      copy({
        source: context(tree),
        destination: "/new/dir",
        destinationIsDirectory: true,
        mode: { kind: "symbolic", expression: "go=" },
      }),
      run(
        "cd /; stat -c '%n %a %u:%g %F' new new/dir new/dir/sub new/dir/sub/run.sh new/dir/a.txt made made/one data/one; /new/dir/sub/run.sh; readlink new/dir/to-a; wc -c < made/big; cat new/name",
      ),
    ];
    const { outcome, output } = await bake(steps, { checkpoint: "final" });
    assert.equal(outcome.kind, "completed", JSON.stringify(outcome));
    for (const line of [
      "new 755 0:0 directory",
      "new/dir 750 0:0 directory",
      "new/dir/sub 700 0:0 directory",
      "new/dir/sub/run.sh 700 0:0 regular file",
      "new/dir/a.txt 600 0:0 regular file",
      "made 4755 1000:1000 directory",
      "made/one 4755 1000:1000 regular file",
      "data/one 644 7:1001 regular file",
      "ran",
      "a.txt",
      "3000000",
      "1",
    ]) {
      assert.ok(output.includes(line), `no ${line} in\n${output}`);
    }
    const clash = await bake([
      copy({ source: context(tree), destination: "/etc/passwd", destinationIsDirectory: false }),
    ]);
    assert.partialDeepStrictEqual(clash.outcome, { reason: { code: "NotADirectory" } });
  },
  "COPY from a stage keeps owners, modes, links and times; a missing path names near ones": async () => {
    const stage = run(
      "mkdir /out; echo 1 > /out/app.js; echo 2 > /out/lib.js; ln -s app.js /out/l; chown app /out/lib.js; chmod 4711 /out/lib.js; touch -d @1000 /out/app.js; echo host > /etc/hosts",
    );
    const base = await bake([stage]);
    assert.equal(base.outcome.kind, "completed");
    const from = (...paths: string[]) =>
      ({ kind: "stage", layer: stage.key, imageDigest: digest, diskSizeMib, paths }) as const;
    const { outcome, output } = await bake(
      [
        copy({ source: from("/out/*.js", "/out/l"), destination: "/js/", destinationIsDirectory: true }),
        copy({ source: from("/out"), destination: "/all", destinationIsDirectory: false }),
        run("cd /; stat -c '%n %a %u:%g %Y' js/lib.js js/app.js all/app.js; readlink all/l; cat js/l"),
      ],
      { checkpoint: "auto" },
    );
    assert.equal(outcome.kind, "completed", JSON.stringify(outcome));
    assert.match(output, /js\/lib.js 4711 1000:0/);
    assert.match(output, /all\/app.js 644 0:0 1000/);
    assert.match(output, /\napp.js\n1\n/);
    const missing = await bake([
      copy({ source: from("/out/ap.js"), destination: "/x", destinationIsDirectory: false }),
    ]);
    assert.partialDeepStrictEqual(missing.outcome, {
      kind: "step-failed",
      reason: { code: "CopySourceNotFound", hint: "did you mean app.js?" },
    });
  },
  "a failed step keeps its disk and log; the next bake goes on after the last good layer": async () => {
    const good = run("echo good > /good");
    const bad = run("echo partly > /partly; echo trouble >&2; exit 7");
    const failed = await bake([good, bad]);
    assert.deepEqual(failed.outcome, {
      kind: "step-failed",
      index: 1,
      reason: { kind: "exit", exitCode: 7 },
      debugLayer: bad.key,
      keptBuilder: null,
    });
    assert.match((await worker.readLog(bad.key, never)) ?? "", /trouble/);
    const debug = await worker.findDebugLayer([bad.key], never);
    assert.equal(debug?.layer, bad.key);
    await worker.launchSandbox(
      { ...launch, name: "debugged", from: { kind: "debug", layer: bad.key } },
      never,
    );
    const seen = await exec({ sandbox: "debugged", argv: ["/bin/cat", "/good", "/partly"] });
    assert.deepEqual(seen, { exitCode: 0, stdout: "good\npartly\n", stderr: "" });
    await worker.removeSandbox("debugged", { force: true }, never);
    const resumed = await bake([good, run("cat /good")]);
    assert.equal(count(resumed.events, "step-reused"), 1);
    assert.equal(count(resumed.events, "step-started"), 1);
    const unknown = await bake([run("true", { user: "ap" })]);
    assert.partialDeepStrictEqual(unknown.outcome, {
      reason: { code: "UnknownUser", hint: "did you mean app?" },
    });
    const kept = await bake([run("echo kept > /k; exit 3")], { keepFailedBuilderAs: "kept" });
    assert.partialDeepStrictEqual(kept.outcome, { kind: "step-failed", keptBuilder: "kept" });
    assert.equal((await exec({ sandbox: "kept", argv: ["cat", "/k"] })).stdout, "kept\n");
    await worker.removeSandbox("kept", { force: true }, never);
  },
  "sandboxes of one snapshot see its files and not each other's": async () => {
    const layer = run("echo shared > /data/file; echo 0 > /etc/machine-id; chmod 777 /data");
    assert.equal((await bake([layer])).outcome.kind, "completed");
    await publish("snap", layer.key);
    const from = { kind: "snapshot", name: "snap" } as const;
    await worker.launchSandbox({ ...launch, name: "one", from, environment: { EXTRA: "1" } }, never);
    assert.equal(
      await codeOf(worker.launchSandbox({ ...launch, name: "one", from, replace: false }, never)),
      "SandboxExists",
    );
    const sh = (script: string) => ["/bin/sh", "-c", script];
    const seen = await exec({
      sandbox: "one",
      argv: sh(
        "pwd; cat file; id -un; echo $GREETING $EXTRA; hostname; echo changed > file; cat /etc/machine-id",
      ),
    });
    assert.match(seen.stdout, /^\/data\nshared\napp\nhello 1\none\n[0-9a-f]{32}\n$/);
    await worker.launchSandbox({ ...launch, name: "two", from }, never);
    assert.equal((await exec({ sandbox: "two", argv: ["cat", "/data/file"] })).stdout, "shared\n");
    assert.equal((await exec({ sandbox: "one", argv: ["cat"] }, "through")).stdout, "through");
    assert.equal((await exec({ sandbox: "one", argv: sh("exit 9") })).exitCode, 9);
    assert.equal((await exec({ sandbox: "one", argv: sh("kill -TERM $$") })).exitCode, 143);
    assert.equal((await exec({ sandbox: "one", argv: ["nothing"] })).exitCode, 127);
    const terminal = await exec(
      { sandbox: "one", argv: sh("sleep 0.5; stty size; tty"), terminal: { rows: 10, columns: 20 } },
      undefined,
      [{ rows: 33, columns: 77 }],
    );
    assert.match(terminal.stdout, /33 77\r\n\/dev\/pts/);
    assert.equal(await codeOf(exec({ sandbox: "one", argv: ["true"], user: "nobodyy" })), "UnknownUser");
    assert.equal(await codeOf(exec({ sandbox: "ones", argv: ["true"] })), "UnknownSandbox");
    const listed = await worker.listSandboxes(never);
    assert.deepEqual(
      listed.map(({ name, status }) => `${name} ${status}`),
      ["one running", "two running"],
    );
    assert.equal(await codeOf(worker.removeSandbox("one", { force: false }, never)), "SandboxRunning");
    await worker.stopSandbox("one", never);
    assert.equal((await worker.listSandboxes(never))[0]?.status, "stopped");
    assert.equal(await codeOf(exec({ sandbox: "one", argv: ["true"] })), "SandboxNotRunning");
    await worker.removeSandbox("one", { force: false }, never);
    await worker.removeSandbox("two", { force: true }, never);
    assert.deepEqual(await worker.listSandboxes(never), []);
  },
  "a sandbox publishes ports and mounts folders and volumes": async () => {
    await publish("bare", null);
    const from = { kind: "snapshot", name: "bare" } as const;
    const folder = await mkdtemp(join(tmpdir(), "lightbox-mount-"));
    await writeFile(join(folder, "index.html"), "served");
    const ports = [{ hostAddress: "127.0.0.1", hostPort: 18_080, guestPort: 80, protocol: "tcp" }] as const;
    const mounts = [
      { kind: "bind", guestPath: "/www", hostPath: folder, readOnly: true },
      { kind: "volume", guestPath: "/vol", volume: "data", readOnly: false },
    ] as const;
    try {
      await worker.launchSandbox({ ...launch, name: "web", from, ports, mounts, user: "root" }, never);
      const script = "httpd -p 80 -h /www; echo kept > /vol/file; touch /www/x 2>/dev/null || echo read-only";
      const served = await exec({ sandbox: "web", argv: ["/bin/sh", "-c", script] });
      assert.equal(served.stdout, "read-only\n", served.stderr);
      assert.equal(await (await fetch("http://127.0.0.1:18080/")).text(), "served");
      const clash = worker.launchSandbox({ ...launch, name: "web2", from, ports }, never);
      assert.equal(await codeOf(clash), "PortInUse");
      await worker.launchSandbox({ ...launch, name: "web", from, mounts, user: "root" }, never);
      assert.equal((await exec({ sandbox: "web", argv: ["cat", "/vol/file"] })).stdout, "kept\n");
    } finally {
      await worker.removeSandbox("web", { force: true }, never);
      await rm(folder, { recursive: true });
    }
  },
  "a full disk fails the step that filled it": async () => {
    const fill = run("dd if=/dev/zero of=/fill bs=1M count=300");
    const filled = await bake([fill], { diskSizeMib: 256 });
    assert.partialDeepStrictEqual(filled.outcome, { kind: "step-failed", index: 0 });
  },
  "an aborted bake ends its microVM and keeps what was sealed": async () => {
    const good = run("echo good");
    const abort = new AbortController();
    const slow = run("echo started; sleep 1000");
    const ended = bake([good, slow], {}, abort.signal, (event) => {
      if (event.kind === "step-output" && event.text.includes("started")) abort.abort();
    });
    await assert.rejects(ended, (error) => error instanceof Failure && error.category === "cancelled");
    const found = await worker.findLayers([good.key, slow.key], never);
    assert.deepEqual([...found.keys()], [good.key]);
  },
  "two bakes of the same steps at once build each once": async () => {
    const steps = [run("echo first; sleep 2"), run("echo second")];
    const first = bake(steps);
    await delay(300);
    const second = bake(steps);
    const [a, b] = await Promise.all([first, second]);
    assert.deepEqual(a.outcome, b.outcome);
    assert.equal(count([...a.events, ...b.events], "step-started"), 2);
    assert.equal(count(b.events, "waiting-for-other-bake") > 0, true);
  },
};

await worker.importImage(image, createReadStream(archive), never);
assert.deepEqual([...(await worker.findImages([digest], never))], [digest]);
for (const [title, body] of Object.entries(cases)) {
  if (wanted.length > 0 && !wanted.some((word) => title.includes(word))) continue;
  const startedAt = performance.now();
  try {
    await body();
    report(`ok ${title}`, startedAt);
  } catch (error) {
    report(`FAILED ${title}\n${error instanceof Error ? error.stack : String(error)}`, startedAt);
    process.exitCode = 1;
  }
}

function report(text: string, startedAt: number): void {
  process.stdout.write(`${text} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)\n`);
}
