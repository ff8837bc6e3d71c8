import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BakeEvent } from "../../src/bake/events.ts";

const program = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));

export interface CommandResult {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Run as this user. */
  readonly userId?: number;
  /** The command is killed after this long; default seven minutes, in which a guest that hangs is started again. */
  readonly timeoutMs?: number;
}

export interface RunningCommand {
  readonly child: ChildProcess;
  readonly result: Promise<CommandResult>;
  /** Resolves when stdout and stderr together hold the text; rejects when the command ends without it. */
  untilOutput(text: string): Promise<void>;
}

/** Starts the built `lightbox` as users do, with its home in LIGHTBOX_HOME of the environment. */
export function startLightbox(words: readonly string[], options: CommandOptions = {}): RunningCommand {
  const child = spawn(process.execPath, [program, ...words], {
    cwd: options.cwd,
    env: { ...process.env, NO_COLOR: "1", ...options.environment },
    stdio: ["pipe", "pipe", "pipe"],
    ...(options.userId === undefined ? {} : { uid: options.userId }),
  });
  let stdout = "";
  let stderr = "";
  const watchers = new Set<() => void>();
  const onData = (add: (text: string) => void) => (chunk: Buffer) => {
    add(chunk.toString());
    for (const watcher of watchers) watcher();
  };
  child.stdout.on(
    "data",
    onData((text) => (stdout += text)),
  );
  child.stderr.on(
    "data",
    onData((text) => (stderr += text)),
  );
  child.stdin.end(options.input ?? "");
  const timer = setTimeout(() => child.kill("SIGKILL"), options.timeoutMs ?? 420_000);
  const result = new Promise<CommandResult>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode, signal) => {
      clearTimeout(timer);
      resolve({ exitCode, signal, stdout, stderr });
    });
  });
  return {
    child,
    result,
    untilOutput: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!(stdout + stderr).includes(text)) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
        void result.then(() =>
          reject(new Error(`ended without ${JSON.stringify(text)}:\n${stdout}${stderr}`)),
        );
      }),
  };
}

export async function lightbox(
  words: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return await startLightbox(words, options).result;
}

/** @throws Error with all output when the exit code is not 0. */
export async function lightboxOk(
  words: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const result = await lightbox(words, options);
  if (result.exitCode !== 0) {
    const end = result.exitCode ?? result.signal;
    throw new Error(`lightbox ${words.join(" ")} ended with ${end}:\n${result.stdout}${result.stderr}`);
  }
  return result;
}

/** A bake as its events tell it. */
export interface BakeReport {
  readonly result: CommandResult;
  readonly events: readonly BakeEvent[];
  /** Titles of the steps that ran, in order of their start. */
  readonly ran: readonly string[];
  readonly cached: readonly string[];
  readonly buildersStarted: number;
  /** What the steps that ran printed. */
  readonly output: string;
}

export async function bakeWithEvents(
  words: readonly string[],
  options: CommandOptions = {},
): Promise<BakeReport> {
  return reportOf(await lightbox(["bake", "--progress=json", ...words], options));
}

export function reportOf(result: CommandResult): BakeReport {
  const events = result.stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line): BakeEvent => JSON.parse(line));
  const titles = new Map<string, string>();
  for (const event of events) {
    if (event.kind !== "planned") continue;
    for (const step of event.stages.flatMap((stage) => stage.steps)) titles.set(step.id, step.title);
  }
  const titlesOf = (kind: "step-started" | "step-cached"): string[] =>
    events.flatMap((event) => (event.kind === kind ? [titles.get(event.step) ?? event.step] : []));
  return {
    result,
    events,
    ran: titlesOf("step-started"),
    cached: titlesOf("step-cached"),
    buildersStarted: events.filter((event) => event.kind === "builder-starting").length,
    output: events.map((event) => (event.kind === "step-output" ? event.text : "")).join(""),
  };
}

/** Writes files below a folder, making folders as needed. */
export async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
}
