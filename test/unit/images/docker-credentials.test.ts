import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { findCredential } from "../../../src/images/registry/docker-credentials.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** A home with a Docker config, and a helper program `docker-credential-test` that runs a shell script. */
async function home(path: string, config: unknown, helper?: string) {
  await mkdir(join(path, ".docker"));
  await writeFile(
    join(path, ".docker", "config.json"),
    typeof config === "string" ? config : JSON.stringify(config),
  );
  if (helper !== undefined) {
    await writeFile(join(path, "docker-credential-test"), `#!/bin/sh\n${helper}\n`);
    await chmod(join(path, "docker-credential-test"), 0o755);
  }
  return { environment: { HOME: path, PATH: `${path}:${process.env.PATH}` }, signal: undefined };
}

const helperAnswer = (username: string): string =>
  `cat > "$HOME/asked"; echo '{"ServerURL":"x","Username":"${username}","Secret":"secret"}'`;

describe("logins in config.json", () => {
  test.each([
    ["example.test", "example.test"],
    ["https://example.test", "example.test"],
    ["https://example.test/v1/", "example.test"],
    ["http://example.test:5000/v2/", "example.test:5000"],
    ["https://index.docker.io/v1/", "docker.io"],
    ["docker.io", "docker.io"],
  ])("the entry %j is for %s", async (key, registry) => {
    await using folder = await temporaryFolder();
    const options = await home(folder.path, { auths: { [key]: { auth: base64("me:pass:word") } } });
    const expected = { kind: "password", username: "me", password: "pass:word" };
    expect(await findCredential(registry, options)).toEqual(expected);
    expect(await findCredential("other.test", options)).toBeUndefined();
  });

  test("a host whose name only begins alike is another host", async () => {
    await using folder = await temporaryFolder();
    const options = await home(folder.path, { auths: { "example.test": { auth: base64("me:pw") } } });
    expect(await findCredential("example.test.evil.test", options)).toBeUndefined();
    expect(await findCredential("example.test:5000", options)).toBeUndefined();
  });

  test("DOCKER_CONFIG names another folder", async () => {
    await using folder = await temporaryFolder();
    const { environment } = await home(folder.path, { auths: { "example.test": { auth: base64("me:pw") } } });
    const moved = { HOME: "/nonexistent", DOCKER_CONFIG: join(environment.HOME, ".docker") };
    expect(await findCredential("example.test", { environment: moved, signal: undefined })).toBeDefined();
  });

  test("an identity token comes before a password", async () => {
    await using folder = await temporaryFolder();
    const entry = { auth: base64("00000000:"), identitytoken: "refresh" };
    const options = await home(folder.path, { auths: { "example.test": entry } });
    expect(await findCredential("example.test", options)).toEqual({
      kind: "identity-token",
      token: "refresh",
    });
  });

  test("no file, no entry and an empty entry mean no login", async () => {
    await using folder = await temporaryFolder();
    const nowhere = { environment: { HOME: join(folder.path, "gone") }, signal: undefined };
    expect(await findCredential("example.test", nowhere)).toBeUndefined();
    const options = await home(folder.path, { auths: { "example.test": {} }, currentContext: "x" });
    expect(await findCredential("example.test", options)).toBeUndefined();
  });

  test.each([
    ['{"auths": {"example.test": {"auth": "c2VjcmV0"', "is not JSON"],
    ['{"auths": 3}', "is not as Docker writes it"],
  ])("a broken file is named, and what it holds is not shown", async (content, problem) => {
    await using folder = await temporaryFolder();
    const error = await findCredential("example.test", await home(folder.path, content)).catch(
      (thrown) => thrown,
    );
    expect(error).toMatchObject({ code: "DockerConfigInvalid", message: expect.stringContaining(problem) });
    expect(`${error.message} ${error.cause}`).not.toContain("c2VjcmV0");
  });
});

describe("credential helpers", () => {
  test.each([
    [{ credsStore: "test" }, "example.test", "example.test"],
    [{ credsStore: "test" }, "docker.io", "https://index.docker.io/v1/"],
    [{ credHelpers: { "example.test:5000": "test" } }, "example.test:5000", "example.test:5000"],
  ])("%j is asked for %s by the name %s", async (config, registry, asked) => {
    await using folder = await temporaryFolder();
    const options = await home(folder.path, config, helperAnswer("me"));
    const expected = { kind: "password", username: "me", password: "secret" };
    expect(await findCredential(registry, options)).toEqual(expected);
    expect((await readFile(join(folder.path, "asked"), "utf8")).trim()).toBe(asked);
  });

  test("the user name <token> makes the secret an identity token", async () => {
    await using folder = await temporaryFolder();
    const options = await home(folder.path, { credsStore: "test" }, helperAnswer("<token>"));
    expect(await findCredential("example.test", options)).toEqual({
      kind: "identity-token",
      token: "secret",
    });
  });

  test("a helper that knows nothing leaves it to the file", async () => {
    await using folder = await temporaryFolder();
    const config = { credsStore: "test", auths: { "example.test": { auth: base64("me:pw") } } };
    const helper = "echo credentials not found in native keychain; exit 1";
    const options = await home(folder.path, config, helper);
    expect(await findCredential("example.test", options)).toMatchObject({ username: "me" });
  });

  test("a helper for another registry is not asked", async () => {
    await using folder = await temporaryFolder();
    const options = await home(folder.path, { credHelpers: { "other.test": "test" } }, "exit 9");
    expect(await findCredential("example.test", options)).toBeUndefined();
  });

  test.each([
    ["fails", "echo keychain is locked; exit 1", /exit code 1: keychain is locked/],
    ["answers nonsense", "echo hello", /not as the protocol has it/],
    ["ends before it has read", "exec 0<&-; exit 3", /exit code 3/],
  ])("a helper that %s is named with the reason", async (_how, helper, reason) => {
    await using folder = await temporaryFolder();
    const options = await home(folder.path, { credsStore: "test" }, helper);
    await expect(findCredential("example.test", options)).rejects.toMatchObject({
      code: "CredentialHelperFailed",
      message: expect.stringMatching(reason),
    });
  });

  test.each(["missing", "../../bin/sh", "a b"])("%j is not run", async (name) => {
    await using folder = await temporaryFolder();
    const options = await home(folder.path, { credsStore: name });
    await expect(findCredential("example.test", options)).rejects.toMatchObject({
      code: "CredentialHelperFailed",
    });
  });
});
