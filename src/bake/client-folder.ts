import { readdir } from "node:fs/promises";
import { systemErrorCode } from "../diagnostics/failure.ts";

/** What is in a folder that the client keeps for itself; none where it is not made yet. */
export async function namesInClientFolder(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
}
