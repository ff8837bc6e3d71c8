import { spawn, spawnSync } from "node:child_process";
import { chmod, mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { workerIndexPath } from "../../../src/bake/worker-index-file.ts";
import { completionScript } from "../../../src/cli/completion/scripts.ts";
import { openLayerStore } from "../../../src/layers/open-layer-store.ts";
import { emptyConfiguration } from "../../../src/model/sandbox-configuration.ts";
import { SandboxRecords } from "../../../src/worker/local/sandboxes/sandbox-record.ts";
import { FakeWorker } from "../../support/fake-worker.ts";
import { snapshotOf, testImageDigest } from "../../support/layer-store-fixture.ts";
import { remoteToken, startRemoteRig } from "../../support/remote-rig.ts";
import { type TemporaryFolder, temporaryFolder } from "../../support/temporary-folder.ts";

const program = fileURLToPath(new URL("../../../src/cli/start.ts", import.meta.url));

let folder: TemporaryFolder;
let environment: NodeJS.ProcessEnv;

/** A home with real state, a project with a Lightfile, and `lightbox` on the PATH. */
beforeAll(async () => {
  folder = await temporaryFolder();
  const home = join(folder.path, "home");
  environment = { ...process.env, LIGHTBOX_HOME: home, PATH: `${folder.path}/bin:${process.env.PATH}` };
  delete environment.LIGHTBOX_HOST;
  const files: Readonly<Record<string, string>> = {
    "bin/lightbox": `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`,
    "project/Lightfile":
      '# check=skip=all\nARG --describe="which tools" TOOLS=all\nFROM debian AS build\nFROM build AS test\nFROM build\nSNAPSHOT x\n',
    "project/other/Lightfile": "FROM debian AS elsewhere\n",
    "project/agents.lightfile":
      "FROM debian\nRUN --mount=type=ssh one\nRUN --mount=type=ssh,id=deploy --mount=type=ssh two\n",
    "project/broken.lightfile": "FROM debian AS here\nRUN <<EOF\nRNU\n",
    "project/a b.lightfile": "",
  };
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder.path, name)), { recursive: true });
    await writeFile(join(folder.path, name), text);
  }
  await chmod(join(folder.path, "bin/lightbox"), 0o755);
  const store = await openLayerStore(join(home, "store"), { onDamage: expect.fail });
  for (const name of ["web", "web/api", "tools"]) await store.publishSnapshot(name, snapshotOf(null, 16));
  for (const name of ["npm", "apt"]) await store.volumes.ensure(name, {});
  const records = new SandboxRecords(join(home, "store"), "0123456789");
  for (const name of ["box-one", "box-two"]) {
    await records.reserve(name);
    await records.write({
      name,
      runtimeName: records.runtimeName(name),
      snapshot: "web",
      createdAt: "2026-01-01T00:00:00.000Z",
      ports: [],
      configuration: emptyConfiguration,
      isEphemeral: false,
    });
  }
  const index = workerIndexPath(home, "machine");
  await mkdir(dirname(index), { recursive: true });
  await writeFile(index, JSON.stringify({ version: 1, snapshots: [{ name: "on-machine" }] }));
}, 60_000);

afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

/** Runs a program in the project; throws when it complains. */
function run(command: string, words: readonly string[], more: NodeJS.ProcessEnv = {}): string {
  const result = spawnSync(command, words, {
    cwd: join(folder.path, "project"),
    env: { ...environment, ...more },
    encoding: "utf8",
    timeout: 50_000,
  });
  if (result.status !== 0 || result.stderr !== "")
    throw new Error(
      `${command} ended with ${result.status ?? result.signal}: ${result.stderr}${result.stdout}`,
    );
  return result.stdout;
}

type Ask = (line: string) => readonly string[];

function isInstalled(shell: string): boolean {
  return spawnSync(shell, ["-c", "true"]).status === 0;
}

/** As bash does on a press of the tab key: it sets these variables and calls the function. */
const bash: Ask = (line) => {
  const script = `
    source "$SCRIPT"
    # Bash takes words apart at = and :, which the real variables show, too.
    COMP_LINE=$LINE COMP_POINT=\${#LINE} COMP_TYPE=9 COMP_KEY=9 COMP_CWORD=1 COMP_WORDS=(lightbox "")
    _lightbox
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  return linesOf(run("bash", ["--norc", "-c", script], { LINE: line, SCRIPT: scriptPath("bash") }));
};

/** The completion system's own commands are replaced: they work inside of the line editor only. */
const zsh: Ask = (line) => {
  const script = `
    compdef() { : }
    compset() { [[ $1 == -P ]] && PREFIX=\${PREFIX#*=} }
    compadd() { while [[ $1 != -- ]]; do shift; done; shift; print -rl -- "$@" }
    _files() { if [[ $1 == -/ ]]; then print -rl -- \${PREFIX}*(/N); else print -rl -- \${PREFIX}*(N); fi }
    source $SCRIPT
    words=(\${(z)LINE}); [[ $LINE == *' ' ]] && words+=('')
    CURRENT=$#words PREFIX=$words[-1]
    _lightbox`;
  return linesOf(run("zsh", ["-f", "-c", script], { LINE: line, SCRIPT: scriptPath("zsh") }));
};

/** fish answers what it would offer for a line. */
const fish: Ask = (line) => {
  const script = "source $SCRIPT; complete -C $LINE";
  const offered = run("fish", ["--no-config", "-c", script], { LINE: line, SCRIPT: scriptPath("fish") });
  return linesOf(offered).map((candidate) => candidate.replace(/\t.*/, ""));
};

function scriptPath(shell: string): string {
  return join(folder.path, `completion.${shell}`);
}

function linesOf(text: string): readonly string[] {
  return text.split("\n").filter((line) => line !== "");
}

describe.each([
  ["bash", bash, true],
  ["zsh", zsh, false],
  ["fish", fish, false],
] as const)("%s with the script of lightbox completion", (shell, ask, cutsAtEquals) => {
  const check = test.skipIf(!isInstalled(shell));

  beforeAll(async () => {
    const script = run("lightbox", ["completion", shell]);
    expect(script).toBe(completionScript(shell));
    await writeFile(scriptPath(shell), script);
  }, 60_000);

  check("completes commands and their subcommands, hidden ones left out", () => {
    expect(ask("lightbox machine sta").toSorted()).toEqual(["start", "status"]);
    expect(ask("lightbox __")).toEqual([]);
  });

  check("completes options and their choices", () => {
    expect(ask("lightbox bake --pro")).toEqual(["--progress"]);
    expect(ask("lightbox bake --progress=pl")).toEqual([cutsAtEquals ? "plain" : "--progress=plain"]);
  });

  check("completes stages and arguments of the Lightfile at hand", () => {
    expect(ask("lightbox bake --target ").toSorted()).toEqual(["build", "test"]);
    expect(ask("lightbox bake --target=bu")).toEqual([cutsAtEquals ? "build" : "--target=build"]);
    expect(ask("lightbox bake --build-arg TO")).toEqual(["TOOLS="]);
  });

  check("completes snapshots and sandboxes from the state on the disk", () => {
    expect(ask("lightbox run we").toSorted()).toEqual(["web", "web/api"]);
    expect(ask("lightbox rm box-one ")).toEqual(["box-two"]);
    expect(ask("lightbox volumes rm np")).toEqual(["npm"]);
    expect(ask("lightbox volumes create ")).toEqual([]);
    expect(ask("lightbox run -v np")).toEqual(["npm:"]);
    expect(ask("lightbox run -v oth").map((name) => name.replace(/\/$/, ""))).toEqual(["other"]);
    expect(ask("lightbox run -v npm:/")).toEqual([]);
  });

  check("completes files where a file is wanted", () => {
    expect(ask("lightbox bake bro")).toEqual(["broken.lightfile"]);
    expect(ask("lightbox bake --context oth").map((name) => name.replace(/\/$/, ""))).toEqual(["other"]);
  });
});

/** What a script gets as an answer, and how the command ended. */
async function answer(line: string, more: NodeJS.ProcessEnv = {}): Promise<readonly string[]> {
  const child = spawn(process.execPath, [program, "__complete", "line", "--", line], {
    cwd: join(folder.path, "project"),
    env: { ...environment, ...more },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  const code = await new Promise((resolve) => child.once("close", resolve));
  expect(code).toBe(0);
  return linesOf(text);
}

describe("names of another worker", () => {
  test("come from the one that --host names, and from no other", async () => {
    const worker = new FakeWorker({ images: [testImageDigest] });
    const { signal } = new AbortController();
    await worker.publishSnapshot({ name: "far-away", ...snapshotOf(null, 16) }, signal);
    await using rig = await startRemoteRig(worker);
    const lines = await answer(`lightbox --host ${rig.server.url} run `, { LIGHTBOX_TOKEN: remoteToken });
    expect(lines).toEqual(["far-away\tdebian:12", ":nothing"]);
    await worker.ensureVolume({ name: "far-volume", labels: {} }, signal);
    const volumes = await answer(`lightbox volumes rm --host ${rig.server.url} `, {
      LIGHTBOX_TOKEN: remoteToken,
    });
    expect(volumes).toEqual(["far-volume\t", ":nothing"]);
  });

  test("of the machine are the remembered ones while it is off: it is not started for them", async () => {
    expect(await answer("lightbox run on")).toEqual(["on-machine\t", ":nothing"]);
    expect((await readdir(join(folder.path, "home"))).toSorted()).toEqual(["index", "store"]);
  });

  test("are left out when it cannot be reached, or there is no token", async () => {
    expect(await answer("lightbox run ", { LIGHTBOX_HOST: "127.0.0.1:1", LIGHTBOX_TOKEN: "x" })).toEqual([
      ":nothing",
    ]);
    expect(await answer("lightbox run ", { LIGHTBOX_HOST: "127.0.0.1:1" })).toEqual([":nothing"]);
  });
});

test("rules of lint complete, again and again", async () => {
  const line = "lightbox check --skip StageNameCasing --skip Unpinned";
  expect((await answer(line)).map((found) => found.replace(/\t.*/, ""))).toEqual([
    "UnpinnedBase",
    ":nothing",
  ]);
});

test("the stages are those of the Lightfile that the line means", async () => {
  expect(await answer("lightbox bake other --target ")).toEqual(["elsewhere\tFROM debian", ":nothing"]);
});

test("the agents to lend are those that the Lightfile's steps mount", async () => {
  const what = "the agent of SSH_AUTH_SOCK";
  expect(await answer("lightbox bake -f agents.lightfile --ssh ")).toEqual([
    `default\t${what}`,
    `deploy\t${what}`,
    ":nothing",
  ]);
});

test("a command in a sandbox gets no options of lightbox", async () => {
  expect(await answer("lightbox exec box-one ls --ho")).toEqual([":files"]);
});

describe("a command line that is hard to read", () => {
  test("is split as a shell splits it", async () => {
    expect(await answer('lightbox bake -f "broken.lightfile" --target h')).toEqual([
      "here\tFROM debian",
      ":nothing",
    ]);
    expect(await answer("lightbox bake -f a\\ b.lightfile --target ")).toEqual([":nothing"]);
    expect(await answer("lightbox bake 'oth")).toEqual([":files"]);
  });

  test("with words that nobody knows gets an answer, too", async () => {
    expect(await answer("")).toContain(":nothing");
    expect(await answer("lightbox nonsense --what is ")).toEqual([":nothing"]);
    expect(await answer("lightbox bake --nonsense=")).toEqual([":nothing"]);
    expect(await answer("lightbox bake --target")).toEqual([
      "--target\tbake this stage instead of the last one",
      ":nothing",
    ]);
  });
});
