import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { Diagnostic } from "../../../src/diagnostics/diagnostic.ts";
import { Failure } from "../../../src/diagnostics/failure.ts";
import { Program } from "../../../src/graph/link/program.ts";
import { parseLightfile } from "../../../src/lightfile/parse.ts";
import { loadProgram } from "../../../src/sources/load-program.ts";
import { PinnedGit } from "../../../src/sources/pinned-git.ts";
import { noPins, type Pins, pinsOf } from "../../../src/sources/pins.ts";
import { GitRepository, serveGit } from "../../support/git-repository.ts";
import { printed } from "../../support/printed-diagnostics.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const planOptions = { buildArguments: {}, target: null, platform: "linux/amd64" };

/** What is said of a file's references, planned in a folder of its own. */
async function diagnosticsOf(text: string, folder: string, pins: Pins): Promise<readonly Diagnostic[]> {
  const { value: tree } = parseLightfile({ path: "Lightfile", text });
  const lightfilePath = join(folder, "Lightfile");
  const program = new Program(
    { identity: lightfilePath, tree, context: { directory: folder, lightfilePath } },
    {},
  );
  const git = new PinnedGit({ homeDirectory: join(folder, "home"), pins });
  const { signal } = new AbortController();
  try {
    return (await loadProgram(program, planOptions, { git, signal })).diagnostics;
  } catch (error) {
    // A host that does not answer ends the planning, with the place that asked for it.
    if (error instanceof Failure) return error.diagnostics;
    throw error;
  }
}

/** As people read it. `vitest run test/golden --update` writes it anew; look at what changed. */
test("what is wrong with references to repositories reads as in diagnostics.txt", async () => {
  await using folder = await temporaryFolder();
  const repositories = join(folder.path, "served");
  const repository = await GitRepository.create(join(repositories, "tools.git"));
  const outside = "FROM ../../outside/Lightfile\n";
  const circle = "FROM ..\n";
  await repository.commit({ Lightfile: "FROM ./circle\n", "out/Lightfile": outside, "circle/Lightfile": circle });
  await using server = await serveGit(repositories);
  const project = join(folder.path, "project");
  await mkdir(project);
  await writeFile(join(project, "Lightfile"), "");
  const url = `${server.url}tools.git`;
  const files: readonly (readonly [string, Pins])[] = [
    [`FROM ${url}#mian AS misspelt\n`, noPins],
    [`FROM ${url}#0123456 AS short-commit\n`, noPins],
    [`FROM ${url}#main:gone AS no-such-folder\n`, noPins],
    [`FROM ${url}#main:out AS out-of-it\n`, noPins],
    [`FROM ${url}#main AS in-a-circle\n`, noPins],
    [`FROM ${server.url}gone.git AS no-repository\n`, noPins],
    ["FROM https://example.org/x.git#-f AS no-ref\n", noPins],
    ["FROM http://127.0.0.1:1/x.git AS nobody-there\n", noPins],
    [`FROM ${url}#main AS without-lock\n`, pinsOf(null, "refuse")],
    [`FROM ${url}#main AS not-in-lock\n`, pinsOf({ images: [], git: [], urls: [] }, "refuse")],
  ];
  const told: string[] = [];
  for (const [text, pins] of files) {
    told.push(printed(await diagnosticsOf(text, project, pins)));
  }
  const place = new RegExp(server.url.slice(0, -1), "g");
  // What git says of a host differs from version to version.
  const text = told.join("").replace(place, "SERVER").replace(/(cannot be reached: ).*/g, "$1…");
  await expect(text).toMatchFileSnapshot(here("diagnostics.txt"));
});
