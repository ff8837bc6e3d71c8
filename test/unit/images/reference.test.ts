import { describe, expect, test } from "vitest";
import {
  canonicalReference,
  isLoopbackRegistry,
  parseBaseReference,
  parseRegistryReference,
  registryOrigin,
} from "../../../src/images/reference.ts";

const digest = `sha256:${"0123456789abcdef".repeat(4)}`;

describe("registry references", () => {
  test.each([
    ["debian", "docker.io/library/debian:latest"],
    ["debian:12", "docker.io/library/debian:12"],
    ["someone/tool", "docker.io/someone/tool:latest"],
    ["docker.io/debian", "docker.io/library/debian:latest"],
    ["index.docker.io/someone/tool:1", "docker.io/someone/tool:1"],
    ["localhost/tool", "localhost/tool:latest"],
    ["localhost:5000/tool:v1", "localhost:5000/tool:v1"],
    ["127.0.0.1:5000/a/b/c", "127.0.0.1:5000/a/b/c:latest"],
    ["[::1]:5000/tool:v1", "[::1]:5000/tool:v1"],
    ["example.test/a/b:tag_1.2-3", "example.test/a/b:tag_1.2-3"],
    ["Host/tool", "Host/tool:latest"],
    ["host:443/tool", "host:443/tool:latest"],
    ["tool.tar", "docker.io/library/tool.tar:latest"],
    ["a__b/c-d--e.f", "docker.io/a__b/c-d--e.f:latest"],
    [`debian@${digest}`, `docker.io/library/debian@${digest}`],
    [`debian:12@${digest}`, `docker.io/library/debian:12@${digest}`],
  ])("%s means %s", (written, canonical) => {
    expect(canonicalReference(parseRegistryReference(written))).toBe(canonical);
  });

  test.each([
    ["", "empty"],
    ["a b", "white space"],
    ["Debian", "lower-case"],
    ["example.test/Tool", "lower-case"],
    ["debian:", "tag is empty"],
    ["debian:-x", "cannot be a tag"],
    [`debian:${"t".repeat(129)}`, "cannot be a tag"],
    ["debian@sha256:12", "SHA-256"],
    ["debian@sha512:abc", "SHA-256"],
    [`debian@${digest.toUpperCase()}`, "SHA-256"],
    ["a//b", "empty"],
    ["a/", "empty"],
    ["-a", "part of a name"],
    ["a..b", "part of a name"],
    ["a___b", "part of a name"],
    ["exa_mple.test/tool", "host"],
    ["127.0.0.1:99999/x:1", "99999 cannot be a port"],
    ["[::1]:70000/x", "70000 cannot be a port"],
    ["host:0/x", "0 cannot be a port"],
    ["host:123456789/x", "123456789 cannot be a port"],
    ["[:::]/x", "host"],
    ["999.1.1.1/x", "host"],
    ["https://example.test/tool", "scheme"],
    ["0123456789abcdef".repeat(4), "image id"],
    [`example.test/${"a".repeat(260)}`, "longer than 255"],
  ])("%j is refused: %s", (written, reason) => {
    expect(() => parseRegistryReference(written)).toThrow(
      expect.objectContaining({ code: "InvalidImageReference", message: expect.stringContaining(reason) }),
    );
  });

  test("a name in capitals is answered with the name in small letters", () => {
    expect(() => parseRegistryReference("Debian:12")).toThrow(
      expect.objectContaining({ hint: "did you mean debian:12?" }),
    );
  });
});

describe("what a FROM word is", () => {
  test.each([
    ["scratch", { kind: "scratch" }],
    ["./base.tar", { kind: "local", path: "./base.tar", format: null, image: null }],
    ["../layout", { kind: "local", path: "../layout", format: null }],
    ["/abs/base:1.tar", { kind: "local", path: "/abs/base:1.tar", format: null, image: null }],
    ["oci:layout", { kind: "local", path: "layout", format: "oci-layout", image: null }],
    ["oci:layout:v1", { kind: "local", path: "layout", format: "oci-layout", image: "v1" }],
    ["oci-archive:a/b.tar", { kind: "local", path: "a/b.tar", format: "oci-archive", image: null }],
    [
      "docker-archive:b.tar:debian:12",
      { kind: "local", path: "b.tar", format: "docker-archive", image: "debian:12" },
    ],
    ["debian:12", { kind: "registry", repository: "library/debian", tag: "12" }],
  ])("%s", (written, expected) => {
    expect(parseBaseReference(written)).toMatchObject({ written, ...expected });
  });
});

describe("where a registry is", () => {
  test.each([
    ["localhost", true],
    ["LOCALHOST:5000", true],
    ["127.0.0.1:80", true],
    ["127.255.3.4", true],
    ["[::1]:5000", true],
    ["localhost.example.test", false],
    ["127.0.0.1.example.test", false],
    ["10.0.0.1:5000", false],
    ["example.test", false],
  ])("%s is on this computer: %s", (registry, expected) => {
    expect(isLoopbackRegistry(registry)).toBe(expected);
    expect(registryOrigin(registry).protocol).toBe(expected ? "http:" : "https:");
  });
});
