import type { BakeCollaborators, BakeRequest } from "../../bake/bake-request.ts";
import { type ClientSecrets, noSecrets } from "../../bake/client-secrets.ts";
import type { BakeEvent } from "../../bake/events.ts";
import { openBakeHost } from "../../host/bake-host.ts";
import { chooseWorker } from "../../host/choose-worker.ts";
import type { WorkerOptions } from "../../host/host-context.ts";
import type { SshAgents, Worker } from "../../worker/worker.ts";
import type { BakeOptions, LightfileOptions } from "../options.ts";
import { readLightfile } from "../read-lightfile.ts";
import { readSecrets } from "../read-secrets.ts";
import type { Session } from "../session.ts";

export interface BakeSetup extends AsyncDisposable {
  readonly request: BakeRequest;
  readonly collaborators: BakeCollaborators;
  /** The worker of this bake, opened when it is not open yet. */
  openWorker(): Promise<Worker>;
}

/** The parts of {@link BakeRequest} that a command may leave out. */
export type BakeChoices = Partial<
  Pick<BakeRequest, "snapshotName" | "noCache" | "checkpoint" | "keepFailedBuilder" | "resources">
> & {
  readonly secrets?: ClientSecrets;
  readonly sshAgents?: SshAgents;
  /** Whether a worker elsewhere is asked for its platform when that is not remembered. */
  readonly mayAskWorker?: boolean;
};

/** Puts together what `bake`, `graph`, `logs` and `debug` need from the command line, the disk and the host. */
export async function setUpBake(
  path: string,
  options: LightfileOptions & WorkerOptions,
  session: Session,
  choices: BakeChoices,
  onEvent: (event: BakeEvent) => void,
): Promise<BakeSetup> {
  const lightfile = await readLightfile(path, options, session);
  const { contextDirectory } = lightfile;
  const host = await openBakeHost(await chooseWorker(options, session), session, {
    contextDirectory,
    mayAskWorker: choices.mayAskWorker ?? false,
  });
  return {
    request: {
      lightfile: lightfile.source,
      lightfilePath: lightfile.path,
      contextDirectory,
      buildArguments: options.buildArg,
      target: options.target ?? null,
      snapshotName: choices.snapshotName ?? null,
      platform: host.platform,
      pull: options.pull ?? false,
      locked: options.locked ?? false,
      noCache: choices.noCache ?? false,
      checkpoint: choices.checkpoint ?? "auto",
      keepFailedBuilder: choices.keepFailedBuilder ?? false,
      resources: choices.resources ?? {},
    },
    collaborators: {
      ...host.collaborators,
      secrets: choices.secrets ?? noSecrets,
      ...(choices.sshAgents === undefined ? {} : { sshAgents: choices.sshAgents }),
      onEvent,
    },
    openWorker: host.openWorker,
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  };
}

/**
 * What the options of `lightbox bake` choose.
 * @throws Failure those of {@link readSecrets} and `readSshAgents`
 */
export async function choicesOf(options: BakeOptions, session: Session): Promise<BakeChoices> {
  return {
    secrets: await readSecrets(options.secret, session),
    ...(options.ssh.length === 0 ? {} : { sshAgents: await openSshAgents(options.ssh, session) }),
    snapshotName: options.name ?? null,
    noCache: !options.cache,
    checkpoint: options.checkpoint,
    keepFailedBuilder: options.debug ?? false,
    resources: {
      ...(options.cpus === undefined ? {} : { cpus: options.cpus }),
      ...(options.memory === undefined ? {} : { memoryMib: options.memory }),
    },
  };
}

/** Loaded only where an agent is given. */
async function openSshAgents(options: readonly string[], session: Session): Promise<SshAgents> {
  const { readSshAgents } = await import("../read-ssh-agents.ts");
  return await readSshAgents(options, session);
}
