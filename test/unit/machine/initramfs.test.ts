import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { type CpioEntry, writeCpio } from "../../../src/machine/initramfs.ts";

const entries: readonly CpioEntry[] = [
  { kind: "directory", path: "bin", mode: 0o755 },
  { kind: "file", path: "bin/tool", mode: 0o755, content: Buffer.from("seven b") },
  { kind: "file", path: "empty", mode: 0o600, content: Buffer.alloc(0) },
  { kind: "symlink", path: "init", target: "bin/tool" },
];

const hasCpio = spawnSync("cpio", ["--version"]).status === 0;

describe("an initial RAM file system", () => {
  test.skipIf(!hasCpio)("is read by cpio with its names, modes and contents", () => {
    const listed = cpio(["-itv", "--quiet"]);
    const lines = listed.trim().split("\n");

    expect(lines.map((line) => line.split(/\s+/)[0])).toEqual([
      "drwxr-xr-x",
      "-rwxr-xr-x",
      "-rw-------",
      "lrwxrwxrwx",
    ]);
    expect(lines.map((line) => line.split(/\s+/).slice(8).join(" "))).toEqual([
      "bin",
      "bin/tool",
      "empty",
      "init -> bin/tool",
    ]);
    expect(cpio(["-i", "--quiet", "--to-stdout", "bin/tool"])).toBe("seven b");
  });

  test("starts every header and every content at a multiple of four bytes", () => {
    const archive = writeCpio(entries);
    const headers = [...archive.toString("latin1").matchAll(/070701/g)].map((match) => match.index);

    expect(headers).toHaveLength(entries.length + 1);
    expect(headers.every((at) => at % 4 === 0)).toBe(true);
    expect(archive.indexOf("seven b") % 4).toBe(0);
    expect(archive.length % 512).toBe(0);
  });

  test("is the same bytes for the same entries", () => {
    expect(writeCpio(entries).equals(writeCpio(entries))).toBe(true);
  });
});

function cpio(words: readonly string[]): string {
  const result = spawnSync("cpio", words, { input: writeCpio(entries), encoding: "utf8", timeout: 10_000 });
  expect(result.stderr).toBe("");
  return result.stdout;
}
