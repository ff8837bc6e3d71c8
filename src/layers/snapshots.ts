import { rm } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { Failure } from "../diagnostics/failure.ts";
import { nearestName } from "../diagnostics/suggest.ts";
import { namesIn } from "../model/present-files.ts";
import { readJsonFile, replaceFile } from "./durable-file.ts";
import type { LayerCatalog } from "./layer-catalog.ts";
import type { SnapshotContent } from "./layer-store.ts";
import {
  type SnapshotDocument,
  snapshotDocumentSchema,
  snapshotDocumentVersion,
} from "./snapshot-document.ts";
import type { StoreContext } from "./store-context.ts";

const previousSuffix = "@previous";
const longestFileName = 240;

/** The names in `snapshots/`. Each file is replaced whole, so a reader sees a name's old or new meaning. */
export class SnapshotShelf {
  readonly #store: StoreContext;
  readonly #catalog: LayerCatalog;

  constructor(store: StoreContext, catalog: LayerCatalog) {
    this.#store = store;
    this.#catalog = catalog;
  }

  /**
   * Publishing what the name already says changes nothing, so that `NAME@previous` stays the last one that
   * was different.
   * @throws Failure `UnknownLayer`, `InvalidSnapshotName`
   */
  async publish(name: string, content: SnapshotContent): Promise<SnapshotDocument> {
    const path = this.#pathOf(name);
    // Through the schema: fields in its order, so that equal documents are equal texts.
    const document = v.parse(snapshotDocumentSchema, {
      ...content,
      version: snapshotDocumentVersion,
      name,
      createdAt: new Date().toISOString(),
    });
    return this.#store.insideGate(async () => {
      // Inside the gate no prune can take the layer before the name protects it.
      if (content.layer !== null) await this.#catalog.get(content.layer);
      const before = await this.#read(path);
      if (before !== undefined) {
        if (JSON.stringify({ ...document, createdAt: "" }) === JSON.stringify({ ...before, createdAt: "" })) {
          return before;
        }
        const previous = { ...before, name: `${name}${previousSuffix}` };
        await replaceFile(this.#pathOf(previous.name), JSON.stringify(previous));
        this.#store.checkpoint("publish: previous kept");
      }
      await replaceFile(path, JSON.stringify(document));
      this.#store.checkpoint("publish: renamed");
      return document;
    });
  }

  /** Every name, each followed by its `@previous` one; a damaged document is reported and left out. */
  list(): Promise<readonly SnapshotDocument[]> {
    return this.readAll((problem) => this.#store.onDamage(problem));
  }

  /** As {@link list}, for callers with their own idea of damage. */
  async readAll(onDamage: (problem: string) => void): Promise<SnapshotDocument[]> {
    const folder = this.#store.folder("snapshots");
    const documents: SnapshotDocument[] = [];
    for (const file of await namesIn(folder)) {
      if (!file.endsWith(".json")) continue;
      const json = await readJsonFile(join(folder, file), snapshotDocumentSchema);
      if (json?.kind === "damaged") onDamage(json.problem);
      if (json?.kind === "valid") documents.push(json.value);
    }
    return documents.sort((left, right) => (sortKey(left) < sortKey(right) ? -1 : 1));
  }

  /** @throws Failure `UnknownSnapshot`, `SnapshotDamaged` */
  async get(name: string): Promise<SnapshotDocument> {
    const document = await this.#read(this.#pathOf(name));
    if (document === undefined) throw await this.#unknown(name);
    return document;
  }

  /** @throws Failure `UnknownSnapshot` */
  async remove(name: string): Promise<void> {
    const path = this.#pathOf(name);
    await this.#store.insideGate(async () => {
      if ((await readJsonFile(path, snapshotDocumentSchema)) === undefined) throw await this.#unknown(name);
      // The previous one first: it must not outlive the name and hold layers that nobody sees.
      if (!name.endsWith(previousSuffix)) await rm(this.#pathOf(name + previousSuffix), { force: true });
      await rm(path, { force: true });
    });
  }

  async #read(path: string): Promise<SnapshotDocument | undefined> {
    const json = await readJsonFile(path, snapshotDocumentSchema);
    if (json?.kind === "damaged") throw snapshotDamaged(json.problem);
    return json?.value;
  }

  async #unknown(name: string): Promise<Failure> {
    const names = (await this.readAll(() => undefined)).map((document) => document.name);
    const near = nearestName(name, names);
    const listed = names.filter((other) => !other.endsWith(previousSuffix)).slice(0, 5);
    return new Failure({
      code: "UnknownSnapshot",
      category: "usage",
      message: `there is no snapshot named ${name}`,
      hint:
        near !== undefined
          ? `did you mean ${near}?`
          : listed.length > 0
            ? `there are: ${listed.join(", ")} (\`lightbox snapshots\` lists all)`
            : "there are none yet: `lightbox bake` makes them",
    });
  }

  #pathOf(name: string): string {
    const isPrevious = name.endsWith(previousSuffix);
    const plain = isPrevious ? name.slice(0, -previousSuffix.length) : name;
    const file = `${encodeSnapshotName(plain)}${isPrevious ? previousSuffix : ""}.json`;
    return join(this.#store.folder("snapshots"), file);
  }
}

/** Puts `app@previous` right behind `app`, before `app-2`. */
function sortKey({ name }: SnapshotDocument): string {
  return name.replace(previousSuffix, `\0${previousSuffix}`);
}

/**
 * A file name that is the snapshot's alone: everything but `a-z 0-9 _ -` and inner dots is written as `%XX`,
 * upper-case letters too, because some filesystems take `App` and `app` for the same.
 * @throws Failure `InvalidSnapshotName`
 */
export function encodeSnapshotName(name: string): string {
  let encoded = "";
  for (const [index, byte] of Buffer.from(name).entries()) {
    const character = String.fromCharCode(byte);
    const isPlain = /[a-z0-9_-]/.test(character) || (character === "." && index > 0);
    encoded += isPlain ? character : `%${byte.toString(16).padStart(2, "0")}`;
  }
  const problem =
    name === ""
      ? "is empty"
      : name.includes("@")
        ? "has an @ in it"
        : encoded.length > longestFileName
          ? "is too long"
          : name.isWellFormed()
            ? undefined
            : "is not valid Unicode";
  if (problem === undefined) return encoded;
  throw new Failure({
    code: "InvalidSnapshotName",
    category: "usage",
    message: `the snapshot name ${JSON.stringify(name)} ${problem}`,
    hint: "use letters, digits, dots, dashes, underscores and slashes",
  });
}

export function snapshotDamaged(problem: string): Failure {
  return new Failure({
    code: "SnapshotDamaged",
    category: "environment",
    message: problem,
    hint: "remove the snapshot with `lightbox snapshots rm` and bake it again",
  });
}
