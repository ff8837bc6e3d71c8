import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { lockReferences } from "../../../src/bake/lock.ts";
import { drawPlan } from "../../../src/graph/draw.ts";
import { GitRepository } from "../../support/git-repository.ts";
import { BakeRig, baseDigest, eventsOf } from "./bake-rig.ts";

const base = "FROM base:1 AS os\nRUN os\nCOPY conf /etc/\nFROM os AS unused\nRUN unused\n";
const text = "FROM ../base/Lightfile#os\nSNAPSHOT app\nCOPY main.c /src/\nRUN make\n";

async function joinedRig(): Promise<BakeRig> {
  const rig = await BakeRig.create();
  await rig.writeFile("main.c", "int main;");
  await rig.writeFile("../base/Lightfile", base);
  await rig.writeFile("../base/conf", "of the base");
  return rig;
}

describe("a bake of joined Lightfiles", () => {
  test("runs the steps of both, each with the files of its own folder", async () => {
    await using rig = await joinedRig();
    const { outcome, ran, events } = await rig.bake(text);
    expect(outcome).toMatchObject({ kind: "completed", snapshotName: "app" });
    expect(ran).toEqual(["RUN os", "COPY conf /etc/", "COPY main.c /src/", "RUN make"]);
    const [planned] = eventsOf(events, "planned");
    expect(
      planned?.stages
        .flatMap(({ steps }) => steps)
        .map(({ id, file, position }) => [id, file, position.line]),
    ).toEqual([
      ["base#os/1", "../base/Lightfile", 2],
      ["base#os/2", "../base/Lightfile", 3],
      ["0/1", "Lightfile", 3],
      ["0/2", "Lightfile", 4],
    ]);
  });

  test("finds everything again, also when the other file is baked by itself", async () => {
    await using rig = await joinedRig();
    await rig.bake(text);
    expect((await rig.bake(text)).ran).toEqual([]);
    const folder = join(rig.folder, "base");
    const alone = await rig.bake(base, {
      target: "os",
      lightfilePath: join(folder, "Lightfile"),
      contextDirectory: folder,
    });
    expect(alone.ran).toEqual([]);
  });

  test("reads the ignore file of each folder", async () => {
    await using rig = await joinedRig();
    await rig.writeFile("../base/.lightignore", "conf\n");
    const { outcome } = await rig.bake(text);
    expect(outcome).toMatchObject({ kind: "invalid" });
    expect(outcome.diagnostics.map(({ code, source }) => [code, source.path])).toEqual([
      ["CopyIgnoredFile", "../base/Lightfile"],
    ]);
  });

  test("names the file of a step that fails", async () => {
    await using rig = await joinedRig();
    rig.worker.script("RUN os", { exitCode: 3 });
    const { events } = await rig.bake(text);
    expect(eventsOf(events, "step-failed")).toMatchObject([
      { step: "base#os/1", file: "../base/Lightfile", lightfile: "Lightfile", position: { line: 2 } },
    ]);
  });

  test("is explained across the files", async () => {
    await using rig = await joinedRig();
    await rig.bake(text);
    await rig.writeFile("../base/conf", "changed");
    const explained = await rig.explain(text);
    if (explained.kind !== "explained") throw new Error("it has mistakes");
    expect(
      explained.steps.map(({ step, file, line, state, reasons }) => [
        step,
        `${file}:${line}`,
        state,
        ...reasons,
      ]),
    ).toEqual([
      ["base#os/1", "../base/Lightfile:2", "cached"],
      ["base#os/2", "../base/Lightfile:3", "will-run", "file conf changed"],
      ["0/1", "Lightfile:3", "will-run", "the step before it changed: COPY conf /etc/"],
      ["0/2", "Lightfile:4", "will-run", "the step before it changed: COPY main.c /src/"],
    ]);
    expect(drawPlan(explained.plan, "text")).toBe(
      [
        "base#os (stage 1) from base:1",
        "├─ base#os/1  RUN os",
        "└─ base#os/2  COPY conf /etc/",
        "",
        "stage 0 from base#os (stage 1) [target, snapshot app]",
        "├─ 0/1  COPY main.c /src/",
        "└─ 0/2  RUN make",
        "",
      ].join("\n"),
    );
  });

  test("leaves the check directive of each file to that file", async () => {
    await using rig = await joinedRig();
    await rig.writeFile("../base/Lightfile", "# check=error=true\nFROM base:1\nCOPY *.none /x/\n");
    const { outcome } = await rig.bake("# check=skip=all\nFROM ../base/Lightfile\n");
    expect(outcome.diagnostics.map(({ code, severity }) => [code, severity])).toEqual([
      ["WildcardMatchesNothing", "error"],
    ]);
  });

  test("takes steps of a git repository, whose files are its context", async () => {
    await using rig = await joinedRig();
    const repository = await GitRepository.create(join(rig.folder, "tools.git"));
    await repository.commit({
      "node/Lightfile": "MIXIN node\nCOPY conf /etc/\nRUN node\n",
      "node/conf": "git's",
    });
    const { outcome, ran, events } = await rig.bake(
      `IMPORT ${repository.url}#main:node/Lightfile AS tools\nFROM base:1\nUSE tools#node\n`,
    );
    expect(outcome.kind).toBe("completed");
    expect(ran).toEqual(["COPY conf /etc/", "RUN node"]);
    const steps = eventsOf(events, "planned").flatMap(({ stages }) => stages.flatMap((stage) => stage.steps));
    expect(steps[0]?.file).toBe(`${repository.url}#main:node/Lightfile`);
  });
});

describe("a lock", () => {
  const lock = (rig: BakeRig, lightfile: string, update: "nothing" | "all" | readonly string[] = "nothing") =>
    lockReferences({ ...rig.request(lightfile), update }, rig.collaborators(), new AbortController().signal);
  const lockText = (rig: BakeRig) => readFile(join(rig.folder, "context", "Lightfile.lock"), "utf8");

  async function gitRig() {
    const rig = await joinedRig();
    const repository = await GitRepository.create(join(rig.folder, "tools.git"));
    const first = await repository.commit({ Lightfile: "FROM base:2\nRUN one\n" });
    const lightfile = `FROM ${repository.url}#main AS t\nFROM base:1\nCOPY --from=t a /a\n`;
    return { rig, repository, first, lightfile, [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose]() };
  }

  test("pins images and commits of every stage and file, the same text each time", async () => {
    await using it = await gitRig();
    const outcome = await lock(it.rig, `${it.lightfile}FROM base:3\n`);
    expect(outcome).toMatchObject({ kind: "locked", before: null });
    const written = await lockText(it.rig);
    expect(written).toBe(`{
  "version": 1,
  "images": [
    { "reference": "base:1", "platform": "linux/amd64", "digest": "${baseDigest}" },
    { "reference": "base:2", "platform": "linux/amd64", "digest": "${baseDigest}" },
    { "reference": "base:3", "platform": "linux/amd64", "digest": "${baseDigest}" }
  ],
  "git": [
    { "url": "${it.repository.url}", "ref": "main", "commit": "${it.first}" }
  ],
  "urls": []
}
`);
    await lock(it.rig, `${it.lightfile}FROM base:3\n`);
    expect(await lockText(it.rig)).toBe(written);
  });

  test("holds later bakes to what was pinned", async () => {
    await using it = await gitRig();
    await lock(it.rig, it.lightfile);
    await it.repository.commit({ Lightfile: "FROM base:2\nRUN two\n" });
    const asked: string[] = [];
    it.rig.onResolve = (reference) => asked.push(reference);
    const { ran } = await it.rig.bake(it.lightfile, { locked: true });
    expect(ran[0]).toBe("RUN one");
    expect(asked.sort()).toEqual([`base:1@${baseDigest}`, `base:2@${baseDigest}`]);
  });

  test("moves only where it is told to", async () => {
    await using it = await gitRig();
    await lock(it.rig, it.lightfile);
    const second = await it.repository.commit({ Lightfile: "FROM base:2\nRUN two\n" });
    await lock(it.rig, it.lightfile);
    expect(await lockText(it.rig)).toContain(it.first);
    await lock(it.rig, it.lightfile, ["base:1"]);
    expect(await lockText(it.rig)).toContain(it.first);
    await lock(it.rig, it.lightfile, [it.repository.url]);
    expect(await lockText(it.rig)).toContain(second);
    await expect(lock(it.rig, it.lightfile, ["base:l"])).rejects.toMatchObject({
      code: "UnknownPin",
      hint: "did you mean base:1?",
    });
  });

  test("drops what is needed no more, and keeps what other platforms need", async () => {
    await using it = await gitRig();
    await lock(it.rig, it.lightfile);
    await lockReferences(
      { ...it.rig.request("FROM base:1\n", { platform: "linux/arm64" }), update: "nothing" },
      it.rig.collaborators(),
      new AbortController().signal,
    );
    const written = await lockText(it.rig);
    expect(written).toContain('"platform": "linux/amd64"');
    expect(written).toContain('"platform": "linux/arm64"');
    expect(written).not.toContain("base:2");
    expect(written).not.toContain("tools.git");
  });

  test("that is missing stops a locked bake at each reference", async () => {
    await using it = await gitRig();
    const { outcome } = await it.rig.bake(it.lightfile, { locked: true });
    expect(outcome.kind).toBe("invalid");
    expect(
      outcome.diagnostics.map(({ code, range }) => [code, it.lightfile.slice(range.start, range.end)]),
    ).toEqual([
      ["LockMissing", `${it.repository.url}#main`],
      ["LockMissing", "base:1"],
    ]);
    const plain = await it.rig.bake("FROM base:1\nCOPY --from=base:9 a /a\n", { locked: true });
    expect(plain.outcome.diagnostics.map(({ code }) => code)).toEqual(["LockMissing", "LockMissing"]);
  });

  test("that is stale stops a locked bake at what it lacks, and no other", async () => {
    await using it = await gitRig();
    await lock(it.rig, "FROM base:1\n");
    const changed = "FROM base:1 AS a\nFROM base:9\nCOPY --from=a x /x\n";
    const { outcome } = await it.rig.bake(changed, { locked: true });
    expect(
      outcome.diagnostics.map(({ code, range }) => [code, changed.slice(range.start, range.end)]),
    ).toEqual([["LockStale", "base:9"]]);
    expect((await it.rig.bake(changed)).outcome.kind).toBe("completed");
  });

  test.each([
    ["{", "LockCorrupt"],
    ['{ "version": 1, "images": [{}] }', "LockCorrupt"],
    ['{ "version": 7 }', "LockTooNew"],
  ])("with %s is explained, and can be written anew", async (damaged, code) => {
    await using it = await gitRig();
    await lock(it.rig, it.lightfile);
    await writeFile(join(it.rig.folder, "context", "Lightfile.lock"), damaged);
    await expect(it.rig.bake(it.lightfile)).rejects.toMatchObject({ code, category: "usage" });
    await expect(lock(it.rig, it.lightfile)).rejects.toMatchObject({ code });
    expect(await lock(it.rig, it.lightfile, "all")).toMatchObject({ kind: "locked" });
    expect((await it.rig.bake(it.lightfile, { locked: true })).outcome.kind).toBe("completed");
  });

  test("tells all mistakes of all files in one run, and asks no registry for them", async () => {
    await using it = await gitRig();
    await mkdir(join(it.rig.folder, "other"), { recursive: true });
    await writeFile(join(it.rig.folder, "other", "Lightfile"), "FROM base:1\nRUN --nonsense x\n");
    const asked: string[] = [];
    it.rig.onResolve = (reference) => asked.push(reference);
    const text = "FROM ../other/Lightfile\nRNU x\nFROM base:2\nCOPY --from=9 a /b\n";
    const outcome = await lock(it.rig, text);
    expect(outcome.diagnostics.map(({ code, source }) => [code, source.path])).toEqual([
      ["UnknownInstruction", "Lightfile"],
      ["UnknownFlag", "../other/Lightfile"],
      ["UnknownStage", "Lightfile"],
    ]);
    expect(asked).toEqual([]);
  });

  test("of a Lightfile with mistakes is not written", async () => {
    await using it = await gitRig();
    expect(await lock(it.rig, "FROM ../nowhere/Lightfile\n")).toMatchObject({
      kind: "invalid",
      diagnostics: [{ code: "LightfileNotFound" }],
    });
    await expect(lockText(it.rig)).rejects.toMatchObject({ code: "ENOENT" });
  });
});
