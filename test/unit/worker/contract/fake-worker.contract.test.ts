import { sha256Digest } from "../../../../src/model/identifiers.ts";
import { emptyConfiguration } from "../../../../src/model/sandbox-configuration.ts";
import type { Worker } from "../../../../src/worker/worker.ts";
import { FakeWorker } from "../../../support/fake-worker.ts";
import { startRemoteRig } from "../../../support/remote-rig.ts";
import { type ContractRig, contractScripts, endlessStep, streamOf } from "./contract-rig.ts";
import { workerContract } from "./worker-contract.ts";

function newFakeWorker(): FakeWorker {
  const fake = new FakeWorker({ scripts: contractScripts });
  fake.hold(endlessStep);
  return fake;
}

function rigOf(worker: Worker, dispose: () => Promise<void>): ContractRig {
  return {
    worker,
    image: {
      reference: "base:1",
      digest: sha256Digest(`sha256:${"a".repeat(64)}`),
      platform: "linux/amd64",
      configuration: emptyConfiguration,
    },
    openLayout: () => streamOf("a tar ", "stream"),
    diskSizeMib: 1024,
    [Symbol.asyncDispose]: dispose,
  };
}

workerContract("the fake worker", async () => rigOf(newFakeWorker(), async () => {}));

workerContract("a remote worker", async () => {
  const rig = await startRemoteRig(newFakeWorker());
  return rigOf(rig.remote, async () => await rig[Symbol.asyncDispose]());
});
