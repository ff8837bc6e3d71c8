import { execFile } from "node:child_process";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { makeBase } from "../../../examples/base/make-base.ts";
import { openLayout, resolveBaseImage } from "../../../src/images/image-source.ts";
import { openImageStore } from "../../../src/images/image-store.ts";
import { busyboxBase, debianBase } from "../../support/debian-base.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { readTar } from "./tiny-image.ts";

const run = promisify(execFile);

/** What `tar` lists of the one layer of an archive. */
async function listLayer(archive: string, folder: string): Promise<string> {
  await run("skopeo", ["copy", "-q", `oci-archive:${archive}`, `dir:${folder}/unpacked`]);
  const { stdout } = await run(
    "sh",
    ["-c", `cd ${folder}/unpacked && for f in *; do tar tvf "$f" 2>/dev/null; done; true`],
    {
      maxBuffer: 64 * 1024 * 1024,
    },
  );
  return stdout;
}

test("the busybox base is the same each time, and has what a Lightfile needs", async () => {
  await using folder = await temporaryFolder();
  const path = await busyboxBase(folder.path);
  await copyFile(path, join(folder.path, "other.tar"));
  const digest = await makeBase(join(folder.path, "again.tar"), { kind: "busybox" });
  const store = openImageStore(join(folder.path, "images"));
  const options = { store, platform: process.arch === "arm64" ? "linux/arm64" : "linux/amd64", pull: false };
  const { image } = await resolveBaseImage(path, { ...options, directory: "/" });
  expect(image.digest).toBe(digest);
  const listing = await listLayer(path, folder.path);
  for (const name of ["bin/sh -> /bin/busybox", "usr/bin/awk -> /bin/busybox", "etc/passwd", "etc/group"]) {
    expect(listing).toContain(name);
  }
  expect(listing).toMatch(/^drwxrwxrwt 0\/0 .* \btmp$/m);
  expect(listing).toMatch(/^-rwxr-xr-x 0\/0 .* bin\/busybox$/m);
  const files = await readTar(await openLayout(image, { store }));
  expect(files.has("oci-layout")).toBe(true);
});

// It fetches some eighty packages.
test("the Debian base has a package database, sources and Debian's owners and modes", {
  timeout: 300_000,
}, async () => {
  await using folder = await temporaryFolder();
  const listing = await listLayer(await debianBase(folder.path), folder.path);
  for (const name of [
    "bin -> usr/bin",
    "var/lib/dpkg/status",
    "etc/apt/sources.list",
    "etc/apt/apt.conf.d/small",
    "etc/passwd",
    "usr/bin/apt-get",
  ]) {
    expect(listing).toContain(name);
  }
  expect(listing).toMatch(/^-rwsr-xr-x 0\/0 .* usr\/bin\/su$/m);
  expect(listing).toMatch(/^-rwxr-sr-x 0\/42 .* usr\/bin\/chage$/m);
  expect(listing).not.toMatch(/usr\/share\/man\/man1\/./);
});
