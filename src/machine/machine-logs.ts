import { readFile } from "node:fs/promises";
import { systemErrorCode } from "../diagnostics/failure.ts";
import { lastLines } from "./external-command.ts";
import type { MachinePaths } from "./machine-paths.ts";

const shownLines = 12;

/** A log as text with plain line ends; empty when there is none. */
export async function readLog(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).replaceAll("\r", "");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return "";
    throw error;
  }
}

/** The end of what the machine's console and QEMU itself said. */
export async function endOfLogs(paths: MachinePaths): Promise<string> {
  const texts = await Promise.all([paths.consoleLog, paths.qemuLog].map(readLog));
  return lastLines(texts.join("\n"), shownLines);
}
