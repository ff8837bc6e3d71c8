import { type Diagnostic, hasErrors } from "../diagnostics/diagnostic.ts";
import { Failure } from "../diagnostics/failure.ts";
import { didYouMean } from "../diagnostics/suggest.ts";
import type { BaseReference } from "../graph/base-references.ts";
import { checkedDiagnostics } from "../graph/checked-diagnostics.ts";
import type { Plan } from "../graph/plan.ts";
import { planSteps } from "../graph/plan-steps.ts";
import type { BaseImage } from "../model/base-image.ts";
import { loadProgram } from "../sources/load-program.ts";
import { locateFailure } from "../sources/located.ts";
import {
  formatLock,
  type LockContent,
  type LockedCommit,
  type LockedImage,
  type LockedUrl,
  lockPathOf,
  readLock,
  writeLock,
} from "../sources/lock-file.ts";
import { PinnedGit } from "../sources/pinned-git.ts";
import { type Pins, pinsOf } from "../sources/pins.ts";
import type { BakeCollaborators, BakeRequest } from "./bake-request.ts";
import { entryProgram } from "./entry-program.ts";
import { isFixed, resolvePinned } from "./pinned-images.ts";
import { openRemoteContent } from "./remote-content.ts";

export interface LockRequest
  extends Pick<
    BakeRequest,
    "lightfile" | "lightfilePath" | "contextDirectory" | "buildArguments" | "target" | "platform"
  > {
  /** What is asked for again: nothing that has a pin, all, or these (images, URLs, repositories). */
  readonly update: "nothing" | "all" | readonly string[];
}

export type LockOutcome =
  | {
      readonly kind: "locked";
      readonly path: string;
      readonly content: LockContent;
      /** What was pinned before; null: there was no lock file. */
      readonly before: LockContent | null;
      readonly diagnostics: readonly Diagnostic[];
    }
  | { readonly kind: "invalid"; readonly diagnostics: readonly Diagnostic[] };

/**
 * Pins what all stages of a Lightfile, and what they need of other files, refer to: images, commits, URLs. Pins that
 * nothing needs any more are dropped; those of other platforms stay.
 *
 * @throws Failure `UnknownPin`, `LockUnreadable`, `LockCorrupt`, `LockTooNew`, `LockUnwritable`; as a bake does for what it
 *   cannot reach
 */
export async function lockReferences(
  request: LockRequest,
  collaborators: LockCollaborators,
  signal: AbortSignal,
): Promise<LockOutcome> {
  const path = lockPathOf(request.lightfilePath);
  const before = await readBefore(path, request);
  const kept = keptPins(before, request.update);
  const found = await findPins(request, { ...collaborators, pins: pinsOf(kept, "ask") }, signal);
  if (found.pins === null) return { kind: "invalid", diagnostics: found.diagnostics };
  const content = { ...found.pins, images: [...found.pins.images, ...otherPlatforms(before, found.pins)] };
  if (before === null || formatLock(before) !== formatLock(content)) await writeLock(path, content);
  return { kind: "locked", path, content, before, diagnostics: found.diagnostics };
}

/** A file that is to be written anew need not be understood. */
async function readBefore(path: string, { update }: LockRequest): Promise<LockContent | null> {
  try {
    return await readLock(path);
  } catch (error) {
    const isUnread = error instanceof Failure && ["LockCorrupt", "LockTooNew"].includes(error.code);
    if (!isUnread || update !== "all") throw error;
    return null;
  }
}

/** The pins that are not asked for again. */
function keptPins(before: LockContent | null, update: LockRequest["update"]): LockContent | null {
  if (before === null || update === "all") return null;
  if (update === "nothing") return before;
  const names = new Set(update);
  const known = namesOf(before);
  for (const name of names) {
    if (known.has(name)) continue;
    throw new Failure({
      code: "UnknownPin",
      category: "usage",
      message: `the lock file pins nothing named ${name}`,
      hint: didYouMean(name, known) ?? `it pins ${[...known].join(", ") || "nothing"}`,
    });
  }
  return {
    images: before.images.filter((pin) => !names.has(pin.reference)),
    git: before.git.filter((pin) => !names.has(pin.url) && !names.has(nameOfCommit(pin))),
    urls: before.urls.filter((pin) => !names.has(pin.url)),
  };
}

function namesOf({ images, git, urls }: LockContent): ReadonlySet<string> {
  return new Set([
    ...images.map((pin) => pin.reference),
    ...git.flatMap((pin) => [pin.url, nameOfCommit(pin)]),
    ...urls.map((pin) => pin.url),
  ]);
}

function nameOfCommit({ url, ref }: LockedCommit): string {
  return ref === null ? url : `${url}#${ref}`;
}

/** Pins for other platforms of what is still needed: whoever bakes for those has written them. */
function otherPlatforms(before: LockContent | null, { images }: LockContent): readonly LockedImage[] {
  const needed = new Set(images.map((pin) => pin.reference));
  const written = new Set(images.map((pin) => `${pin.reference} ${pin.platform}`));
  return (before?.images ?? []).filter(
    (pin) => needed.has(pin.reference) && !written.has(`${pin.reference} ${pin.platform}`),
  );
}

interface Found {
  /** Null: the diagnostics have errors. */
  readonly pins: LockContent | null;
  readonly diagnostics: readonly Diagnostic[];
}

type LockCollaborators = Pick<
  BakeCollaborators,
  "homeDirectory" | "images" | "beforeSource" | "beforeDownload"
>;
type Search = LockCollaborators & { readonly pins: Pins };

async function findPins(request: LockRequest, search: Search, signal: AbortSignal): Promise<Found> {
  const commits = new Map<string, LockedCommit>();
  const git = new PinnedGit({
    homeDirectory: search.homeDirectory,
    pins: search.pins,
    beforeSource: search.beforeSource,
    onCommit: (pin) => commits.set(nameOfCommit(pin), pin),
  });
  const options = { ...request, everyStage: true };
  const { value: program, diagnostics: parsed } = await entryProgram(request);
  const diagnostics = [...checkedDiagnostics(program, parsed)];
  const mayAsk = !hasErrors(diagnostics);
  const references = await loadProgram(program, options, { git, signal, mayAsk });
  diagnostics.push(...checkedDiagnostics(program, references.whileReading));
  if (hasErrors([...diagnostics, ...references.diagnostics])) {
    // Nobody asks a registry for a file with mistakes; planning without images tells the rest of them.
    const missing = new Set(references.value.images.map(({ reference }) => reference));
    const plan = planSteps(program, { ...options, bases: new Map(), missing });
    return { pins: null, diagnostics: [...diagnostics, ...checkedDiagnostics(program, plan.diagnostics)] };
  }
  const resolved = await Promise.all(
    references.value.images.map((image) => resolve(image, { request, search }, signal)),
  );
  const images = resolved.flatMap((one) => ("image" in one ? [one.image] : []));
  diagnostics.push(...resolved.flatMap((one) => ("diagnostic" in one ? [one.diagnostic] : [])));
  if (hasErrors(diagnostics)) return { pins: null, diagnostics };
  const bases = new Map(images.map((image) => [image.reference, image]));
  const plan = planSteps(program, { ...options, bases });
  diagnostics.push(...checkedDiagnostics(program, plan.diagnostics));
  if (plan.value === null || hasErrors(diagnostics)) return { pins: null, diagnostics };
  const fetched = await fetchContents(plan.value, { ...search, git }, signal);
  diagnostics.push(...fetched.diagnostics);
  if (hasErrors(diagnostics)) return { pins: null, diagnostics };
  const pins: LockContent = {
    images: images
      .filter(({ reference }) => !isFixed(reference, search))
      .map(({ reference, platform, digest }) => ({ reference, platform, digest })),
    git: [...commits.values()],
    urls: fetched.urls,
  };
  return { pins, diagnostics };
}

async function resolve(
  base: BaseReference,
  { request, search }: { readonly request: LockRequest; readonly search: Search },
  signal: AbortSignal,
): Promise<{ readonly image: BaseImage } | { readonly diagnostic: Diagnostic }> {
  const { images, pins, homeDirectory } = search;
  const { platform } = request;
  try {
    // What has no pin is asked for, whatever is remembered of it.
    const { image } = await resolvePinned(
      base.reference,
      { images, platform, pull: true, onRetry: () => {}, pins, homeDirectory },
      signal,
    );
    return { image };
  } catch (error) {
    const diagnostic = locateFailure(error, base);
    return { diagnostic: base.hint === null ? diagnostic : { ...diagnostic, hint: base.hint } };
  }
}

interface Fetched {
  readonly urls: readonly LockedUrl[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Fetches what ADDs name: URLs without a checksum, and repositories, which `git` takes note of. */
async function fetchContents(
  plan: Plan,
  { homeDirectory, pins, git, beforeSource, beforeDownload }: Search & { readonly git: PinnedGit },
  signal: AbortSignal,
): Promise<Fetched> {
  const beforeFirst = beforeDownload === undefined ? {} : { beforeFirst: beforeDownload };
  const remote = openRemoteContent({ homeDirectory, pins, git, beforeSource, ...beforeFirst });
  const urls = new Map<string, LockedUrl>();
  const diagnostics: Diagnostic[] = [];
  for (const { source, definition } of plan.stages.flatMap((stage) => stage.steps)) {
    if (definition.kind !== "copy" || definition.source.kind !== "context") continue;
    for (const pattern of definition.source.patterns) {
      try {
        if (pattern.kind === "git") await remote.fetchGit(pattern, signal);
        if (pattern.kind !== "url" || pattern.checksum !== null) continue;
        const { sha256 } = await remote.fetchUrl(pattern, signal);
        urls.set(pattern.url, { url: pattern.url, sha256 });
      } catch (error) {
        if (!("range" in pattern)) throw error;
        diagnostics.push(locateFailure(error, { source, range: pattern.range }));
      }
    }
  }
  return { urls: [...urls.values()], diagnostics };
}
