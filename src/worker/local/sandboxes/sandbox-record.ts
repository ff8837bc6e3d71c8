import { randomBytes } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import writeFileAtomic from "write-file-atomic";
import { Failure, systemErrorCode } from "../../../diagnostics/failure.ts";
import { didYouMean } from "../../../diagnostics/suggest.ts";
import type { HoldOwner } from "../../../layers/layer-store.ts";
import { namesIn } from "../../../model/present-files.ts";
import type { SandboxConfiguration } from "../../../model/sandbox-configuration.ts";
import { configurationSchema } from "../../../model/sandbox-configuration-schema.ts";
import type { PortMapping } from "../../worker.ts";

const recordVersion = 1;

/** `sandboxes/<name>/sandbox.json`, beside the sandbox's `disk.qcow2`. */
export interface SandboxRecord {
  readonly version: typeof recordVersion;
  readonly name: string;
  /** Name that microsandbox knows it by. */
  readonly runtimeName: string;
  /** Null: it runs on the disk of a failed step. */
  readonly snapshot: string | null;
  /** ISO 8601 */
  readonly createdAt: string;
  readonly ports: readonly PortMapping[];
  readonly configuration: SandboxConfiguration;
  /** It goes away by itself when it has ended. */
  readonly isEphemeral: boolean;
}

const recordSchema: v.GenericSchema<unknown, SandboxRecord> = v.object({
  version: v.literal(recordVersion),
  name: v.string(),
  runtimeName: v.string(),
  snapshot: v.nullable(v.string()),
  createdAt: v.string(),
  ports: v.array(
    v.object({
      hostAddress: v.string(),
      hostPort: v.number(),
      guestPort: v.number(),
      protocol: v.picklist(["tcp", "udp"]),
    }),
  ),
  configuration: configurationSchema,
  isEphemeral: v.boolean(),
});

/** In a sandbox's folder until the record is there: the process that is making it. */
const ownerFileName = "owner";
/** No process can have this id. */
const noProcess = 2 ** 30;

const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;

/** Volumes have the same kind of names. @throws Failure `SandboxNameRefused` */
export function checkSandboxName(name: string, kind: "sandbox" | "volume" = "sandbox"): void {
  if (namePattern.test(name)) return;
  throw new Failure({
    code: "SandboxNameRefused",
    category: "usage",
    message: `${JSON.stringify(name)} cannot be a ${kind}'s name`,
    hint: "a name begins with a letter or digit and has at most 63 letters, digits, dots, dashes and underscores",
  });
}

/** The folders of a store's sandboxes. */
export class SandboxRecords {
  readonly #root: string;
  readonly #storeId: string;

  constructor(storeDirectory: string, storeId: string) {
    this.#root = join(storeDirectory, "sandboxes");
    this.#storeId = storeId;
  }

  /** Stores may share one microsandbox, so the store is in the name that microsandbox knows. */
  get runtimeNamePrefix(): string {
    return `lightbox-run-${this.#storeId.slice(0, 8)}-`;
  }

  runtimeName(name: string): string {
    return `${this.runtimeNamePrefix}${name}`;
  }

  directory(name: string): string {
    return join(this.#root, name);
  }

  /** Takes the name; until the record is written the sandbox is not listed. @throws Failure `SandboxExists` */
  async reserve(name: string): Promise<string> {
    checkSandboxName(name);
    await mkdir(this.#root, { recursive: true });
    try {
      await mkdir(this.directory(name));
    } catch (error) {
      if (systemErrorCode(error) !== "EEXIST") throw error;
      throw new Failure({
        code: "SandboxExists",
        category: "usage",
        message: `there is a sandbox ${name} already`,
        hint: "choose another name, or remove that one first",
      });
    }
    await writeFile(join(this.directory(name), ownerFileName), String(process.pid));
    return this.directory(name);
  }

  /** For what the sandbox needs. Of a later sandbox of the name the file is another one. */
  async holdOwner(name: string): Promise<HoldOwner> {
    const path = join(this.directory(name), `life-${randomBytes(8).toString("hex")}`);
    await writeFile(path, "", { flag: "wx" });
    return { kind: "file", path };
  }

  /** Names that were taken by a process for a sandbox that has no record yet. */
  async unfinished(): Promise<readonly { readonly name: string; readonly owner: number }[]> {
    const recorded = new Set((await this.list()).map(({ name }) => name));
    const others = (await this.folders()).filter((name) => !recorded.has(name));
    return Promise.all(others.map(async (name) => ({ name, owner: await this.#owner(name) })));
  }

  async #owner(name: string): Promise<number> {
    try {
      const text = await readFile(join(this.directory(name), ownerFileName), "utf8");
      return /^\d{1,9}$/.test(text) ? Number(text) : noProcess;
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT") return noProcess;
      throw error;
    }
  }

  async write(record: Omit<SandboxRecord, "version">): Promise<SandboxRecord> {
    const whole: SandboxRecord = { version: recordVersion, ...record };
    await writeFileAtomic(this.#path(record.name), JSON.stringify(whole));
    return whole;
  }

  async remove(name: string): Promise<void> {
    await rm(this.directory(name), { recursive: true, force: true });
  }

  /** @throws Failure `UnknownSandbox`, with near names */
  async get(name: string): Promise<SandboxRecord> {
    const found = namePattern.test(name) ? await this.#read(name) : undefined;
    if (found !== undefined) return found;
    const known = (await this.list()).map((record) => record.name);
    throw new Failure({
      code: "UnknownSandbox",
      category: "usage",
      message: `there is no sandbox ${JSON.stringify(name)}`,
      hint: didYouMean(name, known) ?? "`lightbox ps` lists them",
    });
  }

  /** Sorted by name. */
  async list(): Promise<readonly SandboxRecord[]> {
    const records = await Promise.all((await this.folders()).map((name) => this.#read(name)));
    return records.filter((record) => record !== undefined);
  }

  /** Names that have a folder, whether or not a sandbox ever started in it. */
  async folders(): Promise<readonly string[]> {
    return (await namesIn(this.#root)).filter((name) => namePattern.test(name));
  }

  #path(name: string): string {
    return join(this.directory(name), "sandbox.json");
  }

  async #read(name: string): Promise<SandboxRecord | undefined> {
    try {
      return v.parse(recordSchema, JSON.parse(await readFile(this.#path(name), "utf8")));
    } catch (error) {
      // Not there, or not written by this version: it cannot be used either way.
      const isUnusable = error instanceof SyntaxError || v.isValiError(error);
      if (isUnusable || systemErrorCode(error) === "ENOENT") return undefined;
      throw error;
    }
  }
}
