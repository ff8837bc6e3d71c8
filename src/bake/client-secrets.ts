import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { didYouMean } from "../diagnostics/suggest.ts";
import type { KeyedStep } from "../graph/keys/keyed-plan.ts";
import type { PlannedStep } from "../graph/plan.ts";
import { parseLightfile } from "../lightfile/parse.ts";
import type { RunMount } from "../model/step-operation.ts";
import type { SshAgents } from "../worker/worker.ts";

/**
 * What the user gives to a bake for `RUN --mount=type=secret`: values by id. A value reaches a worker only while a
 * step asks for it, and is in no key, record, event, log or file of lightbox.
 */
export type ClientSecrets = ReadonlyMap<string, Uint8Array>;

export const noSecrets: ClientSecrets = new Map();

/** What the user gives to steps that ask for it; absent: nothing. */
export interface GivenToSteps {
  readonly secrets?: ClientSecrets;
  readonly sshAgents?: SshAgents;
}

/** A mistake, at its `--mount`, for each secret and ssh agent that one of the steps requires and the user has not given. */
export function missingFromClient(steps: readonly KeyedStep[], given: GivenToSteps): readonly Diagnostic[] {
  return steps.flatMap(({ step, operation }) => {
    if (operation.kind !== "run") return [];
    return operation.mounts.flatMap((mount, position): Diagnostic[] => {
      const mistake = mistakeOf(mount, given);
      if (mistake === null) return [];
      return [{ severity: "error", ...mistake, source: step.source, range: mountRange(step, position) }];
    });
  });
}

function mistakeOf(
  mount: RunMount,
  { secrets = noSecrets, sshAgents }: GivenToSteps,
): Pick<Diagnostic, "code" | "message" | "hint"> | null {
  if (mount.kind === "secret" && mount.required && !secrets.has(mount.id)) {
    return {
      code: "SecretNotGiven",
      message: `the step requires the secret ${mount.id}, which is not given`,
      hint: didYouMean(mount.id, secrets.keys()) ?? `give it with --secret id=${mount.id},src=FILE`,
    };
  }
  if (mount.kind === "ssh" && mount.required && !sshAgents?.ids.has(mount.id)) {
    return {
      code: "SshNotForwarded",
      message: `the step requires the ssh agent ${mount.id}, which is not given`,
      hint:
        didYouMean(mount.id, sshAgents?.ids ?? []) ??
        `give it with --ssh ${mount.id}, which is the agent that SSH_AUTH_SOCK names, or with --ssh ${mount.id}=SOCKET`,
    };
  }
  return null;
}

/** Of the flag that the mount comes from; of the whole instruction where its text is not found again. */
function mountRange({ source, range }: PlannedStep, position: number): PlannedStep["range"] {
  const instruction = parseLightfile(source).value.instructions.find(
    (one) => one.range.start === range.start,
  );
  const flags = instruction?.flags.filter(({ name }) => name.text.toLowerCase() === "mount") ?? [];
  return flags[position]?.range ?? range;
}
