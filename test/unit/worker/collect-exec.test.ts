import { expect, test } from "vitest";
import { emptyConfiguration } from "../../../src/model/sandbox-configuration.ts";
import { collectExec } from "../../../src/worker/collect-exec.ts";
import { FakeWorker } from "../../support/fake-worker.ts";

const { signal } = new AbortController();

function workerWithSandbox(): FakeWorker {
  const worker = new FakeWorker();
  worker.sandboxes.add({
    name: "web",
    status: "running",
    snapshot: null,
    createdAt: new Date(0).toISOString(),
    ports: [],
    configuration: emptyConfiguration,
  });
  return worker;
}

test("what a command prints on both streams is kept as it came, with the exit code", async () => {
  const argv = ["sh", "-c", "echo first; echo second >&2; echo third; exit 3"];
  const result = await collectExec(workerWithSandbox(), { sandbox: "web", argv }, signal);
  expect(result).toEqual({ exitCode: 3, output: "first\nsecond\nthird\n" });
});

test("standard input is given whole, or ends at once", async () => {
  const worker = workerWithSandbox();
  const cat = { sandbox: "web", argv: ["cat"] };
  expect(await collectExec(worker, { ...cat, stdin: Buffer.from("text") }, signal)).toMatchObject({
    output: "text",
  });
  expect(await collectExec(worker, cat, signal)).toMatchObject({ exitCode: 0, output: "" });
});

test("the user and folder are the sandbox's unless they are given", async () => {
  const worker = workerWithSandbox();
  const argv = ["pwd"];
  await collectExec(worker, { sandbox: "web", argv }, signal);
  await collectExec(worker, { sandbox: "web", argv, user: "root", workingDirectory: "/" }, signal);
  expect(worker.sandboxes.commands).toMatchObject([
    { user: null, workingDirectory: null, terminal: null },
    { user: "root", workingDirectory: "/", terminal: null },
  ]);
});

test("of much output only the beginning is kept", async () => {
  const argv = ["head", "-c", String(1024 * 1024), "/dev/zero"];
  const { output } = await collectExec(workerWithSandbox(), { sandbox: "web", argv }, signal);
  expect(output).toHaveLength(4096);
});
