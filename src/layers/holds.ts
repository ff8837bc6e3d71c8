import { randomBytes } from "node:crypto";
import { access, rm } from "node:fs/promises";
import { join } from "node:path";
import { isLayerKey, type LayerKey } from "../model/identifiers.ts";
import { isMissing, namesIn } from "../model/present-files.ts";
import { readTextIfPresent, writeNewFile } from "./durable-file.ts";
import type { HoldOwner } from "./layer-store.ts";
import type { Release } from "./lock.ts";
import { identityOf, isAlive } from "./process-identity.ts";
import type { StoreContext } from "./store-context.ts";

/** `blank`: the empty disk of that size. */
export type Held =
  | { readonly kind: "layer" | "debug"; readonly key: LayerKey }
  | { readonly kind: "blank"; readonly sizeMib: number };

export interface LiveHolds {
  readonly blankSizesMib: ReadonlySet<number>;
  readonly layers: ReadonlySet<LayerKey>;
  readonly debug: ReadonlySet<LayerKey>;
}

/**
 * Who needs what right now, as files `<kind>.<key or size>.<owner>.<random>` in `holds/`. The owner is a
 * process, or `file` with the path as content. Call inside the gate, after making sure that it is there.
 */
export async function addHold(store: StoreContext, held: Held, owner: HoldOwner): Promise<Release> {
  const name = owner.kind === "file" ? "file" : await identityOf(owner.pid);
  // A process that is gone needs nothing.
  if (name === undefined) return async () => undefined;
  const random = randomBytes(8).toString("hex");
  const what = held.kind === "blank" ? held.sizeMib : held.key;
  const path = join(store.folder("holds"), `${held.kind}.${what}.${name}.${random}`);
  await writeNewFile(path, owner.kind === "file" ? owner.path : "");
  return () => rm(path, { force: true });
}

/** Reads the holds and deletes those whose owner is gone. Call inside the gate. */
export async function readHolds(store: StoreContext): Promise<LiveHolds> {
  const layers = new Set<LayerKey>();
  const debug = new Set<LayerKey>();
  const blankSizesMib = new Set<number>();
  for (const name of await namesIn(store.folder("holds"))) {
    const [kind, what = "", owner] = name.split(".");
    const isBlank = kind === "blank" && /^\d+$/.test(what);
    if (owner === undefined || !(isBlank || isLayerKey(what))) continue;
    const path = join(store.folder("holds"), name);
    if (!(await ownerLives(owner, path))) await rm(path, { force: true });
    else if (isLayerKey(what)) (kind === "debug" ? debug : layers).add(what);
    else blankSizesMib.add(Number(what));
  }
  return { layers, debug, blankSizesMib };
}

async function ownerLives(owner: string, path: string): Promise<boolean> {
  // An owner that this version cannot judge is taken to live: a layer kept too long does no harm.
  if (owner !== "file") return (await isAlive(owner)) ?? true;
  const target = await readTextIfPresent(path);
  if (target === undefined || target === "") return false;
  try {
    await access(target);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
