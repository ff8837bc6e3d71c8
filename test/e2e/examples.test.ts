import { describe, expect, inject, test } from "vitest";
import { bakeExample } from "../support/bake-example.ts";
import { lightbox, lightboxOk } from "../support/lightbox-command.ts";

describe("examples bake on a base made from Debian's busybox-static:", () => {
  test("hello", async () => {
    await bakeExample("examples/hello", inject("busyboxBase"));
    const { stdout } = await lightboxOk(["run", "--rm", "hello-example"]);
    expect(stdout).toContain("Hello, sandbox\n");
  });

  test("multi-stage, whose two first stages share nothing", async () => {
    await bakeExample("examples/multi-stage", inject("busyboxBase"));
    const { stdout } = await lightboxOk(["run", "--rm", "examples/multi-stage"]);
    expect(stdout).toBe("5050\nlayer\nsandbox\nsnapshot\n");
  });

  test("a Dockerfile, as it is", async () => {
    await bakeExample("examples/dockerfile", inject("busyboxBase"), [
      "-f",
      "examples/dockerfile/Dockerfile",
      "--name=from-a-dockerfile",
    ]);
    const { stdout } = await lightboxOk(["run", "--rm", "from-a-dockerfile"]);
    expect(stdout).toBe("10\nHello from a Dockerfile\n");
  });

  test("Lightfile.example", async () => {
    await bakeExample("Lightfile.example", inject("busyboxBase"));
    const hello = await lightbox(["run", "--rm", "hello"]);
    expect(hello.stdout, hello.stderr).toContain("add up to 500500\n");
  });
});
