import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  CodeActionRequest,
  type CompletionItem,
  CompletionRequest,
  DefinitionRequest,
  DocumentFormattingRequest,
  DocumentHighlightRequest,
  DocumentSymbolRequest,
  FoldingRangeRequest,
  HoverRequest,
  MarkupContent,
  PrepareRenameRequest,
  ReferencesRequest,
  RenameRequest,
  SemanticTokensRequest,
} from "vscode-languageserver-protocol/node";
import { type TemporaryFolder, temporaryFolder } from "../../support/temporary-folder.ts";
import { Editor } from "./editor.ts";
import { marked } from "./marked.ts";

let folder: TemporaryFolder;
let editor: Editor;
let opened = 0;

beforeAll(async () => {
  folder = await temporaryFolder();
  const files: Readonly<Record<string, string>> = {
    "base/Lightfile":
      "# the version\nARG VERSION=1\nFROM debian AS tools\nRUN make\nMIXIN node\nARG version=20\nRUN install $version\n",
    "app/src/main.c": "int main;\n",
    "app/README.md": "",
    "app/secret.key": "",
    "app/.lightignore": "*.key\n",
  };
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder.path, name)), { recursive: true });
    await writeFile(join(folder.path, name), text);
  }
  editor = await Editor.start(folder.path);
}, 60_000);

afterAll(async () => {
  const code = await editor.quit();
  await folder[Symbol.asyncDispose]();
  expect(code).toBe(0);
}, 60_000);

/** Opens a new document in the folder `app`, and gives what requests about its cursor need. */
async function at(written: string) {
  const { text, position } = marked(written);
  opened += 1;
  const name = `app/Lightfile.${opened}`;
  await editor.open(name, text);
  return { name, text, textDocument: { uri: editor.uri(name) }, position };
}

async function labelsAt(written: string): Promise<readonly string[]> {
  return (await itemsAt(written)).map(({ label }) => label);
}

async function itemsAt(written: string): Promise<readonly CompletionItem[]> {
  const { textDocument, position } = await at(written);
  const result = await editor.connection.sendRequest(CompletionRequest.type, { textDocument, position });
  return Array.isArray(result) ? result : (result?.items ?? []);
}

describe("an editor that starts lightbox lsp", () => {
  test("is told what the server can do", () => {
    expect(editor.capabilities).toMatchObject({
      completionProvider: {},
      hoverProvider: true,
      definitionProvider: true,
      referencesProvider: true,
      renameProvider: { prepareProvider: true },
      documentSymbolProvider: true,
      foldingRangeProvider: true,
      documentFormattingProvider: true,
      codeActionProvider: {},
      semanticTokensProvider: { full: true },
    });
  });

  test("sees the mistakes of a file that it opens", async () => {
    const { name, textDocument } = await at("FROM debian\nRNU make\n|");
    const { diagnostics, uri } = await editor.diagnostics(name, () => true);
    expect(uri).toBe(textDocument.uri);
    expect(diagnostics.find(({ code }) => code === "UnknownInstruction")).toMatchObject({
      severity: 1,
      source: "lightbox",
      message: expect.stringContaining("did you mean RUN?"),
      range: { start: { line: 1, character: 0 }, end: { line: 1, character: 3 } },
    });
  });

  test("sees the mistakes of half-written text while typing, and none of versions that are gone", async () => {
    const { name } = await at("FROM debian\n|");
    await editor.diagnostics(name, ({ version }) => version === 1);
    const typed = 'RUN --mount=type="cache\nCOPY <<EOF /x\nENV A="$';
    await editor.type(name, { version: 1, at: { line: 1, character: 0 } }, typed);
    const last = 1 + typed.length;
    const { diagnostics } = await editor.diagnostics(name, ({ version }) => version === last);
    expect(diagnostics.map(({ code }) => code)).toEqual(
      expect.arrayContaining(["UnclosedQuote", "UnterminatedHeredoc"]),
    );
    const versions = editor.published.flatMap(({ uri, version }) =>
      uri === editor.uri(name) ? [version] : [],
    );
    expect(versions.length).toBeLessThan(typed.length);
    expect(versions.at(-1)).toBe(last);
  });

  test("gets no diagnostics of a document that it closed", async () => {
    const { name } = await at("RNU make|");
    await editor.diagnostics(name, ({ diagnostics }) => diagnostics.length > 0);
    await editor.close(name);
    await editor.diagnostics(name, ({ diagnostics }) => diagnostics.length === 0);
  });

  test("completes instructions, with their reference", async () => {
    const items = await itemsAt("FROM debian\nR|");
    const run = items.find(({ label }) => label === "RUN");
    expect(run).toMatchObject({
      textEdit: {
        newText: "RUN ",
        range: { start: { line: 1, character: 0 }, end: { line: 1, character: 1 } },
      },
      documentation: { kind: "markdown", value: expect.stringContaining("RUN [flags]") },
    });
  });

  test("completes flags and asks again behind their =", async () => {
    const items = await itemsAt("FROM debian\nCOPY --f|");
    const from = items.find(({ label }) => label === "--from");
    expect(from?.textEdit).toMatchObject({ newText: "--from=" });
    expect(from?.command?.command).toBe("editor.action.triggerSuggest");
  });

  test("completes stages, variables, mixins and imports", async () => {
    expect(await labelsAt("FROM debian AS one\nFROM debian AS two\nCOPY --from=|")).toEqual(["one"]);
    expect(await labelsAt("ARG G=1\nFROM debian\nARG V=1\nENV W=2\nWORKDIR /$|")).toEqual(["V", "W"]);
    expect(await labelsAt("MIXIN tools\nRUN make\nFROM debian\nUSE |")).toEqual(["tools"]);
    expect(await labelsAt("IMPORT ../base/Lightfile AS base\nFROM |")).toContain("base#");
  });

  test("completes targets, mixins and arguments of other files", async () => {
    expect(await labelsAt("IMPORT ../base/Lightfile AS base\nFROM base#|")).toEqual(["base#tools"]);
    expect(await labelsAt("FROM ../base/Lightfile#|")).toEqual(["../base/Lightfile#tools"]);
    expect(await labelsAt("IMPORT ../base/Lightfile AS base\nFROM base#tools\nUSE base#node |")).toEqual([
      "version=",
    ]);
    expect(await labelsAt("FROM --arg=| ../base/Lightfile")).toEqual(["VERSION"]);
    expect(await labelsAt("IMPORT ../base/|")).toEqual(["Lightfile"]);
  });

  test("completes files of the context, without those that are ignored", async () => {
    const labels = await labelsAt("FROM debian\nCOPY |");
    expect(labels).toEqual(expect.arrayContaining(["src/", "README.md"]));
    expect(labels).not.toContain("secret.key");
    expect(await labelsAt("FROM debian\nCOPY src/|")).toEqual(["main.c"]);
  });

  test("hovers over instructions, flags and names", async () => {
    const hover = async (written: string) => {
      const { textDocument, position } = await at(written);
      const result = await editor.connection.sendRequest(HoverRequest.type, { textDocument, position });
      return MarkupContent.is(result?.contents) ? result.contents.value : null;
    };
    expect(await hover("FROM debian\nR|UN make")).toContain("RUN [flags]");
    expect(await hover("FROM debian\nRUN --ret|ry=3 make")).toContain("`--retry=value` of RUN");
    expect(await hover("# what we call it\nARG NAME=x\nFROM debian:$N|AME")).toMatch(
      /ARG NAME=x[\s\S]*what we call it/,
    );
    expect(await hover("FROM ../base/Lightfile#to|ols")).toContain("FROM debian AS tools");
    expect(await hover("FROM deb|ian")).toBeNull();
  });

  test("goes to the definition, also in another file", async () => {
    const definition = async (written: string) => {
      const { textDocument, position } = await at(written);
      const result = await editor.connection.sendRequest(DefinitionRequest.type, { textDocument, position });
      return [result ?? []].flat().map((place) => {
        if (!("uri" in place)) throw new Error("a link instead of a location");
        const { line, character } = place.range.start;
        const file = place.uri === textDocument.uri ? "" : place.uri.replace(editor.uri(""), "");
        return `${file}:${line}:${character}`;
      });
    };
    expect(await definition("FROM debian AS one\nFROM o|ne")).toEqual([":0:15"]);
    expect(await definition("FROM debian\nARG V=1\nRUN echo $V|")).toEqual([":1:4"]);
    expect(await definition("FROM debian\nUSE to|ols\nMIXIN tools\nRUN make")).toEqual([":2:6"]);
    expect(await definition("IMPORT ../base/Lightfile AS base\nFROM b|ase#tools")).toEqual([":0:28"]);
    expect(await definition("IMPORT ../base/Lightfile AS base\nFROM base#to|ols")).toEqual([
      "base/Lightfile:2:15",
    ]);
    expect(await definition("IMPORT ../ba|se/Lightfile AS base")).toEqual(["base/Lightfile:0:0"]);
    expect(await definition("FROM ../base/Lightfile\nUSE ../base/Lightfile#node ver|sion=1")).toEqual([
      "base/Lightfile:5:4",
    ]);
    expect(await definition("FROM --arg=VER|SION=2 ../base/Lightfile")).toEqual(["base/Lightfile:1:4"]);
  });

  test("finds the references to a stage in all files of the workspace", async () => {
    const user = await at("FROM ../base/Lightfile#tools\nCOPY --from=../base/Lightfile#tools|  /a /b\n");
    const { textDocument, position } = user;
    const places = await editor.connection.sendRequest(ReferencesRequest.type, {
      textDocument,
      position,
      context: { includeDeclaration: true },
    });
    const found = (places ?? []).map(
      ({ uri, range }) =>
        `${uri === textDocument.uri ? "here" : uri.replace(editor.uri(""), "")}:${range.start.line}`,
    );
    expect(found).toEqual(expect.arrayContaining(["base/Lightfile:2", "here:0", "here:1"]));
    await editor.close(user.name);
  });

  test("marks the same name in the file", async () => {
    const { textDocument, position } = await at(`FROM debian\nARG V|=1\nRUN echo $V \${V:-2} V\n`);
    const same = await editor.connection.sendRequest(DocumentHighlightRequest.type, {
      textDocument,
      position,
    });
    expect(same?.map(({ range }) => [range.start.line, range.start.character])).toEqual([
      [1, 4],
      [2, 10],
      [2, 14],
    ]);
  });

  test("renames, and refuses a name that will not do", async () => {
    const written =
      "FROM debian AS one\nFROM o|ne AS two\nCOPY --from=one /a /b\nRUN --mount=from=one,target=/x true\n";
    const { textDocument, position } = await at(written);
    const { connection } = editor;
    expect(await connection.sendRequest(PrepareRenameRequest.type, { textDocument, position })).toMatchObject(
      {
        placeholder: "one",
      },
    );
    const edit = await connection.sendRequest(RenameRequest.type, {
      textDocument,
      position,
      newName: "first",
    });
    const edits = edit?.changes?.[textDocument.uri] ?? [];
    expect(edits.map(({ range, newText }) => [range.start.line, range.start.character, newText])).toEqual([
      [0, 15, "first"],
      [1, 5, "first"],
      [2, 12, "first"],
      [3, 17, "first"],
    ]);
    const refused = (newName: string) =>
      connection.sendRequest(RenameRequest.type, { textDocument, position, newName });
    await expect(refused("a b")).rejects.toThrow("cannot be the name of a stage");
    await expect(refused("TWO")).rejects.toThrow("there is a stage named TWO already");
  });

  test("renames in the file that defines the name and in all that use it", async () => {
    const base = "base2/Lightfile";
    const user = "user2/Lightfile";
    await mkdir(join(folder.path, "base2"));
    await mkdir(join(folder.path, "user2"));
    await writeFile(
      join(folder.path, base),
      "ARG NAME=1\nFROM debian AS tools\nMIXIN m\nARG key\nRUN echo $key\n",
    );
    await writeFile(
      join(folder.path, user),
      "IMPORT --arg=NAME=2 ../base2/Lightfile AS lib\nFROM lib#tools\nUSE lib#m key=3\n",
    );
    const edited = async (name: string, position: { line: number; character: number }, newName: string) => {
      const textDocument = { uri: editor.uri(name) };
      const edit = await editor.connection.sendRequest(RenameRequest.type, {
        textDocument,
        position,
        newName,
      });
      return Object.entries(edit?.changes ?? {})
        .flatMap(([uri, edits]) =>
          edits.map(
            ({ range }) => `${uri.replace(editor.uri(""), "")}:${range.start.line}:${range.start.character}`,
          ),
        )
        .toSorted();
    };
    const inUser = (line: number, character: number, newName: string) =>
      edited(user, { line, character }, newName);
    expect(await inUser(1, 10, "t")).toEqual([`${base}:1:15`, `${user}:1:9`]);
    expect(await inUser(2, 8, "n")).toEqual([`${base}:2:6`, `${user}:2:8`]);
    expect(await inUser(2, 11, "k")).toEqual([`${base}:3:4`, `${base}:4:10`, `${user}:2:10`]);
    expect(await edited(base, { line: 0, character: 5 }, "OTHER")).toEqual([`${base}:0:4`, `${user}:0:13`]);
    expect(await inUser(1, 6, "library")).toEqual([`${user}:0:42`, `${user}:1:5`, `${user}:2:4`]);
  });

  test("lists symbols and folds", async () => {
    const text = "ARG G=1\nFROM debian AS one\nRUN a \\\n  b\nSNAPSHOT x\nMIXIN m\nCOPY <<EOF /x\nhi\nEOF\n|";
    const { textDocument } = await at(text);
    const symbols = await editor.connection.sendRequest(DocumentSymbolRequest.type, { textDocument });
    expect(symbols?.map(({ name }) => name)).toEqual(["G", "one", "m"]);
    expect(symbols?.[1]).toMatchObject({ children: [{ name: "a   b" }, { name: "x" }] });
    const folds = await editor.connection.sendRequest(FoldingRangeRequest.type, { textDocument });
    expect(folds?.map(({ startLine, endLine }) => [startLine, endLine])).toEqual([
      [1, 4],
      [2, 3],
      [5, 8],
      [6, 8],
    ]);
  });

  test("formats with an edit of what is not in order", async () => {
    const { textDocument, text } = await at("FROM debian\nrun   make\n|");
    const edits = await editor.connection.sendRequest(DocumentFormattingRequest.type, {
      textDocument,
      options: { tabSize: 2, insertSpaces: true },
    });
    const { format } = await import("../../../src/lightfile/format/format.ts");
    const lines = text.split("\n");
    for (const { range, newText } of edits ?? []) {
      expect(range.start.line).toBe(range.end.line);
      const line = lines[range.start.line] ?? "";
      lines[range.start.line] =
        line.slice(0, range.start.character) + newText + line.slice(range.end.character);
    }
    expect(lines.join("\n")).toBe(format(text).text);
  });

  test("offers the fixes of lint, and to leave a warning out", async () => {
    const { lint } = await import("../../../src/lint/lint.ts");
    const text = "FROM debian:12 as Base\nRUN make\nSNAPSHOT x\n";
    const findings = lint(text);
    const fixes = findings.flatMap((finding) => finding.fixes);
    expect(fixes.length).toBeGreaterThan(0);
    const { textDocument } = await at(`${text}|`);
    const actions = await editor.connection.sendRequest(CodeActionRequest.type, {
      textDocument,
      range: { start: { line: 0, character: 0 }, end: { line: 3, character: 0 } },
      context: { diagnostics: [] },
    });
    const titles = (actions ?? []).map(({ title }) => title);
    const ignores = findings.map(({ code }) => `Ignore ${code} for this FROM`);
    const wanted = [...fixes.map(({ title }) => title), ...ignores, "Apply all safe fixes"];
    expect(titles.toSorted()).toEqual(wanted.toSorted());
  });

  test("has an action after which the warning is gone", async () => {
    const { textDocument, text } = await at("FROM debian:12\n  |RUN cd /x && make\nSNAPSHOT x\n");
    const actions = await editor.connection.sendRequest(CodeActionRequest.type, {
      textDocument,
      range: { start: { line: 1, character: 2 }, end: { line: 1, character: 20 } },
      context: { diagnostics: [], only: ["quickfix"] },
    });
    const found = (actions ?? []).find((action) => action.title === "Ignore CdInRun for this RUN");
    const edits =
      found !== undefined && "edit" in found ? found.edit?.changes?.[textDocument.uri] : undefined;
    const lines = text.split("\n");
    for (const { range, newText } of edits ?? []) lines[range.start.line] = newText + lines[range.start.line];
    const { lint } = await import("../../../src/lint/lint.ts");
    expect(lint(text).map(({ code }) => code)).toContain("CdInRun");
    expect(lint(lines.join("\n")).map(({ code }) => code)).not.toContain("CdInRun");
  });

  test("colours by meaning", async () => {
    const { textDocument } = await at("# hi\nFROM debian AS one\n|");
    const tokens = await editor.connection.sendRequest(SemanticTokensRequest.type, { textDocument });
    const types = editor.capabilities.semanticTokensProvider?.legend.tokenTypes ?? [];
    const found: string[] = [];
    for (let at = 0; at < (tokens?.data.length ?? 0); at += 5) {
      const [line, start, length, type] = tokens?.data.slice(at, at + 4) ?? [];
      found.push(`+${line}:${start} ${length} ${types[type ?? -1]}`);
    }
    expect(found).toEqual(["+0:0 4 comment", "+1:0 4 keyword", "+0:12 2 keyword", "+0:3 3 type"]);
  });

  test("leaves the colours of an instruction with a mistake to the grammar", async () => {
    const { textDocument } = await at("FROM debian\nCOPY\nCPY a b\n|");
    const tokens = await editor.connection.sendRequest(SemanticTokensRequest.type, { textDocument });
    expect(tokens?.data.length).toBe(5);
  });
});

describe("the process of lightbox lsp", () => {
  test("ends with code 0 after shutdown and exit", async () => {
    await using one = await Editor.start(folder.path);
    await one.open("app/Lightfile", "RNU make");
    expect(await one.quit()).toBe(0);
  });

  test("ends with code 1 when the editor goes away without a word", async () => {
    await using one = await Editor.start(folder.path);
    one.child.stdin?.end();
    expect(await one.ended).toBe(1);
  });

  test("ends when it is asked to by a signal", async () => {
    await using one = await Editor.start(folder.path);
    one.child.kill("SIGTERM");
    expect(await one.ended).toBe(130);
  });
});
