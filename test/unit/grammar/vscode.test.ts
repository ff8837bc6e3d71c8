import { spawnSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { beforeAll, expect, test } from "vitest";
import type manifestFile from "../../../grammar/vscode/package.json";
import { type TemporaryFolder, temporaryFolder } from "../../support/temporary-folder.ts";

const extension = fileURLToPath(new URL("../../../grammar/vscode/", import.meta.url));
const manifest: typeof manifestFile = JSON.parse(readFileSync(join(extension, "package.json"), "utf8"));

let built: TemporaryFolder;

beforeAll(async () => {
  built = await temporaryFolder();
  const result = spawnSync(process.execPath, [join(extension, "build.mjs"), built.path], {
    encoding: "utf8",
  });
  expect(result.stderr).toBe("");
  expect(result.status).toBe(0);
  return () => built[Symbol.asyncDispose]();
}, 60_000);

test("the build makes every file that the manifest names", () => {
  const [language] = manifest.contributes.languages;
  const [grammar] = manifest.contributes.grammars;
  for (const path of [manifest.main, grammar?.path ?? ""]) {
    expect(path).toMatch(/^\.\/dist\//);
    expect(statSync(join(built.path, path.replace("./dist/", ""))).isFile()).toBe(true);
  }
  expect(() =>
    JSON.parse(readFileSync(join(extension, language?.configuration ?? ""), "utf8")),
  ).not.toThrow();
});

test("the manifest and the grammar agree on the scope, the language and the version", () => {
  const grammar = JSON.parse(readFileSync(join(built.path, "lightfile.tmLanguage.json"), "utf8"));
  const own = JSON.parse(readFileSync(join(extension, "../../package.json"), "utf8"));
  expect(manifest.contributes.grammars[0]).toMatchObject({
    language: "lightfile",
    scopeName: grammar.scopeName,
  });
  expect(manifest.contributes.languages[0]?.id).toBe("lightfile");
  expect(manifest.activationEvents).toEqual(["onLanguage:lightfile"]);
  expect(manifest.version).toBe(own.version);
});

test("patterns of the language configuration are regular expressions that do what they say", () => {
  const configuration = JSON.parse(readFileSync(join(extension, "language-configuration.json"), "utf8"));
  const words = new RegExp(configuration.wordPattern, "g");
  expect(`COPY --from=build $HOME/x \${A}`.match(words)).toEqual([
    "COPY",
    "--from",
    "build",
    "HOME",
    "x",
    "A",
  ]);
  const [rule] = configuration.onEnterRules;
  const continues = new RegExp(rule.beforeText);
  expect(["RUN a \\", "RUN a \\ "].every((line) => continues.test(line))).toBe(true);
  expect(["RUN a", "# a \\", "RUN a \\\\"].some((line) => continues.test(line))).toBe(false);
});

interface Started {
  readonly server: unknown;
  readonly options: unknown;
  readonly calls: string[];
}

/** Runs the extension with stand-ins for what only VS Code has. */
async function loadExtension(setting: string | undefined) {
  const bundle = await build({
    entryPoints: [join(extension, "extension.ts")],
    bundle: true,
    write: false,
    format: "cjs",
    platform: "node",
    external: ["vscode", "vscode-languageclient/node"],
  });
  const started: Started[] = [];
  const commands = new Map<string, () => unknown>();
  class LanguageClient {
    readonly calls: string[] = [];
    constructor(_id: string, _name: string, server: unknown, options: unknown) {
      started.push({ server, options, calls: this.calls });
    }
    async start() {
      this.calls.push("start");
    }
    async restart() {
      this.calls.push("restart");
    }
    async stop() {
      this.calls.push("stop");
    }
  }
  const stands: Readonly<Record<string, unknown>> = {
    vscode: {
      workspace: {
        getConfiguration: () => ({ get: (_key: string, otherwise: string) => setting ?? otherwise }),
      },
      commands: {
        registerCommand: (name: string, run: () => unknown) => {
          commands.set(name, run);
          return { dispose: () => commands.delete(name) };
        },
      },
    },
    "vscode-languageclient/node": { LanguageClient },
  };
  const module = {
    exports: {} as { activate(context: unknown): Promise<void>; deactivate(): Promise<void> },
  }; // filled by the bundle
  const run = new Function("require", "module", "exports", bundle.outputFiles[0]?.text ?? "");
  run((name: string) => stands[name] ?? createRequire(import.meta.url)(name), module, module.exports);
  return { exports: module.exports, started, commands };
}

test("the extension starts the language server, restarts it on command, and stops it", async () => {
  const { exports, started, commands } = await loadExtension(undefined);
  const subscriptions: { dispose(): void }[] = [];
  await exports.activate({ subscriptions });
  expect(started).toMatchObject([
    {
      server: { command: "lightbox", args: ["lsp"] },
      options: { documentSelector: [{ language: "lightfile" }] },
    },
  ]);
  expect([...commands.keys()]).toEqual(manifest.contributes.commands.map(({ command }) => command));
  await commands.get("lightfile.restartServer")?.();
  await exports.deactivate();
  expect(started[0]?.calls).toEqual(["start", "restart", "stop"]);
  for (const subscription of subscriptions) subscription.dispose();
  expect(commands.size).toBe(0);
});

test("the extension starts the program of the settings", async () => {
  const { exports, started } = await loadExtension("/opt/lightbox");
  await exports.activate({ subscriptions: [] });
  expect(started).toMatchObject([{ server: { command: "/opt/lightbox" } }]);
});
