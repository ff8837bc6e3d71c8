import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { openContent } from "../../../src/context/open-content.ts";
import { Failure } from "../../../src/diagnostics/failure.ts";
import { sha256Digest } from "../../../src/model/identifiers.ts";
import { ContextRig } from "../../support/context-rig.ts";
import { shown } from "../../support/planned.ts";

const sha256 = sha256Digest(`sha256:${"0".repeat(64)}`);
const commit = "c0ffee".padEnd(40, "0");

/** A rig whose URLs and repositories are in its own temporary folder. */
async function remoteRig() {
  const rig = await ContextRig.create();
  const elsewhere = join(rig.directory, "..", "elsewhere");
  await mkdir(join(elsewhere, "tree", "docs"), { recursive: true });
  await mkdir(join(elsewhere, "git"), { recursive: true });
  await writeFile(join(elsewhere, "tree", "README.md"), "read me");
  await writeFile(join(elsewhere, "tree", "docs", "a.txt"), "a");
  await writeFile(join(elsewhere, "git", "HEAD"), commit);
  const file = join(elsewhere, "content");
  await writeFile(file, "downloaded");
  const remote = {
    fetchUrl: async () => ({ path: file, sha256 }),
    fetchGit: async () => ({
      commit,
      directory: join(elsewhere, "tree"),
      gitDirectory: join(elsewhere, "git"),
    }),
  };
  return { rig, remote, file, [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose]() };
}

describe("ADD of a URL", () => {
  test("is a file of that name, its owner's alone, whose content can be opened", async () => {
    await using one = await remoteRig();
    const { inputs, contentPaths, diagnostics } = await one.rig.resolve(
      ["ADD https://example.org/tool.bin /x/"],
      one,
    );
    expect(diagnostics).toEqual([]);
    const [source] = [...inputs.values()].flat();
    expect(source).toMatchObject({
      written: "https://example.org/tool.bin",
      kind: "file",
      name: "tool.bin",
      entries: [{ kind: "file", path: "", mode: 0o600, sizeBytes: 10 }],
    });
    const [entry] = source?.entries ?? [];
    if (entry?.kind !== "file") throw new Error("no file");
    expect(await text(await openContent(contentPaths, entry.digest))).toBe("downloaded");
    expect(await readFile(one.file, "utf8")).toBe("downloaded");
  });

  test("is not unpacked unless --unpack says so", async () => {
    await using one = await remoteRig();
    const header = Buffer.alloc(1024);
    header.write("a.txt");
    header.fill(" ", 148, 156);
    const sum = header.subarray(0, 512).reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    await writeFile(one.file, gzipSync(header));
    const kindOf = async (flag: string) => {
      const { inputs } = await one.rig.resolve([`ADD ${flag} https://example.org/a.tgz /x/`], one);
      return [...inputs.values()].flat().map(({ kind }) => kind);
    };
    expect(await kindOf("--unpack=false")).toEqual(["file"]);
    expect(await kindOf("--chown=0")).toEqual(["file"]);
    expect(await kindOf("--unpack")).toEqual(["archive"]);
  });

  test("that the Lightfile has wrong is a mistake at its word", async () => {
    await using one = await remoteRig();
    const failing = (category: "usage" | "environment") => ({
      remote: {
        fetchUrl: async () => {
          throw new Failure({ code: "DownloadRefused", category, message: "no such file", hint: "look" });
        },
      },
    });
    const line = "ADD https://example.org/a /x";
    const { diagnostics } = await one.rig.resolve([line], failing("usage"));
    expect(shown(diagnostics)).toEqual([
      "error DownloadRefused 2:5 https://example.org/a | no such file | look",
    ]);
    const thrown = await one.rig.resolve([line], failing("environment")).catch((error: unknown) => error);
    if (!(thrown instanceof Failure)) throw thrown;
    expect(shown(thrown.diagnostics)).toEqual([expect.stringContaining("error DownloadRefused 2:5")]);
  });
});

describe("ADD of a repository", () => {
  const sources = async (line: string) => {
    await using one = await remoteRig();
    const { inputs, diagnostics } = await one.rig.resolve([line], one);
    return {
      mistakes: shown(diagnostics),
      sources: [...inputs.values()].flat().map((source) => ({
        ...source,
        entries: source.entries.map(({ path }) => path),
      })),
    };
  };

  test("is a directory with the files of the commit", async () => {
    expect(await sources("ADD https://example.org/a.git#main /x")).toEqual({
      mistakes: [],
      sources: [
        {
          written: "https://example.org/a.git",
          kind: "directory",
          name: "",
          commit,
          entries: ["", "README.md", "docs", "docs/a.txt"],
        },
      ],
    });
  });

  test("can be one folder of it, without what is excluded", async () => {
    const folder = await sources("ADD https://example.org/a.git#main:docs /x");
    expect(folder.sources).toMatchObject([{ entries: ["", "a.txt"] }]);
    const rest = await sources("ADD --exclude=*.md https://example.org/a.git /x");
    expect(rest.sources).toMatchObject([{ entries: ["", "docs", "docs/a.txt"] }]);
  });

  test("keeps .git when it is told to", async () => {
    const kept = await sources("ADD --keep-git-dir https://example.org/a.git /x");
    expect(kept.sources.map(({ entries }) => entries)).toEqual([
      ["", "README.md", "docs", "docs/a.txt"],
      ["", ".git", ".git/HEAD"],
    ]);
  });

  test("has to be at the commit that --checksum begins, and to have the folder", async () => {
    expect((await sources("ADD --checksum=c0ffee0 https://example.org/a.git /x")).mistakes).toEqual([]);
    expect((await sources("ADD --checksum=badc0de https://example.org/a.git#v1 /x")).mistakes).toEqual([
      expect.stringContaining(`error ChecksumMismatch 2:24 https://example.org/a.git#v1 | v1 of`),
    ]);
    expect((await sources("ADD https://example.org/a.git#v1:doc /x")).mistakes).toEqual([
      "error SourceNotFound 2:5 https://example.org/a.git#v1:doc | doc is not in https://example.org/a.git at v1 | did you mean docs?",
    ]);
  });
});
