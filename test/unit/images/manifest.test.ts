import { describe, expect, test } from "vitest";
import { sandboxConfiguration } from "../../../src/images/image-configuration.ts";
import {
  checkPlatform,
  mediaTypes,
  parseImageConfig,
  parseIndex,
  parseManifest,
  selectPlatform,
} from "../../../src/images/manifest.ts";
import { parsePlatform } from "../../../src/images/platform.ts";
import { digestOf } from "../../../src/images/staged-blob.ts";

const digests = ["a", "b", "c", "d"].map((text) => digestOf(Buffer.from(text)));
const bytes = (json: unknown): Uint8Array => Buffer.from(JSON.stringify(json));

function indexOf(platforms: readonly (string | null)[]) {
  const manifests = platforms.map((text, at) => {
    const [os, architecture, variant] = (text ?? "").split("/");
    const platform = text === null ? {} : { platform: { os, architecture, variant } };
    return { mediaType: mediaTypes.ociManifest, digest: digests[at], size: 1, ...platform };
  });
  return parseIndex(bytes({ schemaVersion: 2, manifests }), "index");
}

describe("choosing a platform", () => {
  test.each([
    { offered: ["linux/arm64", "linux/amd64"], wanted: "linux/amd64", chosen: 1 },
    { offered: ["linux/amd64", "linux/arm64/v8"], wanted: "linux/arm64", chosen: 1 },
    { offered: ["linux/arm64", "linux/amd64"], wanted: "linux/arm64/v8", chosen: 0 },
    { offered: ["linux/arm/v6", "linux/arm/v7"], wanted: "linux/arm/v7", chosen: 1 },
    { offered: [null], wanted: "linux/amd64", chosen: 0 },
    { offered: [null, "linux/amd64"], wanted: "linux/amd64", chosen: 1 },
  ])("of $offered for $wanted it takes number $chosen", ({ offered, wanted, chosen }) => {
    expect(selectPlatform(indexOf(offered), parsePlatform(wanted), "x").digest).toBe(digests[chosen]);
  });

  test("an image for other platforms only is refused with the list of them, attestations left out", () => {
    const index = indexOf(["linux/s390x", "linux/arm64/v8", "unknown/unknown"]);
    expect(() => selectPlatform(index, parsePlatform("linux/amd64"), "debian:12")).toThrow(
      expect.objectContaining({
        code: "NoMatchingPlatform",
        message: "image debian:12 is not made for linux/amd64",
        hint: "it is made for linux/arm64/v8, linux/s390x",
      }),
    );
  });

  test("a config that names no platform fits any, another platform does not", () => {
    const config = (extra: object) => parseImageConfig(bytes({ rootfs: { diff_ids: [] }, ...extra }), "x");
    checkPlatform(config({}), parsePlatform("linux/amd64"), "x");
    expect(() =>
      checkPlatform(config({ os: "windows", architecture: "amd64" }), parsePlatform("linux/amd64"), "x"),
    ).toThrow(expect.objectContaining({ code: "NoMatchingPlatform", hint: "it is made for windows/amd64" }));
  });
});

describe("manifests from elsewhere", () => {
  test.each([
    ["not JSON", Buffer.from("<html>")],
    ["not UTF-8", Buffer.from([0x22, 0xff, 0x22])],
    ["null", bytes(null)],
    ["a list", bytes([])],
    ["without layers", bytes({ schemaVersion: 2, config: {} })],
    [
      "a digest of another kind",
      bytes({ schemaVersion: 2, config: { digest: "md5:1", size: 1 }, layers: [] }),
    ],
    ["a negative size", bytes({ schemaVersion: 2, config: { digest: digests[0], size: -1 }, layers: [] })],
  ])("%s is ImageCorrupt", (_what, content) => {
    expect(() => parseManifest(content, "m")).toThrow(expect.objectContaining({ code: "ImageCorrupt" }));
  });

  test("schema 1 is refused by name", () => {
    expect(() => parseManifest(bytes({ schemaVersion: 1, fsLayers: [] }), "m")).toThrow(
      expect.objectContaining({ code: "UnsupportedImageFormat" }),
    );
  });
});

describe("the configuration of a sandbox", () => {
  const rootfs = { diff_ids: [] };

  test("takes all that the image's config says", () => {
    const config = {
      Env: ["PATH=/bin", "EMPTY=", "WITH=a=b", "nonsense", "=x"],
      WorkingDir: "srv",
      User: "app:staff",
      Entrypoint: ["/start"],
      Cmd: ["--now"],
      Shell: ["/bin/bash", "-c"],
      Labels: { one: "1" },
      ExposedPorts: { "8080/tcp": {}, "53": {} },
      Volumes: { "/data": {} },
      StopSignal: "SIGINT",
      OnBuild: ["RUN make"],
      Healthcheck: { Test: ["CMD-SHELL", "curl -f localhost"], Interval: 5_000_000_000, Retries: 7 },
    };
    expect(sandboxConfiguration(parseImageConfig(bytes({ rootfs, config }), "x"))).toEqual({
      environment: { PATH: "/bin", EMPTY: "", WITH: "a=b" },
      workingDirectory: "/srv",
      user: "app:staff",
      entrypoint: ["/start"],
      command: ["--now"],
      shell: ["/bin/bash", "-c"],
      labels: { one: "1" },
      exposedPorts: ["53/tcp", "8080/tcp"],
      volumes: ["/data"],
      stopSignal: "SIGINT",
      healthcheck: {
        command: ["/bin/bash", "-c", "curl -f localhost"],
        intervalMs: 5_000,
        timeoutMs: 30_000,
        startPeriodMs: 0,
        startIntervalMs: 5_000,
        retries: 7,
      },
      onbuild: ["RUN make"],
      outputVariables: [],
    });
  });

  test.each([
    ["absent", {}],
    ["null", { config: null }],
    [
      "full of nulls",
      { config: { Env: null, Entrypoint: null, Cmd: [], User: "", Labels: null, Volumes: null } },
    ],
  ])("has Docker's defaults when the config is %s", (_how, extra) => {
    expect(sandboxConfiguration(parseImageConfig(bytes({ rootfs, ...extra }), "x"))).toMatchObject({
      environment: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
      workingDirectory: "/",
      user: "root",
      entrypoint: null,
      command: null,
      shell: ["/bin/sh", "-c"],
    });
  });

  test("a variable named __proto__ is a variable like any other", () => {
    const config = { Env: ["__proto__=x"] };
    const { environment } = sandboxConfiguration(parseImageConfig(bytes({ rootfs, config }), "x"));
    expect(Object.keys(environment)).toContain("__proto__");
  });
});
