import { join } from "node:path";
import { bake } from "../bake/bake.ts";
import type { BakeOutcome, BakeRequest } from "../bake/bake-request.ts";
import type { BakeEvent } from "../bake/events.ts";
import { Failure } from "../diagnostics/failure.ts";
import { unreachable } from "../diagnostics/unreachable.ts";
import { openBakeHost } from "../host/bake-host.ts";
import { chooseWorker } from "../host/choose-worker.ts";
import { createRenderer } from "../render/create-renderer.ts";
import { formatStepFailure } from "../render/format-event.ts";
import { type HostOptions, hostContext } from "./host.ts";
import { lightfileOf, type SnapshotConfig } from "./snapshot-config.ts";
import { snapshotExists } from "./snapshots.ts";

export interface BuildOptions extends HostOptions {
  /** Replace a snapshot of this name, which stays as `NAME@previous`; default true. */
  readonly overwrite?: boolean;
  /** Keep the builder of a failing step running, to look inside with `connectToSandbox`. */
  readonly debugBuilder?: boolean;
  /** Run every step again. */
  readonly noCache?: boolean;
  /** Told of everything that happens; docs/events.md. */
  readonly onEvent?: (event: BakeEvent) => void;
}

export type BuiltSnapshot = Extract<BakeOutcome, { kind: "completed" }>;

/**
 * Bakes the snapshot that a config describes. Steps that were run before, here or in a Lightfile that says the same, are
 * not run again.
 *
 * @throws Failure `StepFailed` with the output's end; `SnapshotExists`; the codes of a config with mistakes, with
 *   `diagnostics`; and what keeps the host from it
 */
export async function buildSnapshot(
  config: SnapshotConfig,
  options: BuildOptions = {},
): Promise<BuiltSnapshot> {
  if (options.overwrite === false && (await snapshotExists(config.name, options))) throw exists(config.name);
  const path = `snapshot ${config.name}`;
  return completed(await bakeText({ path, text: lightfileOf(config) }, options), options);
}

async function bakeText(lightfile: BakeRequest["lightfile"], options: BuildOptions): Promise<BakeOutcome> {
  const context = hostContext(options);
  const contextDirectory = process.cwd();
  const choice = await chooseWorker(options, context);
  await using host = await openBakeHost(choice, context, { contextDirectory, mayAskWorker: true });
  const renderer = options.verbose
    ? await createRenderer({ mode: "plain", stream: process.stderr, environment: process.env })
    : undefined;
  const onEvent = (event: BakeEvent): void => {
    renderer?.onEvent(event);
    options.onEvent?.(event);
  };
  const request: BakeRequest = {
    lightfile,
    lightfilePath: join(contextDirectory, lightfile.path),
    contextDirectory,
    buildArguments: {},
    target: null,
    snapshotName: null,
    platform: host.platform,
    pull: false,
    noCache: options.noCache ?? false,
    checkpoint: "auto",
    keepFailedBuilder: options.debugBuilder ?? false,
    resources: {},
  };
  try {
    return await bake(request, { ...host.collaborators, onEvent }, context.signal);
  } finally {
    renderer?.close();
  }
}

/** The library's users handle one kind of end; the others are thrown. */
function completed(outcome: BakeOutcome, { signal }: HostOptions): BuiltSnapshot {
  switch (outcome.kind) {
    case "completed":
      return outcome;
    case "invalid": {
      const first = outcome.diagnostics.find(({ severity }) => severity === "error");
      if (first === undefined) throw new Error("internal error: a bake with mistakes names none");
      const { code, message, hint } = first;
      throw new Failure({
        code,
        category: "usage",
        message,
        diagnostics: outcome.diagnostics,
        ...(hint === undefined ? {} : { hint }),
      });
    }
    case "step-failed": {
      const { title, reason, outputTail, keptBuilder } = outcome.failure;
      const kept = keptBuilder === null ? "" : `\nthe builder still runs as ${keptBuilder}`;
      throw stepFailure("StepFailed", `${title}: ${formatStepFailure(reason)}${kept}`, outputTail);
    }
    case "test-failed": {
      const { title, reason, outputTail } = outcome.failure;
      throw stepFailure("TestFailed", `${title}: ${formatStepFailure(reason)}`, outputTail);
    }
    case "cancelled":
      throw new Failure({
        code: "Cancelled",
        category: "cancelled",
        message: "the bake was stopped",
        hint: "run it again: what was sealed is kept",
        cause: signal?.reason,
      });
    default:
      return unreachable(outcome);
  }
}

function stepFailure(code: string, message: string, outputTail: readonly string[]): Failure {
  const output = outputTail.length === 0 ? "" : `\n${outputTail.join("\n")}`;
  return new Failure({ code, category: "step", message: `${message}${output}` });
}

function exists(name: string): Failure {
  return new Failure({
    code: "SnapshotExists",
    category: "usage",
    message: `there is a snapshot named ${name} already`,
    hint: "give it another name, or leave out `overwrite: false`",
  });
}
