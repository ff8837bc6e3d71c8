import { spawnSync } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { codesIn } from "../../support/printed-diagnostics.ts";
import { type TemporaryFolder, temporaryFolder } from "../../support/temporary-folder.ts";

const program = fileURLToPath(new URL("../../../src/cli/start.ts", import.meta.url));

interface Project extends TemporaryFolder {
  check(...args: readonly string[]): { status: number | null; stdout: string; stderr: string };
  read(name: string): Promise<string>;
}

async function project(files: Readonly<Record<string, string>>): Promise<Project> {
  const folder = await temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder.path, name)), { recursive: true });
    await writeFile(join(folder.path, name), text);
  }
  const { GITHUB_ACTIONS: _, ...environment } = process.env;
  return {
    path: folder.path,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
    read: (name) => readFile(join(folder.path, name), "utf8"),
    check: (...args) =>
      spawnSync(process.execPath, [program, "check", ...args], {
        cwd: folder.path,
        encoding: "utf8",
        input: files["-"] ?? "",
        env: { ...environment, LIGHTBOX_HOME: join(folder.path, "home"), NO_COLOR: "1" },
      }),
  };
}

describe("lightbox check", () => {
  test("says nothing about a good file and ends with 0", async () => {
    await using folder = await project({ Lightfile: "FROM debian:12\nSNAPSHOT a\n" });
    expect(folder.check()).toMatchObject({ status: 0, stdout: "", stderr: "nothing to say about 1 file\n" });
  });

  test("ends with 0 for warnings, with 2 for errors and with --strict", async () => {
    await using folder = await project({ Lightfile: "FROM debian\nSNAPSHOT a\n", bad: "FROM a:1\nRNU x\n" });
    const warned = folder.check();
    expect(codesIn(warned.stdout)).toEqual(["UnpinnedBase"]);
    expect([warned.status, folder.check("--strict").status, folder.check("bad").status]).toEqual([0, 2, 2]);
    expect(folder.check("--error", "UnpinnedBase").status).toBe(2);
    expect(folder.check("--skip", "unpinnedbase").stdout).toBe("");
  });

  test("does not take for a mistake what a build argument will mend", async () => {
    await using folder = await project({
      Lightfile: "ARG V\nFROM debian:$V AS a\nFROM debian:$V\nCOPY --from=a a /\nSNAPSHOT a\n",
      required: "ARG --required V\nARG W=1\nFROM debian:$V AS a\nFROM $V\nCOPY --from=a a /\nSNAPSHOT a\n",
      wrong: "FROM debian:\nSNAPSHOT a\n",
    });
    const { stdout, status } = folder.check();
    expect(codesIn(stdout)).toEqual(["InvalidDefaultArgInFrom", "InvalidDefaultArgInFrom"]);
    expect(status).toBe(0);
    expect(folder.check("--build-arg=V=12").stdout).toBe("");
    expect(codesIn(folder.check("--build-arg=V=").stdout)).toContain("InvalidDefaultArgInFrom");
    expect(codesIn(folder.check("required").stdout)).toEqual(["UnusedArgument"]);
    expect(codesIn(folder.check("required", "--build-arg=V=").stdout)).toContain("InvalidDefaultArgInFrom");
    expect(codesIn(folder.check("wrong").stdout)).toEqual(["InvalidImageReference"]);
  });

  test("says what a bake would of mounts, wildcards and archives", async () => {
    await using folder = await project({
      Lightfile:
        "FROM ./nope.tar\nCOPY package*.json /q\nRUN --mount=type=bind,source=gone,target=/x true\nSNAPSHOT s\n",
      "package.json": "",
      "package-lock.json": "",
    });
    const { stdout, status } = folder.check();
    expect(codesIn(stdout)).toEqual(["ImageNotFound", "DestinationNotDirectory", "SourceNotFound"]);
    expect(status).toBe(2);
    expect(codesIn(folder.check("--no-context").stdout)).toEqual([]);
  });

  test("advises what can be done with it when there is no such file", async () => {
    await using folder = await project({ Dockerfile: "FROM a:1\n" });
    expect(folder.check("nope").stderr).toContain("hint: there is a Dockerfile: lightbox check Dockerfile");
    await using empty = await project({ "other.txt": "" });
    expect(empty.check("nope").stderr).toContain("hint: name it: lightbox check PATH");
  });

  test("looks for what COPY names in the context", async () => {
    await using folder = await project({
      Lightfile: "FROM debian:12\nCOPY a b ./x/y c* d* /to/\nCOPY --if-exists e* /to/\nSNAPSHOT s\n",
      ".lightignore": "b\n",
      a: "",
      b: "",
      d1: "",
    });
    const { status, stdout } = folder.check();
    expect(codesIn(stdout)).toEqual(["CopyIgnoredFile", "SourceNotFound", "WildcardMatchesNothing"]);
    expect(status).toBe(2);
    expect(folder.check("--no-context").stdout).toBe("");
  });

  test("reads the Lightfiles that a file names, and tells where what is wrong stands", async () => {
    await using folder = await project({
      Lightfile: "FROM ./base/Lightfile#tools\nSNAPSHOT s\n",
      "base/Lightfile": "FROM debian:12 AS tols\nSNAPSHOT b\n",
    });
    const { status, stdout } = folder.check();
    expect(status).toBe(2);
    expect(stdout).toContain("did you mean");
    expect(stdout).toContain("Lightfile:1:");
  });

  test("tells the mistakes of all files in one run, each at its own place, and each once", async () => {
    await using folder = await project({
      Lightfile:
        "IMPORT ./parts/Lightfile AS parts\nRNU x\nFROM ./base#tools\nUSE parts#node vresion=2\nCOPY --from=./base gone* /x\nSNAPSHOT s\n",
      "base/Lightfile": "FROM debian:12 AS tools\nCOPY missing /\nUSRE a\n",
      "parts/Lightfile": "MIXIN node\nARG --required version\nRUN --nonsense a\n",
    });
    const { status, stdout } = folder.check(".", "base", "--skip", "all");
    const places = [...stdout.matchAll(/^(\S+?):(\d+):\d+: error\[(\w+)\]/gm)].map((match) => match.slice(1));
    expect(places).toEqual([
      ["Lightfile", "2", "UnknownInstruction"],
      ["Lightfile", "4", "ArgumentRequired"],
      ["Lightfile", "4", "UnknownParameter"],
      ["base/Lightfile", "2", "SourceNotFound"],
      ["base/Lightfile", "3", "UnknownInstruction"],
      ["parts/Lightfile", "3", "UnknownFlag"],
    ]);
    expect(status).toBe(2);
  });

  test("asks no repository when there are mistakes already, and tells which cannot be reached", async () => {
    await using folder = await project({
      Lightfile: "FROM http://127.0.0.1:1/x.git#main\nRUN --nonsense x\nSNAPSHOT s\n",
      reach: "FROM http://127.0.0.1:1/x.git#main\nCOPY gone /\nSNAPSHOT s\n",
      alone: "FROM http://127.0.0.1:1/x.git#main\nSNAPSHOT s\n",
    });
    expect(codesIn(folder.check().stdout)).toEqual(["UnknownFlag"]);
    const reach = folder.check("reach");
    expect([codesIn(reach.stdout), reach.status]).toEqual([["GitUnreachable", "SourceNotFound"], 2]);
    const alone = folder.check("alone");
    expect([codesIn(alone.stdout), alone.status]).toEqual([["GitUnreachable"], 3]);
  });

  test("mends files with --fix and reports what is left", async () => {
    await using folder = await project({
      Lightfile: "from debian as X\nRUN apt-get install jq\nSNAPSHOT a\n",
    });
    const { stdout } = folder.check("--fix", "--skip", "PackageListsKept");
    expect(await folder.read("Lightfile")).toBe("FROM debian AS x\nRUN apt-get install -y jq\nSNAPSHOT a\n");
    expect(codesIn(stdout)).toEqual(["UnpinnedBase", "AptUpdateInOtherStep"]);
  });

  test("mends stdin to stdout and reports on stderr", async () => {
    await using folder = await project({ "-": "from debian as X\nSNAPSHOT a\n" });
    const { stdout, stderr } = folder.check("--fix", "-");
    expect(stdout).toBe("FROM debian AS x\nSNAPSHOT a\n");
    expect(codesIn(stderr)).toEqual(["UnpinnedBase"]);
  });

  test("prints formats for tools, of several files in one", async () => {
    await using folder = await project({
      a: "FROM debian\nSNAPSHOT a\n",
      "b/Lightfile": "FROM debian\nSNAPSHOT a\n",
    });
    const json = JSON.parse(folder.check("--format", "json", "a", "b").stdout);
    expect(json.diagnostics.map(({ path }: { path: string }) => path)).toEqual(["a", "b/Lightfile"]);
    const sarif = JSON.parse(folder.check("--format", "sarif", "a", "b").stdout);
    expect(sarif.runs[0].results).toHaveLength(2);
    expect(folder.check("--format", "github", "a").stdout).toMatch(/^::warning file=a,line=1,col=6,/);
  });

  test("does not know rules that do not exist", async () => {
    await using folder = await project({ Lightfile: "FROM debian:12\nSNAPSHOT a\n" });
    const { status, stderr } = folder.check("--skip", "UnpinedBase");
    expect(status).toBe(2);
    expect(stderr).toContain("error[UnknownRule]");
    expect(stderr).toContain("did you mean UnpinnedBase?");
  });

  test("lists its rules", async () => {
    await using folder = await project({});
    expect(folder.check("--list-rules").stdout).toMatch(/^UnpinnedBase +a base image has no version/m);
  });
});
