import { expect, test } from "vitest";
import { commandRig } from "../../support/command-rig.ts";

test.each([
  [["serve", "--port", "99999"], "it must be a port, from 1 to 65535"],
  [["serve", "--port", "0"], "it must be a port"],
  [["serve", "--port", "1e3"], "it must be a port"],
  [["bake", "--cpus", "99999999"], "from 1 to 255"],
  [["bake", "--memory", "1M"], "from 128M to 1T"],
  [["run", "--cpus", "0", "app"], "from 1 to 255"],
  [["run", "--memory", "2T", "app"], "from 128M to 1T"],
  [["run", "--memory", "much", "app"], "it must be like 512M or 2G"],
])("%j is refused as an option's value", async (words, reason) => {
  await using rig = await commandRig();
  const { exitCode, stderr } = await rig.run(...words);
  expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining(reason) });
});
