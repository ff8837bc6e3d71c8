import { join } from "node:path";
import * as v from "valibot";
import { readClientFile } from "../../bake/client-file.ts";
import { workerIndexPath } from "../../bake/worker-index-file.ts";
import { Failure } from "../../diagnostics/failure.ts";
import type { LightfileTree } from "../../lightfile/ast.ts";
import { machinePaths } from "../../machine/machine-paths.ts";
import { readLiveState } from "../../machine/machine-state.ts";
import { namesIn } from "../../model/present-files.ts";
import type { Worker } from "../../worker/worker.ts";
import type { Session } from "../session.ts";
import type { Candidate, NameKind, NameRequest } from "./complete-words.ts";

/** A shell waits for the answer with every key: a worker that takes longer is left out. */
const workerDeadlineMs = 800;

/**
 * Names for shell completion. Nothing is started for them: a store of this host is read from its files, a worker that
 * serves already is asked and must answer at once, and of a machine that is off there is what the client remembers.
 */
export async function knownNames(request: NameRequest, session: Session): Promise<readonly Candidate[]> {
  const { kind } = request;
  if (kind === "stage" || kind === "build argument" || kind === "ssh agent")
    return await namesInLightfile(kind, request, session);
  if (kind === "rule") return await lintRules();
  const host = request.host ?? session.environment.LIGHTBOX_HOST;
  const lists = host
    ? [namesOfServer(kind, remoteEndpoint(host, session), session)]
    : [namesInStore(kind, session), namesOfMachine(kind, session)];
  const found = new Map((await Promise.all(lists)).flat().map((candidate) => [candidate.value, candidate]));
  return [...found.values()].toSorted((a, b) => (a.value < b.value ? -1 : 1));
}

async function lintRules(): Promise<readonly Candidate[]> {
  const { rules } = await import("../../lint/rules.ts");
  const named = rules.map(({ name, summary }) => ({ value: name, description: summary }));
  return [{ value: "all", description: "every rule" }, ...named];
}

type StoredKind = "snapshot" | "sandbox" | "volume";

interface Endpoint {
  readonly url: string;
  readonly token: string;
}

async function namesInStore(kind: StoredKind, session: Session): Promise<readonly Candidate[]> {
  const { store } = session.home;
  if (kind === "snapshot") {
    const files = (await namesIn(join(store, "snapshots"))).filter((name) => name.endsWith(".json"));
    const image = v.fallback(v.object({ reference: v.string() }), { reference: "" });
    const schema = v.object({ name: v.string(), image });
    const read = files.map((file) => readClientFile(join(store, "snapshots", file), schema));
    return (await Promise.all(read)).flatMap((document) =>
      document === undefined ? [] : [{ value: document.name, description: document.image.reference }],
    );
  }
  if (kind === "volume") {
    const folders = await namesIn(join(store, "volumes"));
    return folders.filter((name) => !name.startsWith(".")).map((value) => ({ value, description: "" }));
  }
  const schema = v.object({ name: v.string(), snapshot: v.nullable(v.string()) });
  const names = await namesIn(join(store, "sandboxes"));
  const read = names.map((name) => readClientFile(join(store, "sandboxes", name, "sandbox.json"), schema));
  return (await Promise.all(read)).flatMap((record) =>
    record === undefined ? [] : [{ value: record.name, description: record.snapshot ?? "" }],
  );
}

async function namesOfMachine(kind: StoredKind, session: Session): Promise<readonly Candidate[]> {
  const state = await readLiveState(machinePaths(session.home.directory));
  if (state === undefined) return kind === "snapshot" ? await rememberedSnapshots(session) : [];
  return await namesOfServer(
    kind,
    { url: `http://127.0.0.1:${state.hostPort}`, token: state.token },
    session,
  );
}

/** What bakes have found on the machine. */
async function rememberedSnapshots(session: Session): Promise<readonly Candidate[]> {
  const schema = v.object({ snapshots: v.array(v.object({ name: v.string() })) });
  const index = await readClientFile(workerIndexPath(session.home.directory, "machine"), schema);
  return index?.snapshots.map(({ name }) => ({ value: name, description: "" })) ?? [];
}

function remoteEndpoint(host: string, session: Session): Endpoint | null {
  const token = session.environment.LIGHTBOX_TOKEN;
  return token ? { url: host.includes("://") ? host : `http://${host}`, token } : null;
}

async function namesOfServer(
  kind: StoredKind,
  endpoint: Endpoint | null,
  session: Session,
): Promise<readonly Candidate[]> {
  if (endpoint === null) return [];
  const { connectWorker } = await import("../../worker/remote/connect-worker.ts");
  const signal = AbortSignal.any([session.signal, AbortSignal.timeout(workerDeadlineMs)]);
  try {
    await using worker = await connectWorker({ ...endpoint, version: session.version, signal });
    return await listNames(kind, worker, signal);
  } catch (error) {
    // WorkerUnreachable, WorkerRefusedToken and the like: the command itself will say so, completion has no place for it.
    if (error instanceof Failure || signal.aborted) return [];
    throw error;
  }
}

async function listNames(
  kind: StoredKind,
  worker: Worker,
  signal: AbortSignal,
): Promise<readonly Candidate[]> {
  if (kind === "snapshot") {
    const snapshots = await worker.listSnapshots(signal);
    return snapshots.map(({ name, imageReference }) => ({ value: name, description: imageReference }));
  }
  if (kind === "volume") {
    const volumes = await worker.listVolumes(signal);
    return volumes.map(({ name }) => ({ value: name, description: "" }));
  }
  const sandboxes = await worker.listSandboxes(signal);
  return sandboxes.map(({ name, status }) => ({ value: name, description: status }));
}

const namesOf = {
  stage: stagesOf,
  "build argument": argumentsOf,
  "ssh agent": agentsOf,
} as const satisfies Partial<Record<NameKind, (tree: LightfileTree) => readonly Candidate[]>>;

/** Stages, arguments and mounted agents of the Lightfile that the command line means. */
async function namesInLightfile(
  kind: keyof typeof namesOf,
  request: NameRequest,
  session: Session,
): Promise<readonly Candidate[]> {
  const { readLightfile } = await import("../read-lightfile.ts");
  const { parseLightfile } = await import("../../lightfile/parse.ts");
  try {
    const options = { buildArg: {}, ...(request.file === null ? {} : { file: request.file }) };
    const { source } = await readLightfile(request.path ?? ".", options, session);
    const { value: tree } = parseLightfile(source);
    return namesOf[kind](tree);
  } catch (error) {
    // LightfileNotFound and the like: there is nothing to offer.
    if (error instanceof Failure) return [];
    throw error;
  }
}

function stagesOf(tree: LightfileTree): readonly Candidate[] {
  return tree.instructions.flatMap((instruction) => {
    if (instruction.kind !== "from" || instruction.alias === null) return [];
    return [{ value: instruction.alias.text, description: `FROM ${instruction.image.text}` }];
  });
}

function argumentsOf(tree: LightfileTree): readonly Candidate[] {
  const found = new Map<string, Candidate>();
  for (const instruction of tree.instructions) {
    if (instruction.kind === "mixin") break; // a mixin's arguments are given by USE
    if (instruction.kind !== "arg") continue;
    const description = instruction.flags.find(({ name }) => name.text === "describe")?.value?.text ?? "";
    for (const { name } of instruction.declarations) {
      if (!found.has(name.text)) found.set(name.text, { value: `${name.text}=`, description });
    }
  }
  return [...found.values()];
}

/** The ids that its ssh mounts have, as written. */
function agentsOf(tree: LightfileTree): readonly Candidate[] {
  const ids = tree.instructions.flatMap(({ flags }) =>
    flags.flatMap(({ name, value }) => {
      const fields = value?.text.split(",") ?? [];
      if (name.text !== "mount" || !fields.includes("type=ssh")) return [];
      return [fields.find((field) => field.startsWith("id="))?.slice("id=".length) ?? "default"];
    }),
  );
  return [...new Set(ids)].map((value) => ({ value, description: "the agent of SSH_AUTH_SOCK" }));
}
