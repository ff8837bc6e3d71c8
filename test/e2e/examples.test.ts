import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { debianBase } from "../support/debian-base.ts";
import { bakeWithEvents, lightbox, lightboxOk } from "../support/lightbox-command.ts";

const examples = fileURLToPath(new URL("../../examples", import.meta.url));

async function bakeExample(name: string, base: string): Promise<void> {
  const bake = await bakeWithEvents([join(examples, name), "--build-arg", `BASE=${base}`], {
    timeoutMs: 540_000,
  });
  expect(bake.result.exitCode, bake.result.stderr + bake.result.stdout.slice(-2000)).toBe(0);
}

let madeBase: Promise<string> | undefined;

/** One base for the examples that need Debian: bringing 200 MB into an emulated machine takes its time. */
function debianWithNode(): Promise<string> {
  madeBase ??= debianBase(inject("home"), { packages: ["nodejs"] });
  return madeBase;
}

beforeAll(() => {
  process.env.LIGHTBOX_HOME = inject("home");
});

describe("examples bake on bases made from Debian packages:", () => {
  test("hello", async () => {
    await bakeExample("hello", inject("busyboxBase"));
    const { stdout } = await lightboxOk(["run", "--rm", "hello-example"]);
    expect(stdout).toContain("Hello, sandbox\n");
  });

  test("multi-stage, whose two first stages share nothing", async () => {
    await bakeExample("multi-stage", inject("busyboxBase"));
    const { stdout } = await lightboxOk(["run", "--rm", "examples/multi-stage"]);
    expect(stdout).toBe("5050\nlayer\nsandbox\nsnapshot\n");
  });

  test("node-app", async () => {
    await bakeExample("node-app", await debianWithNode());
    const { stdout } = await lightboxOk([
      "run",
      "--rm",
      "examples/node-app",
      "--",
      "node",
      "src/server.js",
      "--once",
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ uid: 1000, directory: "/app" });
  });

  test("apt, which installs a package over the network in a step", async () => {
    await bakeExample("apt", await debianWithNode());
    const { stdout } = await lightboxOk([
      "run",
      "--rm",
      "examples/apt",
      "--",
      "sh",
      "-c",
      "jq --version; cat /etc/made-by",
    ]);
    expect(stdout).toMatch(/^jq-\d.*\nlightbox\n$/);
  });

  test("Lightfile.example", async () => {
    const root = join(examples, "..");
    const bake = await bakeWithEvents([
      join(root, "Lightfile.example"),
      "--build-arg",
      `BASE=${inject("busyboxBase")}`,
    ]);
    expect(bake.result.exitCode, bake.result.stderr).toBe(0);
    const hello = await lightbox(["run", "--rm", "hello"]);
    expect(hello.stdout, hello.stderr).toContain("add up to 500500\n");
  });
});
