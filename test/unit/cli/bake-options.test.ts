import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseSecret } from "../../../src/cli/read-secrets.ts";
import { startTestAgent } from "../../support/agent-rig.ts";
import { type CommandRig, commandRig } from "../../support/command-rig.ts";
import { writeTinyArchive } from "../images/tiny-image.ts";

async function rigWith(lightfile: string): Promise<CommandRig> {
  const rig = await commandRig();
  await writeTinyArchive(join(rig.folder, "base.tar"));
  await writeFile(join(rig.folder, "Lightfile"), `FROM ./base.tar\nSNAPSHOT app\n${lightfile}`);
  return rig;
}

describe("--secret", () => {
  const step = "RUN --mount=type=secret,id=token,required use\n";

  test.each([
    ["id=token,src=token.txt", "from the file"],
    ["type=env,id=token,env=OTHER", "from OTHER"],
    ["id=token", "from the variable"],
  ])("%s gives the step its value", async (option, value) => {
    await using rig = await rigWith(step);
    await writeFile(join(rig.folder, "token.txt"), "from the file");
    Object.assign(rig.environment, { OTHER: "from OTHER", token: "from the variable" });
    const { exitCode, stdout, stderr } = await rig.run("bake", "--progress=json", "--secret", option);
    expect(exitCode, stderr).toBe(0);
    expect(rig.worker.secretsRead).toMatchObject([{ id: "token", value }]);
    expect(stdout + stderr).not.toContain(value);
    expect((await rig.run("snapshots", "inspect", "app")).stdout).not.toContain(value);
  });

  test("that is missing is a mistake at the mount", async () => {
    await using rig = await rigWith(step);
    const { exitCode, stderr } = await rig.run("bake");
    expect(exitCode).toBe(2);
    expect(stderr).toContain("Lightfile:3:5: error[SecretNotGiven]");
    expect(rig.worker.counts.vmsBooted).toBe(0);
  });

  test("that is missing is one for a dry run, too, which still tells what would run", async () => {
    await using rig = await rigWith(step);
    const without = await rig.run("bake", "--dry-run");
    expect(without.exitCode).toBe(2);
    expect(without.stderr).toContain("Lightfile:3:5: error[SecretNotGiven]");
    expect(without.stdout).toContain("1 of 1 steps will run");
    Object.assign(rig.environment, { token: "from the variable" });
    const given = await rig.run("bake", "--dry-run", "--secret=id=token");
    expect({ exitCode: given.exitCode, stderr: given.stderr }).toEqual({ exitCode: 0, stderr: "" });
    // A picture of the steps is no promise that they can run.
    expect((await rig.run("graph")).exitCode).toBe(0);
    expect((await rig.run("bake", "--secret=id=token")).exitCode).toBe(0);
    expect((await rig.run("bake", "--dry-run")).exitCode).toBe(0);
  });

  test.each([
    ["token=hunter2", "InvalidSecret"],
    ["id=token,src=a,env=B", "InvalidSecret"],
    ["src=hunter2", "InvalidSecret"],
    ["id=token,src=missing.txt", "SecretUnreadable"],
    ["id=token,env=NOT_SET", "SecretUnreadable"],
  ])("%s is refused before anything starts, and shows no value", async (option, code) => {
    await using rig = await rigWith(step);
    const { exitCode, stderr } = await rig.run("bake", "--secret", option);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`error[${code}]`);
    expect(stderr).not.toContain("hunter2");
  });

  test("twice for one id, or larger than secrets are, is refused", async () => {
    await using rig = await rigWith(step);
    await writeFile(join(rig.folder, "large"), Buffer.alloc(512 * 1024 + 1));
    const twice = await rig.run("bake", "--secret=id=a,src=Lightfile", "--secret=id=a,src=Lightfile");
    expect(twice.stderr).toContain("error[InvalidSecret]: the secret a is given twice");
    expect((await rig.run("bake", "--secret=id=a,src=large")).stderr).toContain("error[SecretTooLarge]");
  });

  test("with an id alone is the file of that name where no variable has it", () => {
    expect(parseSecret("id=token", {}).source).toEqual({ kind: "file", path: "token" });
    expect(parseSecret("id=token,type=env", {}).source).toEqual({ kind: "environment", variable: "token" });
  });
});

describe("--ssh", () => {
  const step = "RUN --mount=type=ssh,required use\n";

  test.each([
    ["default", "default"],
    ["default=agent", "default"],
    ["deploy", "deploy"],
    ["deploy=agent", "deploy"],
  ])("%s lends the agent to the step that mounts it", async (option, id) => {
    await using rig = await rigWith(step.replace("ssh", `ssh,id=${id}`));
    await using agent = await startTestAgent(rig.folder);
    if (!option.includes("=")) rig.environment.SSH_AUTH_SOCK = agent.path;
    const { exitCode, stderr } = await rig.run("bake", "--ssh", option);
    expect(exitCode, stderr).toBe(0);
    expect(rig.worker.agentAnswers).toMatchObject([
      { id, answer: expect.stringContaining("--mount=type=ssh") },
    ]);
  });

  test("more than once lends several", async () => {
    await using rig = await rigWith("RUN --mount=type=ssh --mount=type=ssh,id=b --mount=type=ssh,id=c use\n");
    const serve = (name: string) => ({
      name,
      serve: (connection: Socket) => void connection.end(`I am ${name}`),
    });
    await using one = await startTestAgent(rig.folder, serve("one"));
    await using _two = await startTestAgent(rig.folder, serve("two"));
    rig.environment.SSH_AUTH_SOCK = one.path;
    const { exitCode, stderr } = await rig.run("bake", "--ssh", "default", "--ssh=b=two");
    expect(exitCode, stderr).toBe(0);
    expect(rig.worker.agentAnswers.map(({ id, answer }) => [id, answer])).toEqual([
      ["default", "I am one"],
      ["b", "I am two"],
      ["c", null],
    ]);
  });

  test("that is missing is a mistake at a mount that requires it, and otherwise none", async () => {
    await using rig = await rigWith(step);
    const { exitCode, stderr } = await rig.run("bake");
    expect(exitCode).toBe(2);
    expect(stderr).toContain("Lightfile:3:5: error[SshNotForwarded]");
    expect(stderr).toContain("--ssh default");
    expect(rig.worker.counts.vmsBooted).toBe(0);
    await writeFile(
      join(rig.folder, "Lightfile"),
      "FROM ./base.tar\nSNAPSHOT app\nRUN --mount=type=ssh use\n",
    );
    expect((await rig.run("bake")).exitCode).toBe(0);
    expect(rig.worker.agentAnswers).toMatchObject([{ id: "default", answer: null }]);
  });

  test.each([
    ["default=key", "SshAgentUnreachable", "ssh-add"],
    ["default=missing", "SshAgentUnreachable", "ENOENT"],
    ["default=dead", "SshAgentUnreachable", "ECONNREFUSED"],
    ["default", "SshAgentUnreachable", "SSH_AUTH_SOCK is not set"],
    ["=agent", "InvalidSshAgent", "--ssh default"],
    ["a,b", "InvalidSshAgent", "--ssh default"],
  ])("%s is refused before anything starts", async (option, code, said) => {
    await using rig = await rigWith(step);
    await writeFile(join(rig.folder, "key"), "-----BEGIN OPENSSH PRIVATE KEY-----\n");
    await leaveDeadSocket(join(rig.folder, "dead"));
    const { exitCode, stderr } = await rig.run("bake", "--ssh", option);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`error[${code}]`);
    expect(stderr).toContain(said);
    expect(rig.worker.lineages).toEqual([]);
  });

  test("twice for one id is refused", async () => {
    await using rig = await rigWith(step);
    await using _agent = await startTestAgent(rig.folder);
    const { stderr } = await rig.run("bake", "--ssh=default=agent", "--ssh=default=agent");
    expect(stderr).toContain("error[InvalidSshAgent]: the ssh agent default is given twice");
  });
});

/** The file of a socket on which nobody listens any more. */
async function leaveDeadSocket(path: string): Promise<void> {
  const program = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  await once(spawn(process.execPath, ["-e", program]), "exit");
}

describe("a bake in GitHub Actions", () => {
  test("annotates the lines of mistakes, and of a TEST that fails", async () => {
    await using rig = await rigWith('RUN one\nTEST ["exit", "3"]\n');
    rig.environment.GITHUB_ACTIONS = "true";
    const failed = await rig.run("bake");
    expect(failed.exitCode).toBe(1);
    expect(failed.stderr).toContain(
      '::error file=Lightfile,line=4,col=1,title=TestFailed::TEST ["exit", "3"]: exit code 3\n',
    );
    await writeFile(join(rig.folder, "Lightfile"), "FROM ./base.tar\nRUNN one\n");
    const invalid = await rig.run("bake");
    expect(invalid.exitCode).toBe(2);
    expect(invalid.stderr).toContain(
      "::error file=Lightfile,line=2,col=1,endColumn=5,title=UnknownInstruction::",
    );
  });

  test("says nothing of them elsewhere, unless it is asked to, nor where text is asked for", async () => {
    await using rig = await rigWith("RUNN one\n");
    expect((await rig.run("bake")).stderr).not.toContain("::");
    expect((await rig.run("bake", "--format=github")).stderr).toContain("::error file=Lightfile,line=3");
    rig.environment.GITHUB_ACTIONS = "true";
    expect((await rig.run("bake", "--format=text")).stderr).not.toContain("::");
  });

  test.each([["bake", "--dry-run"], ["graph"], ["lock"]])("annotates as well by %s %s", async (...words) => {
    await using rig = await rigWith("RUNN one\n");
    rig.environment.GITHUB_ACTIONS = "true";
    expect((await rig.run(...words)).stderr).toContain("::error file=Lightfile,line=3");
  });
});

describe("bake --format", () => {
  test("puts a document of what is wrong on stdout, and the same for people on stderr", async () => {
    await using rig = await rigWith("RUNN one\n");
    const json = await rig.run("bake", "--format=json");
    expect(JSON.parse(json.stdout).diagnostics).toMatchObject([
      { code: "UnknownInstruction", path: "Lightfile" },
    ]);
    expect([json.exitCode, json.stderr]).toEqual([2, expect.stringContaining("error[UnknownInstruction]")]);
    const sarif = JSON.parse((await rig.run("bake", "--format=sarif")).stdout);
    expect(sarif.runs[0].results).toMatchObject([{ ruleId: "UnknownInstruction" }]);
  });

  test("has an empty document where nothing is wrong", async () => {
    await using rig = await rigWith("RUN one\n");
    const { exitCode, stdout } = await rig.run("bake", "--format=json");
    expect([exitCode, JSON.parse(stdout)]).toEqual([0, { diagnostics: [] }]);
  });

  test.each(["--progress=json", "--quiet", "--dry-run"])("leaves stdout to %s", async (other) => {
    await using rig = await rigWith("RUN one\n");
    const { exitCode, stdout } = await rig.run("bake", "--format=sarif", other);
    expect([exitCode, stdout]).toEqual([2, ""]);
    expect((await rig.run("bake", "--format=text", other)).exitCode).toBe(0);
  });
});

test("a bake whose TEST fails ends with 1 and shows where, and what it printed", async () => {
  await using rig = await rigWith('RUN one\nTEST ["sh", "-c", "echo oh no; exit 3"]\n');
  const { exitCode, stderr } = await rig.run("bake", "--progress=plain");
  expect(exitCode).toBe(1);
  expect(stderr).toContain("Lightfile:4:1: error[TestFailed]");
  expect(stderr).toContain("  | oh no\n");
  expect((await rig.run("snapshots", "ls")).stdout).not.toContain("app");
});
