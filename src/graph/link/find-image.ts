import type { Range } from "../../diagnostics/source-file.ts";
import type { StageSource } from "../draft-step.ts";
import type { Findings } from "../findings.ts";
import type { OpenFile } from "./open-file.ts";
import type { Program } from "./program.ts";
import { imageReferenceFrom, pathOfImage } from "./reference.ts";

/** Where an image is named. */
export interface ImagePlace {
  readonly program: Program;
  /** The file whose words are read. */
  readonly open: OpenFile;
  readonly findings: Findings;
}

/**
 * The image that a word means; null when a diagnostic says why it means none. Relative paths of the file that is baked
 * start at its context; those of any other at its own folder.
 */
export function findImage(
  reference: string,
  range: Range,
  { program, open, findings }: ImagePlace,
): StageSource | null {
  const { entry } = program;
  if (open.file === entry) return { kind: "image", reference };
  const { repositoryRoot, context } = open.file;
  if (repositoryRoot === undefined) {
    const from = imageReferenceFrom(entry.context.directory, context.directory, reference);
    return { kind: "image", reference: from };
  }
  const whole = imageReferenceFrom(null, context.directory, reference);
  const path = pathOfImage(whole);
  if (path === null || path.startsWith(`${repositoryRoot}/`)) return { kind: "image", reference: whole };
  findings.error("OutsideRepository", `${reference} leads out of the repository of this file`, range, {
    hint: "a Lightfile of a repository takes images from it, or from a registry",
  });
  return null;
}
