import { spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const program = fileURLToPath(new URL("../../../src/cli/start.ts", import.meta.url));

function lightbox(cwd: string, args: readonly string[], input = "") {
  const environment = { ...process.env, NO_COLOR: "1" };
  return spawnSync(process.execPath, [program, ...args], { cwd, input, encoding: "utf8", env: environment });
}

const dockerfile = "# syntax=docker/dockerfile:1\nFROM alpine:3.20\nRUN --network=host true\n";

describe("lightbox import", () => {
  test("writes a Lightfile beside the Dockerfile, lists what is lost, and ends with 1", async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, "Dockerfile"), dockerfile);
    const result = lightbox(folder.path, ["import", "--name", "one"]);
    expect(result).toMatchObject({ status: 1, stdout: "" });
    expect(result.stderr).toContain("Dockerfile:3:5: warning[NotCarriedOver]");
    expect(result.stderr).toContain("wrote Lightfile: 1 not carried over");
    expect(await readFile(join(folder.path, "Lightfile"), "utf8")).toBe(
      "FROM alpine:3.20\nSNAPSHOT one\nRUN true\n",
    );
  });

  test("writes over nothing without --force", async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, "Dockerfile"), "FROM alpine\n");
    await writeFile(join(folder.path, "Lightfile"), "mine\n");
    const refused = lightbox(folder.path, ["import", "Dockerfile"]);
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain("OutputExists");
    expect(await readFile(join(folder.path, "Lightfile"), "utf8")).toBe("mine\n");
    expect(lightbox(folder.path, ["import", "--force", "-t", "x", "."]).status).toBe(0);
    expect(await readFile(join(folder.path, "Lightfile"), "utf8")).toBe("FROM alpine\nSNAPSHOT x\n");
  });

  test("reads stdin, and prints the Lightfile to stdout for -o -", async () => {
    await using folder = await temporaryFolder();
    const result = lightbox(folder.path, ["import", "-", "-o", "-", "--name", "x"], "FROM alpine\n");
    expect(result).toMatchObject({ status: 0, stdout: "FROM alpine\nSNAPSHOT x\n", stderr: "" });
  });

  test("prints the list as JSON", async () => {
    await using folder = await temporaryFolder();
    const args = ["import", "-", "-o", "-", "--name", "x", "--format", "json"];
    const result = lightbox(folder.path, args, dockerfile);
    expect(result).toMatchObject({ status: 1, stderr: "" });
    expect(JSON.parse(result.stdout)).toMatchObject({
      version: 1,
      lightfile: null,
      text: "FROM alpine:3.20\nSNAPSHOT x\nRUN true\n",
      snapshots: ["x"],
      diagnostics: [
        { code: "CarriedOverDifferently", severity: "warning" },
        {
          code: "NotCarriedOver",
          severity: "warning",
          range: { start: { line: 3, column: 5 }, end: { line: 3, column: 19 } },
        },
      ],
    });
  });

  test("says that an ignore file for the Dockerfile alone is not read for the Lightfile", async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, "Dockerfile"), "FROM alpine\n");
    await writeFile(join(folder.path, "Dockerfile.dockerignore"), "node_modules\n");
    const result = lightbox(folder.path, ["import", "--name", "x"]);
    expect(result.status).toBe(1);
    expect(result.stderr).toContain("rename it to Lightfile.lightignore");
  });

  test("writes nothing for a file with mistakes that leave no stage, and ends with 2", async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, "Dockerfile"), "RUN true\n");
    const result = lightbox(folder.path, ["import", "--name", "x"]);
    expect(result.status).toBe(2);
    expect(result.stderr).toContain("error[InstructionBeforeFrom]");
    await expect(readFile(join(folder.path, "Lightfile"))).rejects.toThrow("ENOENT");
  });

  test("refuses a name that no snapshot can have", async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, "Dockerfile"), "FROM alpine\n");
    const result = lightbox(folder.path, ["import", "--name", "not a name"]);
    expect(result.status).toBe(2);
    expect(result.stderr).toContain("InvalidSnapshotName");
  });
});
