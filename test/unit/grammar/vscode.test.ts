import { spawnSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, matchesGlob } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { beforeAll, beforeEach, expect, test, vi } from "vitest";
import type manifestFile from "../../../grammar/vscode/package.json";
import { highlightTypes } from "../../../src/language-server/highlights.ts";
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

test("files beside a Lightfile have the language of what is in them", () => {
  const languageOf = (name: string) => {
    const { languages } = manifest.contributes;
    const exact = languages.find(({ filenames }) => filenames?.includes(name));
    // As VS Code does: a whole name counts before a pattern, and of the patterns the longest.
    const patterns = languages
      .flatMap(({ id, filenamePatterns }) => (filenamePatterns ?? []).map((pattern) => ({ id, pattern })))
      .filter(({ pattern }) => matchesGlob(name, pattern))
      .toSorted((a, b) => b.pattern.length - a.pattern.length);
    return exact?.id ?? patterns[0]?.id ?? null;
  };
  expect(languageOf("Lightfile")).toBe("lightfile");
  expect(languageOf("Lightfile.dev")).toBe("lightfile");
  expect(languageOf("Dockerfile")).toBeNull();
  for (const name of ["Lightfile.lock", "Lightfile.dev.lock", "base.lightfile.lock"])
    expect(languageOf(name)).toBe("json");
  for (const name of [".lightignore", "Lightfile.dockerignore", "Lightfile.dev.lightignore"])
    expect(languageOf(name)).toBe("ignore");
});

test("what the server colours has the colours of the grammar", () => {
  const grammar = readFileSync(join(built.path, "lightfile.tmLanguage.json"), "utf8");
  const [mapped] = manifest.contributes.semanticTokenScopes;
  for (const [type, scopes] of Object.entries(mapped?.scopes ?? {})) {
    expect(highlightTypes).toContain(type);
    for (const scope of scopes) expect(grammar).toContain(`"${scope}"`);
  }
});

test("the extension works in folders that nobody trusts yet, which cannot say what it starts", () => {
  expect(manifest.capabilities.untrustedWorkspaces.supported).toBe(true);
  expect(manifest.contributes.configuration.properties["lightfile.command"].scope).toBe("machine");
});

interface Started {
  readonly server: unknown;
  readonly options: unknown;
  readonly calls: string[];
}

interface Situation {
  /** The value of lightfile.command. */
  command?: string;
  /** The button of the warning that is pressed. */
  pressed?: string;
  /** What happens before it is pressed. */
  whileWarned?: () => void;
  remoteName?: string;
  /** Thrown by the start of the client. */
  failure?: Error;
}

/** Runs the extension with stand-ins for what only VS Code has. */
async function loadExtension(situation: Situation) {
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
  const executed: unknown[] = [];
  const warnings: string[] = [];
  const errors: string[] = [];
  const listeners: ((change: unknown) => unknown)[] = [];
  class LanguageClient {
    readonly calls: string[] = [];
    constructor(_id: string, _name: string, server: unknown, options: unknown) {
      started.push({ server, options, calls: this.calls });
    }
    async start() {
      this.calls.push("start");
      if (situation.failure !== undefined) throw situation.failure;
    }
    async dispose() {
      this.calls.push("dispose");
    }
  }
  const stands: Readonly<Record<string, unknown>> = {
    vscode: {
      env: { remoteName: situation.remoteName },
      window: {
        createOutputChannel: () => ({ error: (text: string) => errors.push(text), dispose: () => undefined }),
        showWarningMessage: async (text: string) => {
          warnings.push(text);
          situation.whileWarned?.();
          return situation.pressed;
        },
      },
      workspace: {
        getConfiguration: () => ({
          get: (_key: string, otherwise: string) => situation.command ?? otherwise,
        }),
        onDidChangeConfiguration: (listener: (change: unknown) => unknown) => {
          listeners.push(listener);
          return { dispose: () => listeners.splice(listeners.indexOf(listener), 1) };
        },
      },
      commands: {
        registerCommand: (name: string, run: () => unknown) => {
          commands.set(name, run);
          return { dispose: () => commands.delete(name) };
        },
        executeCommand: async (...args: unknown[]) => {
          executed.push(args);
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
  const change = (name: string) => {
    for (const listener of listeners) listener({ affectsConfiguration: (key: string) => key === name });
  };
  return { exports: module.exports, started, commands, executed, warnings, errors, change };
}

/** A program that is on the PATH of the tests. */
const onPath = basename(process.execPath);

beforeEach(() => {
  vi.stubEnv("PATH", dirname(process.execPath));
  return () => vi.unstubAllEnvs();
});

test("the extension starts the language server, restarts it on command, and stops it", async () => {
  const { exports, started, commands } = await loadExtension({ command: onPath });
  const subscriptions: { dispose(): void }[] = [];
  await exports.activate({ subscriptions });
  expect(started).toMatchObject([
    {
      server: { command: onPath, args: ["lsp"] },
      options: { documentSelector: [{ language: "lightfile" }] },
    },
  ]);
  expect([...commands.keys()]).toEqual(manifest.contributes.commands.map(({ command }) => command));
  await commands.get("lightfile.restartServer")?.();
  await exports.deactivate();
  expect(started.map(({ calls }) => calls)).toEqual([
    ["start", "dispose"],
    ["start", "dispose"],
  ]);
  for (const subscription of subscriptions) subscription.dispose();
  expect(commands.size).toBe(0);
});

test("the extension starts the program of the settings, and the new one as soon as they change", async () => {
  const situation: Situation = { command: "/opt/lightbox" };
  const { exports, started, change } = await loadExtension(situation);
  await exports.activate({ subscriptions: [] });
  situation.command = "/opt/newer/lightbox";
  change("editor.tabSize");
  change("lightfile.command");
  await exports.deactivate();
  expect(started).toMatchObject([
    { server: { command: "/opt/lightbox" }, calls: ["start", "dispose"] },
    { server: { command: "/opt/newer/lightbox" }, calls: ["start", "dispose"] },
  ]);
});

test("a program that is not on the PATH is named, with the way to the setting", async () => {
  const pressed = "Open the setting";
  const near = await loadExtension({ pressed });
  await near.exports.activate({ subscriptions: [] });
  expect(near.started).toEqual([]);
  expect(near.warnings).toEqual([expect.stringMatching(/"lightbox" is not on the PATH.*lightfile\.command/)]);
  const query = "lightfile.command";
  await vi.waitFor(() => expect(near.executed).toEqual([["workbench.action.openSettings", { query }]]));
  const far = await loadExtension({ pressed, remoteName: "ssh-remote" });
  await far.exports.activate({ subscriptions: [] });
  await vi.waitFor(() => expect(far.executed).toEqual([["workbench.action.openRemoteSettings", { query }]]));
});

test("a program that was not on the PATH is looked for again when the warning is answered so", async () => {
  const situation: Situation = { pressed: "Try again" };
  situation.whileWarned = () => {
    situation.command = onPath;
  };
  const { exports, started, warnings } = await loadExtension(situation);
  await exports.activate({ subscriptions: [] });
  await vi.waitFor(() => expect(started).toMatchObject([{ server: { command: onPath }, calls: ["start"] }]));
  expect(warnings.length).toBe(1);
});

test("a server that does not start is written down, and a restart tries again", async () => {
  const situation: Situation = { command: onPath, failure: new Error("it went away") };
  const { exports, started, commands, errors } = await loadExtension(situation);
  await exports.activate({ subscriptions: [] });
  expect(errors).toEqual(["Error: it went away"]);
  delete situation.failure;
  await commands.get("lightfile.restartServer")?.();
  expect(started.map(({ calls }) => calls)).toEqual([["start", "dispose"], ["start"]]);
});
