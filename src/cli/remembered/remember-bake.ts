import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Repetition } from "../../bake/bake-request.ts";
import { isRacy } from "../../context/file-facts.ts";
import { systemErrorCode } from "../../diagnostics/failure.ts";
import { kvmDevice } from "../../machine/host-virtualization.ts";
import { machinePaths } from "../../machine/machine-paths.ts";
import type { Evidence } from "../../model/evidence.ts";
import type { ProgressMode } from "../../render/create-renderer.ts";
import type { Session } from "../session.ts";
import { numbersPerState, stateOf, writeState } from "./evidence-states.ts";
import {
  encodeRemembered,
  letterOf,
  type RememberedBake,
  rememberedFolder,
  rememberedPath,
  rememberedValue,
  whatIsAsked,
} from "./remembered-bake.ts";

/** Beyond these the oldest are forgotten. A context of 20,000 files takes two megabytes. */
const mostRemembered = 200;
const mostBytes = 64 * 2 ** 20;

export interface Remembering {
  readonly repetition: Repetition;
  readonly lightfilePath: string;
  /** When the first of the evidence was looked at; milliseconds since 1970. */
  readonly sinceMs: number;
  readonly mode: ProgressMode;
  readonly conclusion: string;
}

/**
 * Keeps a bake for {@link recallBake}, unless something that it rests on could have changed since it was looked at.
 * What is remembered only saves time: a disk that does not take it stops nobody.
 */
export function rememberBake(remembering: Remembering, session: Session): void {
  const { repetition, lightfilePath, sinceMs, mode, conclusion } = remembering;
  const homeDirectory = session.home.directory;
  const asked = whatIsAsked();
  const environment = session.environmentRead();
  const evidence = [...evidenceOfCommand(lightfilePath, homeDirectory), ...repetition.evidence];
  const states = statesOf(evidence, sinceMs);
  if (states === undefined || environment === null) return;
  const remembered: RememberedBake = {
    asked,
    environment: [...environment].map(([name, value]) => [name, rememberedValue(name, value)]),
    paths: evidence.map(({ path }) => path),
    kinds: evidence.map(({ kind }) => letterOf(kind)).join(""),
    states,
    mode,
    events: repetition.events,
    conclusion,
  };
  try {
    const folder = rememberedFolder(homeDirectory);
    mkdirSync(folder, { recursive: true });
    const path = rememberedPath(homeDirectory, asked);
    const written = `${path}.${process.pid}.tmp`;
    // Not flushed, which would take as long as half of the bake: a file that a power cut has left without some of its
    // bytes is no JSON, and so nothing is remembered.
    writeFileSync(written, encodeRemembered(remembered), { mode: 0o600 });
    renameSync(written, path);
    forgetOldest(folder);
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
  }
}

/** The program, the Lightfile, and what decides where microVMs run. */
function evidenceOfCommand(lightfilePath: string, homeDirectory: string): readonly Evidence[] {
  const [, program = ""] = process.argv;
  const { probe } = machinePaths(homeDirectory);
  return [
    // Installed and built anew as another file; the machine's image links to it meanwhile, which shows in its times.
    { kind: "replaced", path: program },
    { kind: "content", path: lightfilePath },
    { kind: existsSync(probe) ? "replaced" : "absent", path: probe },
    { kind: existsSync(kvmDevice) ? "place" : "absent", path: kvmDevice },
  ];
}

/** Undefined where something is not as it was when it was looked at, or nobody could tell. */
function statesOf(evidence: readonly Evidence[], sinceMs: number): Float64Array | undefined {
  const states = new Float64Array(evidence.length * numbersPerState);
  for (const [position, one] of evidence.entries()) {
    const facts = one.kind === "entry" ? one.facts : stateOf(one.kind, one.path);
    const canChangeUnseen = one.kind === "entry" || one.kind === "content";
    if (facts === undefined || (canChangeUnseen && isRacy(facts, sinceMs))) return undefined;
    writeState(states, position, facts);
  }
  return states;
}

function forgetOldest(folder: string): void {
  const files = readdirSync(folder).map((name) => {
    const { mtimeMs, size } = statSync(join(folder, name));
    return { name, mtimeMs, size };
  });
  files.sort((left, right) => right.mtimeMs - left.mtimeMs);
  let totalBytes = 0;
  for (const [position, { name, size }] of files.entries()) {
    totalBytes += size;
    if (position >= mostRemembered || totalBytes > mostBytes) rmSync(join(folder, name), { force: true });
  }
}
