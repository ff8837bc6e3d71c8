import { type LockOutcome, lockReferences } from "../../bake/lock.ts";
import type { LockContent } from "../../sources/lock-file.ts";
import { exitCodes } from "../exit-code.ts";
import { findLightfile } from "../last-bake.ts";
import type { LockOptions } from "../options.ts";
import { displayPath } from "../read-lightfile.ts";
import type { Session } from "../session.ts";
import { setUpBake } from "./bake-setup.ts";
import { tellFindings } from "./tell-findings.ts";

/** `lightbox lock`: writes the lock file, and says on stdout what is pinned otherwise than before. */
export async function lockLightfile(
  path: string | undefined,
  options: LockOptions,
  session: Session,
): Promise<number> {
  const chosen = await chooseFile(path, options.update, session);
  await using setup = await setUpBake(chosen.path, options, session, {}, () => {});
  const request = { ...setup.request, update: chosen.update };
  const outcome = await lockReferences(request, setup.collaborators, session.signal);
  tellFindings(outcome.diagnostics, session);
  if (outcome.kind === "invalid") return exitCodes.usage;
  session.stdout.write(describe(outcome, displayPath(outcome.path, session)));
  return exitCodes.success;
}

interface Chosen {
  readonly path: string;
  readonly update: "nothing" | "all" | readonly string[];
}

/** `--update FILE` reads as if FILE were a name: where it is the last word and a Lightfile, it is the file. */
async function chooseFile(
  path: string | undefined,
  update: LockOptions["update"],
  session: Session,
): Promise<Chosen> {
  if (update === undefined) return { path: path ?? ".", update: "nothing" };
  const names = update === true ? [] : [...update];
  const last = names.at(-1);
  if (path === undefined && last !== undefined && (await findLightfile(last, session)) !== undefined) {
    names.pop();
    return { path: last, update: names.length === 0 ? "all" : names };
  }
  return { path: path ?? ".", update: names.length === 0 ? "all" : names };
}

function describe({ content, before }: LockOutcome & { kind: "locked" }, path: string): string {
  const old = new Map(before === null ? [] : linesOf(before));
  const now = new Map(linesOf(content));
  const changes = [
    ...[...now].flatMap(([name, value]) => {
      const was = old.get(name);
      if (was === value) return [];
      return [was === undefined ? `+ ${name}  ${value}` : `~ ${name}  ${was} → ${value}`];
    }),
    ...[...old.keys()].filter((name) => !now.has(name)).map((name) => `- ${name}`),
  ];
  const isSame = before !== null && changes.length === 0;
  const summary = isSame ? `${path} is up to date` : `${path}: ${count(now.size)}`;
  return [...changes, summary, ""].join("\n");
}

function count(pins: number): string {
  return `${pins} ${pins === 1 ? "pin" : "pins"}`;
}

/** What is pinned, by name. */
function linesOf({ images, git, urls }: LockContent): [string, string][] {
  return [
    ...images.map(({ reference, platform, digest }): [string, string] => [
      `${reference} (${platform})`,
      digest,
    ]),
    ...git.map(({ url, ref, commit }): [string, string] => [ref === null ? url : `${url}#${ref}`, commit]),
    ...urls.map(({ url, sha256 }): [string, string] => [url, sha256]),
  ];
}
