import { chmod, chown, copyFile, mkdir, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { type BakeProject, bakeProject } from "../support/bake-project.ts";
import { type CommandOptions, lightbox } from "../support/lightbox-command.ts";

const head = "FROM BASE\nRESOURCES cpus=1 memory=256M disk=1G\n";

interface Refusal {
  readonly name: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly prepare?: (project: BakeProject) => Promise<void>;
  readonly words?: (project: BakeProject) => readonly string[];
  readonly options?: CommandOptions;
  readonly exitCode: number;
  readonly says: readonly RegExp[];
}

const refusals: readonly Refusal[] = [
  { name: "a Lightfile that is missing", exitCode: 2, says: [/error\[LightfileNotFound\]/] },
  {
    name: "a Lightfile that is empty",
    files: { Lightfile: "" },
    exitCode: 2,
    says: [/Lightfile: error\[EmptyFile\]/],
  },
  {
    name: "a Lightfile that is binary",
    prepare: ({ folder }) =>
      writeFile(join(folder, "Lightfile"), Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 0xff, 0xfe])),
    exitCode: 2,
    says: [/error\[LightfileNotText\]/],
  },
  {
    name: "a Lightfile of 100 MB",
    prepare: async ({ folder }) => {
      await writeFile(join(folder, "Lightfile"), "");
      await truncate(join(folder, "Lightfile"), 100e6);
    },
    exitCode: 2,
    says: [/error\[LightfileTooLarge\]/],
  },
  {
    name: "a Lightfile full of mistakes, all of them",
    files: { Lightfile: "FORM debian\nFROM BASE\nRNU make\nCOPY onlyone\nSNAPSHOT ??\nENV\n" },
    exitCode: 2,
    says: [
      /Lightfile:1:1: error/,
      /did you mean FROM\?/,
      /Lightfile:3:1: error/,
      /did you mean RUN\?/,
      /Lightfile:4:1/,
      /Lightfile:6:1/,
    ],
  },
  {
    name: "a COPY source that is missing",
    files: { Lightfile: `${head}COPY sorce.txt /\n`, "source.txt": "" },
    exitCode: 2,
    says: [/Lightfile:3:6: error\[/, /source\.txt/],
  },
  {
    name: "a COPY source that is ignored",
    files: { Lightfile: `${head}COPY secret.txt /\n`, "secret.txt": "", ".lightignore": "secret.txt\n" },
    exitCode: 2,
    says: [/Lightfile:3:6: error\[/, /\.lightignore/],
  },
  {
    name: "a COPY source that is a link out of the context",
    files: { Lightfile: `${head}COPY leak /\n` },
    prepare: ({ folder }) => symlink("/etc/passwd", join(folder, "leak")),
    exitCode: 2,
    says: [/Lightfile:3:6: error\[/],
  },
  {
    name: "a COPY source that is a socket",
    files: { Lightfile: `${head}COPY socket /\n` },
    prepare: async ({ folder }) => {
      // The socket's file stays when the server is not closed; the test's folder goes with it.
      const server = createServer().listen(join(folder, "socket"));
      server.unref();
    },
    exitCode: 2,
    says: [/Lightfile:3:6: error\[/],
  },
  {
    name: "a COPY source that is a loop of links",
    files: { Lightfile: `${head}COPY loop /\n` },
    prepare: ({ folder }) => symlink("loop", join(folder, "loop")),
    exitCode: 2,
    says: [/Lightfile:3:6: error\[/],
  },
  {
    name: "a base that does not exist",
    files: { Lightfile: "FROM ./nothing.tar\nSNAPSHOT x\nRUN true\n" },
    exitCode: 2,
    says: [/Lightfile:1:6: error\[/],
  },
  {
    name: "a base that is a corrupt archive",
    files: { Lightfile: "FROM ./broken.tar\nSNAPSHOT x\nRUN true\n", "broken.tar": "this is no archive" },
    exitCode: 3,
    says: [/error\[ImageCorrupt\]/],
  },
  {
    name: "a registry that cannot be reached",
    files: { Lightfile: "FROM 127.0.0.1:9/nobody/listens:1\nSNAPSHOT x\nRUN true\n" },
    exitCode: 3,
    says: [/error\[RegistryUnreachable\]/],
  },
  {
    name: "a stage that is unknown",
    files: { Lightfile: `FROM BASE AS build\nSNAPSHOT x\n` },
    words: ({ folder }) => ["bake", folder, "--target", "biuld"],
    exitCode: 2,
    says: [/did you mean build\?/],
  },
  {
    name: "a snapshot name that is not allowed",
    files: { Lightfile: `${head}SNAPSHOT ../escape\n` },
    exitCode: 2,
    says: [/Lightfile:3:10: error\[/],
  },
  {
    name: "a store made by a newer version",
    files: { Lightfile: `${head}SNAPSHOT x\nRUN true\n` },
    prepare: async ({ folder }) => {
      await mkdir(join(folder, "home/store"), { recursive: true });
      await writeFile(join(folder, "home/store/version"), "999\n");
    },
    words: ({ folder }) => ["serve", "--store", join(folder, "home/store")],
    exitCode: 3,
    says: [/error\[StoreVersionTooNew\]/],
  },
  {
    name: "a worker that cannot be reached",
    words: () => ["--host", "http://127.0.0.1:9", "ps"],
    options: { environment: { LIGHTBOX_TOKEN: "token" } },
    exitCode: 3,
    says: [/error\[WorkerUnreachable\]/, /127\.0\.0\.1 port 9/],
  },
  {
    name: "an option that does not exist",
    words: () => ["bake", "--no-cahce"],
    exitCode: 2,
    says: [/--no-cache/],
  },
];

describe("bad input is refused with a place or an explanation, and an exit code:", () => {
  test.each(refusals)("$name", async ({ files, prepare, words, options, exitCode, says }) => {
    await using project = await bakeProject(files ?? {});
    await prepare?.(project);
    const result = await lightbox(words?.(project) ?? ["bake", "--progress=plain", project.folder], options);
    const output = result.stderr + result.stdout;
    for (const text of says) expect(output).toMatch(text);
    expect(output).not.toMatch(/^ +at .*\.js:\d+/m);
    expect(result.exitCode, output).toBe(exitCode);
  });

  test("a file that cannot be read", async () => {
    await using project = await bakeProject({ locked: "" });
    await copyFile(inject("busyboxBase"), join(project.folder, "base.tar"));
    await project.write({ Lightfile: "FROM ./base.tar\nSNAPSHOT x\nCOPY locked /\n" });
    await chmod(join(project.folder, "locked"), 0);
    const home = join(project.folder, "home");
    await mkdir(home);
    // Root reads everything, so root's tests become somebody else for a moment.
    const isRoot = process.getuid?.() === 0;
    if (isRoot) for (const path of [project.folder, home]) await chown(path, 65534, 65534);
    const result = await lightbox(["bake", project.folder], {
      environment: { LIGHTBOX_HOME: home },
      ...(isRoot ? { userId: 65534 } : {}),
    });
    expect(result.stderr).toMatch(/Lightfile:3:6: error\[/);
    expect(result.exitCode).toBe(2);
  });

  test("no machine installed where one is needed", async (context) => {
    const status = await lightbox(["machine", "status"]);
    if (status.stdout.startsWith("not installed")) context.skip("microVMs run without the machine here");
    await using project = await bakeProject({ Lightfile: `${head}SNAPSHOT x\nRUN true\n` });
    const home = join(project.folder, "home");
    const result = await lightbox(["bake", project.folder], {
      environment: { LIGHTBOX_HOME: home, LIGHTBOX_VIRTUALIZATION: "machine" },
    });
    expect(result.exitCode).toBe(3);
    expect(result.stderr).toContain("lightbox machine init");
    await rm(home, { recursive: true, force: true });
  });
});
