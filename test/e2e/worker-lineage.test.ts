/** The worker without a command between: what only its own interface shows. */
import assert from "node:assert/strict";
import { afterAll, beforeAll, describe, test } from "vitest";
import type { ContextSource } from "../../src/model/step-operation.ts";
import type { Worker } from "../../src/worker/worker.ts";
import { countOf, never, openRealWorker, type RealWorkerRig, realWorkerRig } from "../support/real-worker.ts";

let worker: Worker;
let rig: RealWorkerRig;

beforeAll(async () => {
  worker = await openRealWorker();
  rig = await realWorkerRig(worker);
});

afterAll(() => worker[Symbol.asyncDispose]());

describe("a worker's lineage", () => {
  test("a step sees exactly its environment, identity and network, and what it leaves behind ends", async () => {
    const first = rig.run(
      "env | sort; id; umask; sleep 1000 & setsid sleep 1000 >/dev/null 2>&1 & echo x > /tmp/kept",
      {
        environment: { PATH: "/bin:/usr/bin", B: "two words", A: "" },
        user: "app",
      },
    );
    const second = rig.run(
      "pwd; ls -ld /work/in; cat /tmp/kept; ps | grep -c '[s]leep 1000'; ls /sys/class/net; id -G; echo é ok",
      {
        network: "none",
        user: "app:extra",
        workingDirectory: "/work/in",
        directories: [{ path: "/work", user: "app" }],
      },
    );
    const script = rig.run("", {
      command: { kind: "script", content: "#!/bin/sh\necho script $0; exit 0\n" },
      environment: { PATH: "/bin" },
      user: "1234",
    });
    const { outcome, events, output } = await rig.bake([first, second, script]);
    assert.deepEqual(outcome, { kind: "completed", layer: script.key });
    const lines = output.split("\n");
    for (const line of ["A=", "B=two words", "HOME=/home/app", "/work/in", "x", "0", "lo", "1501", "é ok"]) {
      assert.ok(lines.includes(line), `no line ${line} in\n${output}`);
    }
    for (const name of ["TERM", "LEAK", "KRUN"]) assert.doesNotMatch(output, new RegExp(`^${name}`, "m"));
    assert.match(output, /uid=1500\(app\) gid=1500\(app\) groups=1500\(app\),1501\(extra\)/);
    assert.match(output, /script \/dev\/\.lightbox-script/);
    assert.doesNotMatch(output, /eth0/);
    assert.equal(countOf(events, "layer-sealed"), 3);
    // The same again, and a part of it: nothing boots.
    const again = await rig.bake([first, second, script]);
    assert.equal(countOf(again.events, "builder-starting"), 0);
    assert.equal(countOf(again.events, "step-reused"), 1);
    assert.match((await rig.worker.readLog(first.key, never)) ?? "", /B=two words/);
  });

  test("COPY follows the rules for destinations, owners and modes, and does not take a file for a folder", async () => {
    const tree = {
      written: "src/",
      kind: "directory",
      name: "src",
      entries: [
        { kind: "directory", path: "", mode: 0o750 },
        { kind: "directory", path: "sub", mode: 0o755 },
        rig.file("sub/run.sh", "#!/bin/sh\necho ran\n", 0o755),
        rig.file("a.txt", "A"),
        { kind: "symlink", path: "to-a", target: "a.txt" },
      ],
    } as const;
    const one = { written: "one", kind: "file", name: "one", entries: [rig.file("", "1")] } as const;
    const big = {
      written: "big",
      kind: "file",
      name: "big",
      entries: [rig.file("", "b".repeat(3_000_000))],
    } as const;
    const context = (...sources: ContextSource[]) => ({ kind: "context", sources }) as const;
    const steps = [
      rig.run("ln -s /to/nowhere /dangling; ln -s missing /dangling-directory"),
      rig.copy({ source: context(one), destination: "/dangling", destinationIsDirectory: false }),
      rig.copy({ source: context(one), destination: "/dangling-directory/", destinationIsDirectory: true }),
      rig.copy({ source: context(tree), destination: "/new/dir", destinationIsDirectory: false }),
      rig.copy({ source: context(one), destination: "/new/name", destinationIsDirectory: false }),
      rig.copy({
        source: context(one, big),
        destination: "/made/",
        destinationIsDirectory: true,
        owner: { user: "app", group: null },
        mode: { kind: "octal", bits: 0o4755 },
      }),
      rig.copy({
        source: context(one),
        destination: "/link",
        destinationIsDirectory: false,
        owner: { user: "7", group: "extra" },
      }),
      rig.copy({
        source: context(tree),
        destination: "/new/dir",
        destinationIsDirectory: true,
        mode: { kind: "symbolic", expression: "go=" },
      }),
      rig.run(
        "cd /; stat -c '%n %a %u:%g %F' new new/dir new/dir/sub new/dir/sub/run.sh new/dir/a.txt made made/one data/one to/nowhere missing/one dangling; /new/dir/sub/run.sh; readlink new/dir/to-a; wc -c < made/big; cat new/name",
      ),
      rig.copy({ source: context(tree), destination: "/etc/passwd" }),
    ];
    const { outcome, output } = await rig.bake(steps, { checkpoint: "final" });
    assert.partialDeepStrictEqual(outcome, {
      kind: "step-failed",
      index: steps.length - 1,
      reason: { code: "NotADirectory" },
    });
    for (const line of [
      "new 755 0:0 directory",
      "new/dir 750 0:0 directory",
      "new/dir/sub 700 0:0 directory",
      "new/dir/sub/run.sh 700 0:0 regular file",
      "new/dir/a.txt 600 0:0 regular file",
      "to/nowhere 644 0:0 regular file",
      "missing/one 644 0:0 regular file",
      "dangling 777 0:0 symbolic link",
      "made 4755 1500:1500 directory",
      "made/one 4755 1500:1500 regular file",
      "data/one 644 7:1501 regular file",
      "ran",
      "a.txt",
      "3000000",
      "1",
    ]) {
      assert.ok(output.includes(line), `no ${line} in\n${output}`);
    }
  });

  test("COPY from a stage keeps owners, modes, links and times; a missing path names near ones", async () => {
    const stage = rig.run(
      "mkdir /out; echo 1 > /out/app.js; echo 2 > /out/lib.js; ln -s app.js /out/l; chown app /out/lib.js; chmod 4711 /out/lib.js; touch -d @1000 /out/app.js; echo host > /etc/hosts",
    );
    const made = await rig.bake([stage]);
    assert.equal(made.outcome.kind, "completed");
    const from = (...paths: string[]) =>
      ({
        kind: "stage",
        layer: stage.key,
        imageDigest: rig.base.image.digest,
        diskSizeMib: rig.base.diskSizeMib,
        paths,
        excludes: [],
        keepsParents: false,
        ifExists: false,
      }) as const;
    const { outcome, output } = await rig.bake(
      [
        rig.copy({ source: from("/out/*.js", "/out/l"), destination: "/js/", destinationIsDirectory: true }),
        rig.copy({ source: from("/out"), destination: "/all", destinationIsDirectory: false }),
        rig.run("cd /; stat -c '%n %a %u:%g %Y' js/lib.js js/app.js all/app.js; readlink all/l; cat js/l"),
        rig.copy({ source: from("/out/ap.js"), destination: "/x", destinationIsDirectory: false }),
      ],
      { checkpoint: "auto" },
    );
    assert.partialDeepStrictEqual(outcome, {
      kind: "step-failed",
      index: 3,
      reason: { code: "CopySourceNotFound", hint: "did you mean app.js?" },
    });
    assert.match(output, /js\/lib.js 4711 1500:0/);
    assert.match(output, /all\/app.js 644 0:0 1000/);
    assert.match(output, /\napp.js\n1\n/);
  });

  test("a full disk fails the step that filled it", async () => {
    const fill = rig.run("dd if=/dev/zero of=/fill bs=1M count=80");
    const filled = await rig.bake([fill], { diskSizeMib: 64, parent: null });
    assert.partialDeepStrictEqual(filled.outcome, { kind: "step-failed", index: 0 });
    assert.match(filled.output, /No space left on device/);
  });
});
