import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  CompletionRequest,
  type Diagnostic,
  DidChangeWatchedFilesNotification,
  FileChangeType,
} from "vscode-languageserver-protocol";
import { DefinitionRequest } from "vscode-languageserver-protocol/node";
import { fetchGitTree } from "../../../src/sources/git.ts";
import { GitRepository, serveGit } from "../../support/git-repository.ts";
import { type TemporaryFolder, temporaryFolder } from "../../support/temporary-folder.ts";
import { Editor } from "./editor.ts";
import { marked } from "./marked.ts";

let folder: TemporaryFolder;
let editor: Editor;

beforeAll(async () => {
  folder = await temporaryFolder();
  editor = await Editor.start(folder.path);
}, 60_000);

afterAll(async () => {
  const code = await editor.quit();
  await folder[Symbol.asyncDispose]();
  expect(code).toBe(0);
}, 60_000);

async function write(name: string, text: string): Promise<void> {
  const path = join(folder.path, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

function has(...codes: readonly string[]): (diagnostics: readonly Diagnostic[]) => boolean {
  return (diagnostics) => {
    const errors = diagnostics.filter(({ severity }) => severity === 1).map(({ code }) => code);
    return JSON.stringify(errors) === JSON.stringify(codes);
  };
}

describe("an editor that has a file open which joins others", () => {
  test("sees what planning says of it with them", async () => {
    await write("a/base/Lightfile", "ARG --required VERSION\nFROM debian:12 AS tools\n");
    await editor.open(
      "a/Lightfile",
      "FROM --arg=VERSOIN=1 ./base/Lightfile#tools\nFROM ./base#tolls\nFROM ./gone\n",
    );
    await editor.showing("a/Lightfile", has("UnknownParameter", "UnknownTarget", "LightfileNotFound"));
    await editor.showing("a/base/Lightfile", has("ArgumentRequired"));
  });

  test("sees mistakes of the other files at their own places, until they are gone", async () => {
    await write("b/base/Lightfile", "FROM debian:12\nRUN --nonsense x\n");
    await editor.open("b/Lightfile", "FROM ./base\nSNAPSHOT b\n");
    await editor.showing("b/base/Lightfile", has("UnknownFlag"));
    const [mistake] = editor.shown("b/base/Lightfile").filter(({ code }) => code === "UnknownFlag");
    expect(mistake).toMatchObject({
      range: { start: { line: 1, character: 4 }, end: { line: 1, character: 14 } },
      relatedInformation: [{ location: { uri: editor.uri("b/Lightfile") } }],
    });
    await write("b/base/Lightfile", "FROM debian:12\nRUN x\n");
    await editor.connection.sendNotification(DidChangeWatchedFilesNotification.type, {
      changes: [{ uri: editor.uri("b/base/Lightfile"), type: FileChangeType.Changed }],
    });
    await editor.showing("b/base/Lightfile", has());
    await editor.close("b/Lightfile");
  });

  test("gets what the others say as they are typed, not as the disk has them", async () => {
    await write("c/base/Lightfile", "FROM debian:12 AS old\n");
    await editor.open("c/Lightfile", "FROM ./base/Lightfile#new\nSNAPSHOT c\n");
    await editor.showing("c/Lightfile", has("UnknownTarget"));
    await editor.open("c/base/Lightfile", "FROM debian:12 AS new\n");
    await editor.showing("c/Lightfile", has());
    await editor.change("c/base/Lightfile", 2, "FROM debian:12 AS newer\n");
    await editor.showing("c/Lightfile", has("UnknownTarget"));
    await editor.change("c/base/Lightfile", 3, "FROM debian:12 AS new\nRNU x\n");
    await editor.showing("c/Lightfile", has());
    await editor.showing("c/base/Lightfile", has("UnknownInstruction"));
    await editor.close("c/base/Lightfile");
    await editor.showing("c/Lightfile", has("UnknownTarget"));
  });

  test("sees a circle at the reference that closes it", async () => {
    await write("d/other", "FROM ./Lightfile AS other\n");
    await editor.open("d/Lightfile", "FROM ./other#other\n");
    await editor.showing("d/other", has("ReferenceCycle"));
  });
});

describe("a repository that a file names", () => {
  test("is looked into where it was fetched before, and else is not asked for", async () => {
    const repository = await GitRepository.create(join(folder.path, "served", "tools.git"));
    await repository.commit({
      Lightfile: "FROM debian:12 AS tools\nMIXIN node\nARG version\nRUN x $version\n",
    });
    await using server = await serveGit(join(folder.path, "served"));
    const url = `${server.url}tools.git`;
    const text = `IMPORT ${url}#main AS t\nFROM ${url}#main#tolls\nUSE t#node versoin=1\nSNAPSHOT e\n`;
    await editor.open("e/Lightfile.1", text);
    await editor.diagnostics("e/Lightfile.1", () => true);
    expect(has()(editor.shown("e/Lightfile.1"))).toBe(true);
    expect(server.requests).toEqual([]);

    const { signal } = new AbortController();
    const home = join(folder.path, "home");
    const { directory } = await fetchGitTree(
      { url, ref: "main", commit: null },
      { homeDirectory: home, signal },
    );
    const asked = server.requests.length;
    await editor.open("e/Lightfile.2", text);
    await editor.showing("e/Lightfile.2", has("UnknownTarget", "UnknownParameter"));
    const { text: written, position } = marked(`FROM ${url}#main#to|ols\n`);
    await editor.open("e/Lightfile.3", written);
    const place = { textDocument: { uri: editor.uri("e/Lightfile.3") }, position };
    expect(await editor.connection.sendRequest(DefinitionRequest.type, place)).toEqual([
      {
        uri: pathToFileURL(join(directory, "Lightfile")).href,
        range: { start: { line: 0, character: 18 }, end: { line: 0, character: 23 } },
      },
    ]);
    const items = await editor.connection.sendRequest(CompletionRequest.type, place);
    expect([items].flat().map((item) => item && "label" in item && item.label)).toEqual([
      `${url}#main#tools`,
    ]);
    expect(server.requests).toHaveLength(asked);
  });
});
