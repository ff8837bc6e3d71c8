import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { BakeHistory } from "../bake/history.ts";
import { systemErrorCode } from "../diagnostics/failure.ts";
import type { RecordedStep } from "../graph/explain/recorded-step.ts";
import type { Session } from "./session.ts";

/** The Lightfile that a word of the command line names, itself or as its folder; undefined when it names none. */
export async function findLightfile(word: string, session: Session): Promise<string | undefined> {
  const path = resolve(session.workingDirectory, word);
  for (const candidate of [path, join(path, "Lightfile")]) {
    try {
      if ((await stat(candidate)).isFile()) return candidate;
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
    }
  }
  return undefined;
}

/**
 * The steps of the Lightfile's last bake, also of one that failed, as it was then: later edits change nothing. Null
 * when there was none.
 */
export async function stepsOfLastBake(
  lightfilePath: string,
  target: string | undefined,
  session: Session,
): Promise<readonly RecordedStep[] | null> {
  const { directory } = session.home;
  const history = await BakeHistory.open({ homeDirectory: directory, lightfilePath, target: target ?? null });
  return await history.readAttempt();
}
