import { spawnSync } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const program = fileURLToPath(new URL("../../../src/cli/start.ts", import.meta.url));

function fmt(folder: string, args: readonly string[], input = "") {
  return spawnSync(process.execPath, [program, "fmt", ...args], { cwd: folder, input, encoding: "utf8" });
}

const untidy = "from   a  \nRUN  b\n";
const tidy = "FROM a\nRUN b\n";

describe("lightbox fmt", () => {
  test("prints the file of the folder, or what comes from stdin, and writes nothing", async () => {
    await using folder = await temporaryFolder();
    writeFileSync(join(folder.path, "Lightfile"), untidy);
    expect(fmt(folder.path, [])).toMatchObject({ status: 0, stdout: tidy, stderr: "" });
    expect(fmt(folder.path, ["-"], untidy)).toMatchObject({ status: 0, stdout: tidy });
    expect(readFileSync(join(folder.path, "Lightfile"), "utf8")).toBe(untidy);
  });

  test("names with --check what would change, and ends with 1 only then", async () => {
    await using folder = await temporaryFolder();
    writeFileSync(join(folder.path, "one"), untidy);
    writeFileSync(join(folder.path, "two"), tidy);
    expect(fmt(folder.path, ["--check", "one", "two"])).toMatchObject({ status: 1, stdout: "one\n" });
    expect(fmt(folder.path, ["--check", "two"])).toMatchObject({ status: 0, stdout: "" });
  });

  test("writes with --write what changes and leaves the rest untouched, modes too", async () => {
    await using folder = await temporaryFolder();
    writeFileSync(join(folder.path, "one"), untidy, { mode: 0o640 });
    writeFileSync(join(folder.path, "two"), tidy);
    const before = statSync(join(folder.path, "two"));
    expect(fmt(folder.path, ["-w", "one", "two"])).toMatchObject({ status: 0, stdout: "one\n" });
    expect(readFileSync(join(folder.path, "one"), "utf8")).toBe(tidy);
    expect(statSync(join(folder.path, "one")).mode & 0o777).toBe(0o640);
    expect(statSync(join(folder.path, "two")).ino).toBe(before.ino);
  });

  test("explains a file with mistakes, leaves it alone and goes on with the others", async () => {
    await using folder = await temporaryFolder();
    writeFileSync(join(folder.path, "bad"), "RNU  x\n");
    writeFileSync(join(folder.path, "one"), untidy);
    const result = fmt(folder.path, ["--write", "bad", "one"]);
    expect(result.status).toBe(2);
    expect(result.stderr).toContain("UnknownInstruction");
    expect(readFileSync(join(folder.path, "bad"), "utf8")).toBe("RNU  x\n");
    expect(readFileSync(join(folder.path, "one"), "utf8")).toBe(tidy);
  });

  test("shows with --diff what would change, as patch takes it, and ends with 1 only then", async () => {
    await using folder = await temporaryFolder();
    const middle = Array.from({ length: 12 }, (_, index) => `RUN step ${index}\n`).join("");
    const long = `from   a\n${middle}\n\n\ncopy  <<EOF  /x\n  kept\nEOF\nRUN last`;
    writeFileSync(join(folder.path, "one"), long);
    writeFileSync(join(folder.path, "two"), tidy);
    const { status, stdout } = fmt(folder.path, ["--diff", "one", "two"]);
    expect(status).toBe(1);
    expect(stdout).toBe(`--- one
+++ one
@@ -1,4 +1,4 @@
-from   a
+FROM a
 RUN step 0
 RUN step 1
 RUN step 2
@@ -12,9 +12,7 @@
 RUN step 10
 RUN step 11
 
-
-
-copy  <<EOF  /x
+COPY <<EOF /x
   kept
 EOF
-RUN last
\\ No newline at end of file
+RUN last
`);
    const patched = spawnSync("patch", ["-p0"], { cwd: folder.path, input: stdout, encoding: "utf8" });
    if (patched.error === undefined) {
      expect(readFileSync(join(folder.path, "one"), "utf8")).toBe(fmt(folder.path, ["-"], long).stdout);
    }
    expect(fmt(folder.path, ["--diff", "two"])).toMatchObject({ status: 0, stdout: "" });
  });

  test("takes --check or --write, not both", async () => {
    await using folder = await temporaryFolder();
    expect(fmt(folder.path, ["--check", "--write"]).status).toBe(2);
  });
});
