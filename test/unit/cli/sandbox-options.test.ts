import { expect, test } from "vitest";
import { sha256Digest } from "../../../src/model/identifiers.ts";
import {
  defaultHealthcheckTimes,
  emptyConfiguration,
  type SandboxConfiguration,
} from "../../../src/model/sandbox-configuration.ts";
import { type CommandRig, commandRig } from "../../support/command-rig.ts";

async function rigWith(configuration: Partial<SandboxConfiguration>): Promise<CommandRig> {
  const rig = await commandRig();
  const digest = sha256Digest(`sha256:${"ba".repeat(32)}`);
  const image = { reference: "base", digest, platform: "linux/amd64", configuration: emptyConfiguration };
  rig.worker.store.publish({
    name: "app",
    layer: null,
    image,
    diskSizeMib: 64,
    configuration: { ...emptyConfiguration, ...configuration },
    history: [],
  });
  return rig;
}

function checkedBy(command: readonly string[], retries = 1): Pick<SandboxConfiguration, "healthcheck"> {
  return { healthcheck: { command, ...defaultHealthcheckTimes, intervalMs: 1, retries } };
}

test("run -P publishes what EXPOSE names at ports of 127.0.0.1, besides those of -p", async () => {
  await using rig = await rigWith({ exposedPorts: ["8080/tcp", "53/udp", "9/sctp", "80/tcp"] });
  expect(await rig.run("run", "-d", "-P", "-p", "8000:80", "app")).toMatchObject({ exitCode: 0 });
  const ports = rig.worker.sandboxes.list()[0]?.ports ?? [];
  expect(ports.map(({ guestPort, protocol }) => `${guestPort}/${protocol}`)).toEqual([
    "80/tcp",
    "8080/tcp",
    "53/udp",
  ]);
  expect(ports[0]?.hostPort).toBe(8000);
  expect(new Set(ports.map(({ hostAddress }) => hostAddress))).toEqual(new Set(["127.0.0.1"]));
  expect(ports.every(({ hostPort }) => hostPort === 8000 || hostPort >= 49_152)).toBe(true);
});

test("run -d starts ENTRYPOINT with CMD or the given words, and nothing where there is neither", async () => {
  await using rig = await rigWith({ entrypoint: ["serve"], command: ["--all"] });
  await rig.run("run", "-d", "app");
  await rig.run("run", "-d", "app", "--", "--some");
  const started = rig.worker.sandboxes.commands.map(({ argv, detachedOutput }) => [...argv, detachedOutput]);
  expect(started).toEqual([
    ["serve", "--all", "/tmp/lightbox-run.log"],
    ["serve", "--some", "/tmp/lightbox-run.log"],
  ]);
  await using plain = await rigWith({});
  await plain.run("run", "-d", "app");
  expect(plain.worker.sandboxes.commands).toEqual([]);
});

test("run -d --wait-healthy returns when the check passes, and fails when it does not", async () => {
  await using healthy = await rigWith(checkedBy(["echo", "fine"]));
  expect(await healthy.run("run", "-d", "--wait-healthy", "app")).toMatchObject({ exitCode: 0 });
  await using sick = await rigWith(checkedBy(["sh", "-c", "echo no answer; exit 1"], 3));
  const { exitCode, stderr } = await sick.run("run", "-d", "--wait-healthy", "--name", "box", "app");
  expect(exitCode).toBe(1);
  expect(stderr).toContain("error[SandboxUnhealthy]: sandbox box is unhealthy: 3 checks in a row failed");
  expect(stderr).toContain("no answer");
  expect(sick.worker.sandboxes.commands).toHaveLength(3);
});

test("--wait-healthy needs a health check, and a sandbox that goes on", async () => {
  await using rig = await rigWith({});
  expect((await rig.run("run", "-d", "--wait-healthy", "app")).stderr).toContain("error[NoHealthcheck]");
  expect((await rig.run("run", "--wait-healthy", "app")).stderr).toContain("error[NotDetached]");
});

test("ps --health asks running sandboxes, and says starting while the start period lasts", async () => {
  await using rig = await rigWith(checkedBy(["exit", "1"]));
  await rig.run("run", "-d", "--name", "box", "app");
  expect((await rig.run("ps", "--health")).stdout).toMatch(
    /NAME +STATUS +HEALTH[^\n]*\nbox +running +unhealthy/,
  );
  const [sandbox] = JSON.parse((await rig.run("ps", "--health", "--format=json")).stdout);
  expect(sandbox).toMatchObject({ name: "box", health: "unhealthy" });
  await rig.run("stop", "box");
  expect((await rig.run("ps", "--health")).stdout).toMatch(/\nbox +stopped +- /);
  expect((await rig.run("ps")).stdout).not.toContain("HEALTH");

  const { healthcheck } = checkedBy(["exit", "1"]);
  await using starting = await rigWith({
    healthcheck: healthcheck && { ...healthcheck, startPeriodMs: 3_600_000 },
  });
  await starting.run("run", "-d", "--name", "box", "app");
  expect((await starting.run("ps", "--health")).stdout).toMatch(/\nbox +running +starting/);
});

test("stop sends STOPSIGNAL to what runs in the sandbox first", async () => {
  await using rig = await rigWith({ stopSignal: "SIGQUIT" });
  await rig.run("run", "-d", "--name", "box", "app");
  expect(await rig.run("stop", "box")).toMatchObject({ exitCode: 0, stdout: "box\n" });
  expect(rig.worker.sandboxes.commands.map(({ argv }) => argv[3])).toEqual(["QUIT"]);
  expect(rig.worker.sandboxes.list()).toMatchObject([{ status: "stopped" }]);
});
