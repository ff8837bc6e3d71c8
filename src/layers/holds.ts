import { randomBytes } from "node:crypto";
import { access, rm } from "node:fs/promises";
import { join } from "node:path";
import { isLayerKey, type LayerKey } from "../model/identifiers.ts";
import { isMissing, namesIn } from "../model/present-files.ts";
import { readTextIfPresent, writeNewFile } from "./durable-file.ts";
import type { Holder, HoldOwner } from "./layer-store.ts";
import type { Release } from "./lock.ts";
import { identityOf, isAlive } from "./process-identity.ts";
import type { StoreContext } from "./store-context.ts";

/** `blank`: the empty disk of that size. */
export type Held =
  | { readonly kind: "layer" | "debug"; readonly key: LayerKey }
  | { readonly kind: "blank"; readonly sizeMib: number }
  | { readonly kind: "volume"; readonly name: string };

export interface LiveHolds {
  readonly blankSizesMib: ReadonlySet<number>;
  readonly layers: ReadonlySet<LayerKey>;
  readonly debug: ReadonlySet<LayerKey>;
  readonly volumes: readonly { readonly name: string; readonly holder: Holder }[];
}

/**
 * Who needs what right now, as files `<kind>.<key, size or name>.<owner>.<random>` in `holds/`, a name in hex. The
 * owner is a process, or `file` with the path as content. Call inside the gate, after making sure that it is there.
 */
export async function addHold(store: StoreContext, held: Held, owner: HoldOwner): Promise<Release> {
  const name = owner.kind === "file" ? "file" : await identityOf(owner.pid);
  // A process that is gone needs nothing.
  if (name === undefined) return async () => undefined;
  const random = randomBytes(8).toString("hex");
  const path = join(store.folder("holds"), `${held.kind}.${wordFor(held)}.${name}.${random}`);
  await writeNewFile(path, owner.kind === "file" ? owner.path : "");
  return () => rm(path, { force: true });
}

/** Reads the holds and deletes those whose owner is gone. Call inside the gate. */
export async function readHolds(store: StoreContext): Promise<LiveHolds> {
  const layers = new Set<LayerKey>();
  const debug = new Set<LayerKey>();
  const blankSizesMib = new Set<number>();
  const volumes: LiveHolds["volumes"][number][] = [];
  for (const file of await namesIn(store.folder("holds"))) {
    const [kind, what = "", owner] = file.split(".");
    const held = heldBy(kind, what);
    if (owner === undefined || held === undefined) continue;
    const path = join(store.folder("holds"), file);
    const holder = await livingHolder(owner, path);
    if (holder === undefined) await rm(path, { force: true });
    else if (held.kind === "volume") volumes.push({ name: held.name, holder });
    else if (held.kind === "blank") blankSizesMib.add(held.sizeMib);
    else (held.kind === "debug" ? debug : layers).add(held.key);
  }
  return { layers, debug, blankSizesMib, volumes };
}

function wordFor(held: Held): string {
  if (held.kind === "volume") return Buffer.from(held.name).toString("hex");
  return held.kind === "blank" ? String(held.sizeMib) : held.key;
}

/** Undefined for what this version does not know. */
function heldBy(kind: string | undefined, what: string): Held | undefined {
  if (kind === "volume") return { kind, name: Buffer.from(what, "hex").toString() };
  if (kind === "blank" && /^\d+$/.test(what)) return { kind, sizeMib: Number(what) };
  return isLayerKey(what) ? { kind: kind === "debug" ? kind : "layer", key: what } : undefined;
}

async function livingHolder(owner: string, path: string): Promise<Holder | undefined> {
  // An owner that this version cannot judge is taken to live: a layer kept too long does no harm.
  if (owner !== "file") return (await isAlive(owner)) === false ? undefined : { kind: "process" };
  const target = await readTextIfPresent(path);
  if (target === undefined || target === "") return undefined;
  try {
    await access(target);
    return { kind: "file", path: target };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
