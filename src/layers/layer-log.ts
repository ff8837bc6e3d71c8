import { mkdir, open, rename } from "node:fs/promises";
import { join } from "node:path";
import type { LayerKey } from "../model/identifiers.ts";
import { isMissing, namesIn } from "../model/present-files.ts";
import { readTextIfPresent } from "./durable-file.ts";
import type { LayerLog } from "./layer-store.ts";
import { logFileName, type StoreContext } from "./store-context.ts";

/** Opens a log beside a writable disk. A failed write is reported by `close`. */
export async function openLogFile(folder: string, key: LayerKey): Promise<LayerLog> {
  const file = await open(join(folder, unsealedLogName(key)), "a");
  let pending: Promise<void> = Promise.resolve();
  let waiting = "";
  let failure: { readonly error: unknown } | undefined;
  const flush = async () => {
    const text = waiting;
    waiting = "";
    if (text === "" || failure !== undefined) return;
    try {
      await file.appendFile(text);
    } catch (error) {
      failure = { error };
    }
  };
  let closed: Promise<void> | undefined;
  const close = async () => {
    await pending;
    await file.close();
    if (failure !== undefined) throw failure.error;
  };
  return {
    write(text) {
      if (closed !== undefined) throw new Error("internal error: a closed log is written to");
      // What comes while a write is under way goes out with the next one.
      if (waiting === "") pending = pending.then(flush);
      waiting += text;
    },
    close() {
      closed ??= close();
      return closed;
    },
  };
}

const unsealedLogPattern = /^log-([0-9a-f]{32})\.txt$/;

function unsealedLogName(key: LayerKey): string {
  return `log-${key}.txt`;
}

/** Moves a step's log, and those of the steps that are in its layer, into the layer's folder. */
export async function moveLogs(
  from: string,
  to: string,
  keys: { readonly own: LayerKey; readonly covered: readonly LayerKey[] | "all" },
): Promise<void> {
  await moveIfPresent(join(from, unsealedLogName(keys.own)), join(to, logFileName));
  const present = (await namesIn(from)).map((name) => unsealedLogPattern.exec(name)?.[1]);
  const wanted = keys.covered === "all" ? present : keys.covered.filter((key) => present.includes(key));
  for (const key of wanted) {
    if (key === undefined) continue;
    await mkdir(join(to, "logs"), { recursive: true });
    await moveIfPresent(join(from, `log-${key}.txt`), join(to, "logs", `${key}.txt`));
  }
}

async function moveIfPresent(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** The log of a step: its own layer's, that of the layer it was merged into, or of its last failure. */
export async function readStepLog(store: StoreContext, key: LayerKey): Promise<string | undefined> {
  const own = await readTextIfPresent(join(store.layerFolder(key), logFileName));
  if (own !== undefined) return own;
  for (const parent of ["layers", "debug"] as const) {
    const folder = store.folder(parent);
    for (const name of await namesIn(folder)) {
      const isOwn = parent === "debug" && name.startsWith(`${key}.`);
      const path = isOwn ? join(folder, name, logFileName) : join(folder, name, "logs", `${key}.txt`);
      const text = await readTextIfPresent(path);
      if (text !== undefined) return text;
    }
  }
  return undefined;
}
