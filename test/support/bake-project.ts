import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inject } from "vitest";
import {
  type BakeReport,
  bakeWithEvents,
  type CommandOptions,
  lightbox,
  writeFiles,
} from "./lightbox-command.ts";

/** A folder with a Lightfile on the busybox base, for one end-to-end test. */
export interface BakeProject extends AsyncDisposable {
  readonly folder: string;
  write(files: Readonly<Record<string, string>>): Promise<void>;
  /** `lightbox bake` of the folder; extra words go to the command. */
  bake(words?: readonly string[], options?: CommandOptions): Promise<BakeReport>;
  /** The output of a command in a sandbox from a snapshot, which is removed afterwards. */
  run(snapshot: string, command: readonly string[]): Promise<string>;
}

/** `FROM BASE` and `--from=BASE` in the Lightfile mean the busybox base. */
export async function bakeProject(files: Readonly<Record<string, string>>): Promise<BakeProject> {
  const folder = await mkdtemp(join(tmpdir(), "lightbox-project-"));
  const write = (written: Readonly<Record<string, string>>): Promise<void> =>
    writeFiles(
      folder,
      Object.fromEntries(
        Object.entries(written).map(([name, text]) => [
          name,
          text.replaceAll(/(FROM |--from=)BASE\b/g, `$1${inject("busyboxBase")}`),
        ]),
      ),
    );
  await write(files);
  return {
    folder,
    write,
    bake: (words = [], options = {}) => bakeWithEvents([folder, ...words], options),
    run: async (snapshot, command) => {
      const result = await lightbox(["run", "--rm", snapshot, "--", ...command]);
      if (result.exitCode !== 0)
        throw new Error(`${command.join(" ")}: ${result.exitCode}\n${result.stdout}${result.stderr}`);
      return result.stdout;
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A copy of a folder of the repository, so that tests can change it. */
export async function copyFolder(source: string, target: string): Promise<void> {
  await cp(source, target, { recursive: true });
}
