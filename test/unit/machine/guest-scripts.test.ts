import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import * as scripts from "../../../src/machine/guest-scripts.ts";

describe("the machine's scripts", () => {
  test.each([
    ["initramfs init", scripts.initramfsInit(["virtio"])],
    ["boot", scripts.boot({ foreground: ["virtio_net"], background: ["kvm", "kvm_amd"] })],
    ["serve", scripts.serve],
    ["shell", scripts.shell],
    ["control", scripts.control],
    ["shutdown", scripts.shutdown],
    ["environment", scripts.environment],
  ])("are correct shell: %s", (_name, script) => {
    const checked = spawnSync("sh", ["-n"], { input: script, encoding: "utf8", timeout: 10_000 });

    expect(checked.stderr).toBe("");
    expect(checked.status).toBe(0);
  });

  test("get their settings through the shell unchanged, whatever characters are in them", () => {
    const token = 'it\'s $HOME `id` "x"';
    const words = ["serve", "--store", "/data/a b'c", "$HOME"];
    const script = `${scripts.guestSettings(token, words)}
      printf '%s\\n' "$LIGHTBOX_TOKEN"
      eval "printf '%s\\n' $LIGHTBOX_WORKER_ARGUMENTS"`;
    const { stdout } = spawnSync("sh", [], { input: script, encoding: "utf8", timeout: 10_000 });

    expect(stdout.trimEnd().split("\n")).toEqual([token, ...words]);
  });

  test("start a worker that never ends by itself when the idle time is 0", () => {
    expect(scripts.workerArguments(15).join(" ")).toContain("--idle-timeout 15");
    expect(scripts.workerArguments(0)).not.toContain("--idle-timeout");
  });
});
