import { Failure } from "../diagnostics/failure.ts";
import { didYouMean } from "../diagnostics/suggest.ts";
import type { SandboxDescription, Worker } from "../worker/worker.ts";

/** @throws Failure `UnknownSandbox`, with near names */
export async function findSandbox(
  worker: Worker,
  name: string,
  signal: AbortSignal,
): Promise<SandboxDescription> {
  const sandboxes = await worker.listSandboxes(signal);
  const found = sandboxes.find((sandbox) => sandbox.name === name);
  if (found !== undefined) return found;
  const names = sandboxes.map((sandbox) => sandbox.name);
  throw new Failure({
    code: "UnknownSandbox",
    category: "usage",
    message: `there is no sandbox named ${JSON.stringify(name)}`,
    hint: didYouMean(name, names) ?? "`lightbox ps` lists them",
  });
}
