import { spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parse } from "../../../src/lightfile-api.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const program = fileURLToPath(new URL("../../../src/cli/start.ts", import.meta.url));

function lightbox(args: readonly string[], input = "") {
  return spawnSync(process.execPath, [program, ...args], { input, encoding: "utf8" });
}

describe("lightbox parse", () => {
  test("prints the document of a file, and of stdin", async () => {
    await using folder = await temporaryFolder();
    const text = "FROM a\nRUN x\n";
    writeFileSync(join(folder.path, "Some.Lightfile"), text);
    const ofFile = lightbox(["parse", join(folder.path, "Some.Lightfile"), "--format", "json"]);
    const ofStdin = lightbox(["parse", "-"], text);
    expect(ofFile).toMatchObject({ status: 0, stderr: "" });
    expect(JSON.parse(ofFile.stdout)).toEqual(parse(text));
    expect(ofStdin.stdout).toBe(ofFile.stdout);
  });

  test("prints a file with errors as well, and ends with 2", () => {
    const text = "FROM a\nRNU x\n";
    const result = lightbox(["parse", "-"], text);
    expect(result).toMatchObject({ status: 2, stderr: "" });
    expect(JSON.parse(result.stdout)).toEqual(parse(text));
  });

  test("is whole for a reader that takes its time", async () => {
    const text = `FROM a\n${"RUN echo something\n".repeat(10_000)}`;
    const child = spawn(process.execPath, [program, "parse", "-"], { stdio: ["pipe", "pipe", "inherit"] });
    child.stdin.end(text);
    let printed = "";
    // Nothing more is read before the rest of what is here has been looked at: the pipe is full most of the time.
    for await (const chunk of child.stdout) {
      printed += String(chunk);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(printed.length).toBeGreaterThan(2 ** 20);
    expect(JSON.parse(printed)).toEqual(parse(text));
  });

  test("warnings alone end with 0", () => {
    const result = lightbox(["parse", "-"], "FROM a\nRUN x \\\n\n y\n");
    expect(result.status).toBe(0);
    expect(result.stdout).toContain("NoEmptyContinuation");
  });

  test("names a file that is not there", () => {
    const result = lightbox(["parse", "/no/such/Lightfile"]);
    expect(result).toMatchObject({ status: 2, stdout: "" });
    expect(result.stderr).toContain("LightfileNotFound");
  });
});
