import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { bakeWithEvents } from "./lightbox-command.ts";

const repository = new URL("../../", import.meta.url);

/** Bakes an example as it stands in the repository, e.g. `examples/hello`, but on a base of Debian packages and as one layer a stage. */
export async function bakeExample(path: string, base: string, words: readonly string[] = []): Promise<void> {
  const cwd = fileURLToPath(repository);
  const options = ["--checkpoint=final", "--build-arg", `BASE=${base}`];
  const bake = await bakeWithEvents([path, ...words, ...options], { cwd, timeoutMs: 540_000 });
  expect(bake.result.exitCode, bake.result.stderr + bake.result.stdout.slice(-2000)).toBe(0);
}
