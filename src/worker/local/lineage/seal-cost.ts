import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import writeFileAtomic from "write-file-atomic";
import { systemErrorCode } from "../../../diagnostics/failure.ts";
import { parseJson } from "../../../model/parse-json.ts";
import { assumedSealCostMs, updatedSealCost } from "./checkpoint-policy.ts";

const schema = v.object({ sealCostMs: v.pipe(v.number(), v.minValue(0), v.maxValue(600_000)) });

/** What a seal costs on this host, remembered in the store between bakes (`seal-cost.json`). */
export class SealCost {
  readonly #path: string;
  #averageMs: number | undefined;

  private constructor(path: string, averageMs: number | undefined) {
    this.#path = path;
    this.#averageMs = averageMs;
  }

  static async read(storeDirectory: string): Promise<SealCost> {
    const path = join(storeDirectory, "seal-cost.json");
    return new SealCost(path, await readAverage(path));
  }

  get milliseconds(): number {
    return this.#averageMs ?? assumedSealCostMs;
  }

  async record(measuredMs: number): Promise<void> {
    this.#averageMs = updatedSealCost(this.#averageMs, measuredMs);
    await writeFileAtomic(this.#path, JSON.stringify({ sealCostMs: Math.round(this.#averageMs) }));
  }
}

async function readAverage(path: string): Promise<number | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
  // A damaged measurement is measured again.
  const parsed = v.safeParse(schema, parseJson(text));
  return parsed.success ? parsed.output.sealCostMs : undefined;
}
