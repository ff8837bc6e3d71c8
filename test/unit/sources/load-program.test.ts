import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { hasErrors } from "../../../src/diagnostics/diagnostic.ts";
import { Program } from "../../../src/graph/link/program.ts";
import { parseLightfile } from "../../../src/lightfile/parse.ts";
import { loadProgram } from "../../../src/sources/load-program.ts";
import { PinnedGit } from "../../../src/sources/pinned-git.ts";
import { noPins } from "../../../src/sources/pins.ts";
import { GitRepository, serveGit } from "../../support/git-repository.ts";
import { shown } from "../../support/planned.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const planOptions = { buildArguments: {}, target: null, platform: "linux/amd64" };

/** A folder with `project/Lightfile` and other files. */
async function rig(files: Readonly<Record<string, string>> = {}) {
  const folder = await temporaryFolder();
  const path = (name: string) => join(folder.path, name);
  const write = async (name: string, text: string): Promise<void> => {
    await mkdir(dirname(path(name)), { recursive: true });
    await writeFile(path(name), text);
  };
  await mkdir(path("project"));
  for (const [name, text] of Object.entries(files)) await write(name, text);
  return {
    path,
    write,
    load: async (text: string) => {
      await write("project/Lightfile", text);
      const { value: tree } = parseLightfile({ path: "Lightfile", text });
      const lightfilePath = path("project/Lightfile");
      const context = { directory: path("project"), lightfilePath };
      const program = new Program({ identity: lightfilePath, tree, context }, {});
      const { signal } = new AbortController();
      const git = new PinnedGit({ homeDirectory: path("home"), pins: noPins });
      const { value, diagnostics } = await loadProgram(program, planOptions, { git, signal });
      return {
        program,
        images: value.images.map((image) => image.reference),
        diagnostics,
        hasErrors: hasErrors(diagnostics),
      };
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

const base = "FROM base:1\nRUN x\n";

describe("a reference to a file", () => {
  test("starts at the folder of the file that has it, and may name a folder", async () => {
    await using it = await rig({
      "base/Lightfile": "FROM ./os\n",
      "base/os/Lightfile": base,
    });
    const { program, images, diagnostics } = await it.load("FROM ../base/Lightfile\n");
    expect(diagnostics).toEqual([]);
    expect(images).toEqual(["base:1"]);
    expect(program.files.map(({ tree, context }) => [tree.source.path, context.directory])).toEqual([
      ["Lightfile", it.path("project")],
      ["../base/Lightfile", it.path("base")],
      ["../base/os/Lightfile", it.path("base/os")],
    ]);
  });

  test("finds the same file by a link, also where that closes a circle", async () => {
    await using it = await rig({ "base/Lightfile": "FROM ../link\n" });
    await symlink(it.path("project"), it.path("link"));
    const { diagnostics } = await it.load("FROM ../base/Lightfile\n");
    expect(shown(diagnostics)).toEqual([expect.stringContaining("error ReferenceCycle 1:6 ../link")]);
  });

  test("that is a base image is no Lightfile to import from", async () => {
    await using it = await rig({ "project/layout/oci-layout": "{}" });
    const { diagnostics } = await it.load("IMPORT ./layout AS other\nFROM other#stage\n");
    expect(shown(diagnostics)).toEqual([expect.stringContaining("error NotALightfile 2:6 other#stage")]);
  });

  test.each(["base.tar", "layout", "image"])("may be the base image %s", async (name) => {
    await using it = await rig({ "project/layout/oci-layout": "{}" });
    await writeFile(it.path("project/image"), Buffer.from([0x1f, 0x8b, 8, 0]));
    const { images, diagnostics } = await it.load(`FROM ./${name}\n`);
    expect(diagnostics).toEqual([]);
    expect(images).toEqual([`./${name}`]);
  });

  test("to a file that is missing names its neighbour", async () => {
    await using it = await rig({ "base/Lightfile": base });
    expect(shown((await it.load("FROM ../base/Lihtfile#a\n")).diagnostics)).toEqual([
      "error LightfileNotFound 1:6 ../base/Lihtfile#a | there is no Lightfile ../base/Lihtfile | did you mean ../base/Lightfile?",
    ]);
    expect(shown((await it.load("IMPORT ../nowhere AS n\nFROM n\n")).diagnostics)).toEqual([
      "error LightfileNotFound 1:8 ../nowhere | there is no Lightfile ../nowhere | paths start at the folder of the file that names them",
    ]);
  });

  test("to something else than a text is a mistake at the word", async () => {
    await using it = await rig();
    await writeFile(it.path("project/binary"), Buffer.from([0xff, 0xfe, 0x00]));
    await writeFile(it.path("project/large"), Buffer.alloc(5 * 2 ** 20, "#"));
    const codes = async (text: string) => (await it.load(text)).diagnostics.map(({ code }) => code);
    expect(await codes("FROM ./binary\n")).toEqual(["LightfileNotText"]);
    expect(await codes("FROM ./large\n")).toEqual(["LightfileTooLarge"]);
  });

  test.skipIf(process.getuid?.() === 0)("to a file that may not be read says so", async () => {
    await using it = await rig({ "base/Lightfile": base });
    await chmod(it.path("base/Lightfile"), 0);
    expect((await it.load("FROM ../base/Lightfile\n")).diagnostics[0]?.code).toBe("LightfileUnreadable");
  });

  test("to a file with mistakes tells them all in that file, and what it is read for", async () => {
    await using it = await rig({ "base/Lightfile": "FROM base:1\nRUNN x\nEXPOS 1\n" });
    const { diagnostics } = await it.load("FROM ../base/Lightfile\n");
    expect(diagnostics.map(({ code, source }) => [code, source.path])).toEqual([
      ["UnknownInstruction", "../base/Lightfile"],
      ["UnknownInstruction", "../base/Lightfile"],
    ]);
    expect(diagnostics[0]?.related).toMatchObject([
      { message: "it is read for this", source: { path: "Lightfile" } },
    ]);
  });

  test("tells the mistakes of several files in one run", async () => {
    await using it = await rig({ "a/Lightfile": "FROM base:1\nRUNN x\n" });
    const { diagnostics } = await it.load(
      "FROM ../a/Lightfile AS a\nFROM ../b/Lightfile AS b\nFROM base:1\nCOPY --from=a x /x\nCOPY --from=b x /x\nUSER :\n",
    );
    expect(diagnostics.map(({ code }) => code)).toEqual([
      "UnknownInstruction",
      "LightfileNotFound",
      "InvalidUser",
    ]);
  });

  test("may be to a file of mixins alone", async () => {
    await using it = await rig({ "tools/Lightfile": "MIXIN a\nRUN a\n" });
    const used = await it.load("IMPORT ../tools AS t\nFROM base:1\nUSE t#a\n");
    expect(used.diagnostics).toEqual([]);
    expect(shown((await it.load("FROM ../tools\n")).diagnostics)).toEqual([
      "error UnknownTarget 1:6 ../tools | ../tools has no stage | it holds mixins only: write USE import#mixin",
    ]);
  });
});

describe("a reference to a repository", () => {
  async function gitRig() {
    const it = await rig();
    const repository = await GitRepository.create(it.path("served/tools.git"));
    await repository.commit({
      Lightfile: "FROM ./os/Lightfile#os\nRUN tools\n",
      "os/Lightfile": "FROM base:1 AS os\nRUN os\nFROM ../../outside/Lightfile AS out\n",
    });
    return { ...it, repository };
  }

  test("brings its files, which refer to each other inside of it", async () => {
    await using it = await gitRig();
    await using server = await serveGit(it.path("served"));
    const url = `${server.url}tools.git`;
    const { program, diagnostics, images } = await it.load(`FROM ${url}#main\n`);
    expect(diagnostics).toEqual([]);
    expect(images).toEqual(["base:1"]);
    expect(program.files.map(({ tree, label }) => [tree.source.path, label])).toEqual([
      ["Lightfile", null],
      [`${url}#main:Lightfile`, "tools"],
      [`${url}#main:os/Lightfile`, "os"],
    ]);
  });

  test("asks for a branch once, however many words name it", async () => {
    await using it = await gitRig();
    await using server = await serveGit(it.path("served"));
    const url = `${server.url}tools.git`;
    await it.load(`FROM ${url}#main:os/Lightfile#os AS a\nFROM ${url}#main\nCOPY --from=a x /x\n`);
    const listings = server.requests.filter((request) => request.includes("info/refs"));
    // One to learn the commit, one to fetch it.
    expect(listings).toHaveLength(2);
  });

  test("cannot lead out of it", async () => {
    await using it = await gitRig();
    await it.write("outside/Lightfile", base);
    const { diagnostics } = await it.load(`FROM ${it.repository.url}#main:os/Lightfile#out\n`);
    expect(diagnostics.map(({ code, source }) => [code, source.path])).toEqual([
      ["OutsideRepository", `${it.repository.url}#main:os/Lightfile`],
    ]);
  });

  test("cannot lead out of it by a link", async () => {
    await using it = await gitRig();
    await it.write("outside/Lightfile", base);
    await symlink(it.path("outside/Lightfile"), it.path("served/tools.git/link"));
    await it.repository.commit({});
    const { diagnostics } = await it.load(`FROM ${it.repository.url}#main:link\n`);
    expect(diagnostics.map(({ code }) => code)).toEqual(["OutsideRepository"]);
  });

  test("takes base images from it, and none of this host", async () => {
    await using it = await gitRig();
    await it.repository.commit({
      Lightfile: "FROM ./os.tar AS in\nFROM /os.tar AS abs\nFROM oci:../x AS up\n",
    });
    const of = (target: string) => it.load(`FROM ${it.repository.url}#main#${target}\n`);
    expect((await of("in")).images[0]).toMatch(new RegExp(`^${it.path("home")}/git/.*/tree/os.tar$`));
    for (const target of ["abs", "up"]) {
      expect((await of(target)).diagnostics.map(({ code }) => code)).toEqual(["OutsideRepository"]);
    }
  });

  test("of another host cannot name a repository of this one", async () => {
    await using it = await gitRig();
    await using server = await serveGit(it.path("served"));
    await it.repository.commit({ Lightfile: `FROM ${it.repository.url}#main:os/Lightfile#os\n` });
    const { diagnostics } = await it.load(`FROM ${server.url}tools.git#main\n`);
    expect(diagnostics.map(({ code }) => code)).toEqual(["InvalidGitReference"]);
  });

  test("is a mistake at the word where there is no such ref, file or repository", async () => {
    await using it = await gitRig();
    const { url } = it.repository;
    const messages = async (text: string) => shown((await it.load(text)).diagnostics);
    expect(await messages(`FROM ${url}#mian\n`)).toEqual([
      `error GitRefUnknown 1:6 ${url}#mian | ${url} has no branch, tag or commit mian | did you mean main?`,
    ]);
    expect(await messages(`IMPORT ${url}#main:os/Lihtfile AS x\nFROM x\n`)).toEqual([
      `error LightfileNotFound 1:8 ${url}#main:os/Lihtfile | there is no Lightfile ${url}#main:os/Lihtfile | did you mean ${url}#main:os/Lightfile?`,
    ]);
    expect((await messages("FROM file:///nowhere/x.git\n"))[0]).toContain("error GitRepositoryUnknown 1:6");
  });

  test("fails with its place where the host does not answer", async () => {
    await using it = await gitRig();
    await expect(it.load("FROM http://127.0.0.1:1/x.git#main\n")).rejects.toMatchObject({
      code: "GitUnreachable",
      category: "environment",
      diagnostics: [{ code: "GitUnreachable", range: { start: 5 } }],
    });
  });
});
