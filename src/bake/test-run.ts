import { randomBytes } from "node:crypto";
import { Failure } from "../diagnostics/failure.ts";
import { positionAt } from "../diagnostics/source-file.ts";
import type { KeyedPlan, KeyedTest } from "../graph/keys/keyed-plan.ts";
import { emptyConfiguration } from "../model/sandbox-configuration.ts";
import { collectExec } from "../worker/collect-exec.ts";
import type { ExecStreams, Resources, StepFailure, Worker } from "../worker/worker.ts";
import type { BakeProgress } from "./bake-progress.ts";
import type { TestFailed } from "./events.ts";
import { failureHint } from "./failure-hint.ts";
import { OutputTail } from "./output-tail.ts";
import { stageAt } from "./publish.ts";

/** Where RUN has its scripts, too: in memory. */
const scriptPath = "/dev/.lightbox-script";

/** Long after the longest pause that a command makes; by then the client is gone that would have removed the sandbox. */
const abandonedAfterSeconds = 6 * 60 * 60;

const cleanUpMs = 30_000;

/** Timers of Node.js take no more. */
const longestTimerMs = 2 ** 31 - 1;

export interface TestRunOptions {
  readonly worker: Worker;
  readonly progress: BakeProgress;
  readonly keyed: KeyedPlan;
  /** Path of the Lightfile that is baked, as the user typed it. */
  readonly lightfile: string;
  readonly resources: Partial<Resources>;
  /** What the steps below printed for the variables of `ENV --from-output`. */
  readonly outputValues: Readonly<Record<string, string>>;
}

/**
 * Runs one TEST in a sandbox of its own on the target's result; the sandbox is removed whatever happens.
 * @returns why it failed; undefined when it passed
 * @throws Failure for trouble with the worker, and of category `cancelled`
 */
export async function runTest(
  { test }: KeyedTest,
  options: TestRunOptions,
  signal: AbortSignal,
): Promise<TestFailed | undefined> {
  const { progress } = options;
  const startedAt = progress.now();
  const tail = new OutputTail();
  const print = (stream: "stdout" | "stderr", text: string): void => {
    if (text === "") return;
    tail.add(stream, text);
    progress.emit({ kind: "test-output", test: test.id, stream, text });
  };
  progress.emit({ kind: "test-started", test: test.id });
  const reason = await attempt(test, options, { print, signal });
  if (reason === null) {
    const durationMs = progress.now() - startedAt;
    progress.emit({ kind: "test-passed", test: test.id, durationMs, remembered: false });
    return undefined;
  }
  const outputTail = tail.lines();
  const failure: TestFailed = {
    kind: "test-failed",
    test: test.id,
    title: test.title,
    reason,
    hint: failureHint({ reason, command: test.command, outputTail }),
    outputTail,
    lightfile: options.lightfile,
    file: test.source.path,
    position: positionAt(test.source, test.range.start),
  };
  progress.emit(failure);
  return failure;
}

interface Attempt {
  print(stream: "stdout" | "stderr", text: string): void;
  readonly signal: AbortSignal;
}

async function attempt(
  test: KeyedTest["test"],
  options: TestRunOptions,
  { print, signal }: Attempt,
): Promise<StepFailure | null> {
  const { worker } = options;
  const name = await launch(test, options, signal);
  try {
    if (test.command.kind === "script") await writeScript(worker, name, test.command.content, signal);
    const output = decodedOutput(print);
    const exitCode = await withinTime(test.timeoutSeconds, signal, async (limited) => {
      const { exitCode: code } = await worker.execInSandbox(
        {
          sandbox: name,
          argv: test.command.kind === "argv" ? test.command.argv : [scriptPath],
          environment: environmentOf(test, options.outputValues),
          workingDirectory: test.workingDirectory,
          user: test.user,
          terminal: null,
          detachedOutput: null,
        },
        output.streams,
        limited,
      );
      return code;
    });
    output.end();
    if (exitCode === "timed-out") return timedOut(test.timeoutSeconds);
    return exitCode === 0 ? null : { kind: "exit", exitCode };
  } catch (error) {
    // What the Lightfile has wrong, e.g. a user that the guest does not know or a program that is not there.
    if (!(error instanceof Failure) || error.category !== "usage") throw error;
    return { kind: "refused", code: error.code, message: error.message, hint: error.hint ?? null };
  } finally {
    // The user's Ctrl-C ends the test, not the clean-up.
    await worker.removeSandbox(name, { force: true }, AbortSignal.timeout(cleanUpMs));
  }
}

async function launch(
  test: KeyedTest["test"],
  { worker, keyed, resources }: TestRunOptions,
  signal: AbortSignal,
): Promise<string> {
  const target = stageAt(keyed, keyed.plan.target);
  const { image, resources: planned } = target.stage;
  const { name } = await worker.launchSandbox(
    {
      name: `test-${randomBytes(4).toString("hex")}`,
      from: {
        kind: "layer",
        layer: target.lastLayer,
        image,
        diskSizeMib: planned.diskSizeMib,
        // What the test does not have it does not see: a variable that is set below it, for example.
        configuration: { ...emptyConfiguration, environment: {}, workingDirectory: test.workingDirectory },
      },
      resources: {
        ...(planned.cpus === null ? {} : { cpus: planned.cpus }),
        ...(planned.memoryMib === null ? {} : { memoryMib: planned.memoryMib }),
        ...resources,
      },
      environment: {},
      workingDirectory: null,
      user: null,
      ports: [],
      mounts: [],
      replace: false,
      network: test.network,
      idleTimeoutSeconds: abandonedAfterSeconds,
    },
    signal,
  );
  return name;
}

function environmentOf(
  { environment, outputVariables, proxies }: KeyedTest["test"],
  values: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const printed = outputVariables.flatMap((name) => {
    const value = values[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...proxies, ...environment, ...Object.fromEntries(printed) };
}

/** As the worker does it for a RUN: in memory, and executable for every user. */
async function writeScript(
  worker: Worker,
  sandbox: string,
  content: string,
  signal: AbortSignal,
): Promise<void> {
  const { exitCode, output } = await collectExec(
    worker,
    {
      sandbox,
      argv: ["/bin/sh", "-c", `cat > ${scriptPath} && chmod 755 ${scriptPath}`],
      workingDirectory: "/",
      user: "root",
      stdin: Buffer.from(content),
    },
    signal,
  );
  if (exitCode === 0) return;
  throw new Failure({
    code: "CommandNotStarted",
    category: "usage",
    message: `the script could not be put into the sandbox: ${output.trim()}`,
    hint: "a TEST with a script needs /bin/sh, cat and chmod in the snapshot",
  });
}

interface DecodedOutput {
  readonly streams: ExecStreams;
  /** Hands on what is left of a character that was cut. */
  end(): void;
}

function decodedOutput(print: Attempt["print"]): DecodedOutput {
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  const take = (stream: "stdout" | "stderr") => (chunk: Uint8Array) => {
    print(stream, decoders[stream].decode(chunk, { stream: true }));
  };
  return {
    streams: { stdin: null, stdout: take("stdout"), stderr: take("stderr"), resizes: null },
    end() {
      for (const stream of ["stdout", "stderr"] as const) print(stream, decoders[stream].decode());
    },
  };
}

/** Runs `work` with a signal that also ends after `seconds`. */
async function withinTime(
  seconds: number | null,
  signal: AbortSignal,
  work: (limited: AbortSignal) => Promise<number>,
): Promise<number | "timed-out"> {
  if (seconds === null) return await work(signal);
  const limit = AbortSignal.timeout(Math.min(Math.ceil(seconds * 1000), longestTimerMs));
  try {
    return await work(AbortSignal.any([signal, limit]));
  } catch (error) {
    const isLate = limit.aborted && !signal.aborted;
    if (isLate && (!(error instanceof Failure) || error.category === "cancelled")) return "timed-out";
    throw error;
  }
}

function timedOut(seconds: number | null): StepFailure {
  return {
    kind: "refused",
    code: "TestTimedOut",
    message: `it did not end within ${seconds} s`,
    hint: "give it more time with --timeout, or look for what it waits for",
  };
}
