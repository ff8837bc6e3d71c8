import type { Range } from "../../diagnostics/source-file.ts";
import { rewrittenFileHint, rewrittenFiles } from "../../model/rewritten-files.ts";
import type { StageBuilder } from "../stage-builder.ts";

/** Folders that are the running machine's memory, and no part of its disk. */
const memoryFolder = /^\/(?:proc|sys|dev)(?:\/|$)/;

/**
 * Says that what is copied to the machine's own places is lost.
 * @param destination absolute and clean, as the files are
 * @param files where files arrive, as far as that is known. A name may turn out to be that of a folder, whose contents go
 * elsewhere: then it is none of the files that a boot writes.
 */
export function warnOfMachinePlaces(
  stage: StageBuilder,
  { destination, files, range }: { destination: string; files: readonly string[]; range: Range },
): void {
  const inMemory = memoryFolder.test(destination);
  const lost = inMemory ? destination : files.find((path) => rewrittenFiles.includes(path));
  if (lost === undefined) return;
  const message = `${lost} is the machine's own, and no layer keeps what is copied there`;
  stage.findings.warning("NoEffect", message, range, {
    hint: inMemory ? "it is in the machine's memory: choose a place on the disk" : rewrittenFileHint,
  });
}
