import { Failure } from "../diagnostics/failure.ts";
import type { GitResult } from "./git-program.ts";

/**
 * Refuses a checkout of which a disk that does not tell capitals apart, as macOS has them, kept one of two files
 * without a word.
 *
 * @param git runs git in the checkout
 * @throws Failure `FileNamesCollide`
 */
export async function refuseCollisions(
  git: (...args: readonly string[]) => Promise<GitResult>,
  url: string,
): Promise<void> {
  // `git init` has looked at the disk.
  const ignoresCase = await git("config", "--type=bool", "--get", "core.ignorecase");
  if (ignoresCase.stdout.trim() !== "true") return;
  const { stdout } = await git("ls-files", "-z");
  const [pair] = collidingNames(stdout.split("\0"));
  if (pair === undefined) return;
  throw new Failure({
    code: "FileNamesCollide",
    category: "environment",
    message: `${pair.join(" and ")} of ${url} are one file on this disk, which does not tell capitals apart`,
    hint: "put LIGHTBOX_HOME on a disk that does, or rename one of the files",
  });
}

/** Pairs of names that differ in nothing but capitals or how accents are encoded. */
export function collidingNames(names: readonly string[]): readonly (readonly [string, string])[] {
  const seen = new Map<string, string>();
  return names.flatMap((name): (readonly [string, string])[] => {
    const folded = name.normalize("NFC").toLowerCase();
    const earlier = seen.get(folded);
    seen.set(folded, earlier ?? name);
    return earlier === undefined ? [] : [[earlier, name]];
  });
}
