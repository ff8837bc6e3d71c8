import { beforeAll, describe, expect, test } from "vitest";
import { bakeExample } from "../support/bake-example.ts";
import { debianBase } from "../support/debian-base.ts";
import { endToEndHome } from "../support/end-to-end-home.ts";
import { lightboxOk } from "../support/lightbox-command.ts";

/** One for all of them: bringing 200 MB into an emulated machine takes its time. */
let debianWithNode: string;

beforeAll(async () => {
  debianWithNode = await debianBase(endToEndHome(), { packages: ["nodejs"] });
});

describe("examples bake on a Debian made from its packages:", () => {
  test("node-app", async () => {
    await bakeExample("examples/node-app", debianWithNode);
    const once = ["node", "src/server.js", "--once"];
    const { stdout } = await lightboxOk(["run", "--rm", "examples/node-app", "--", ...once]);
    expect(JSON.parse(stdout)).toMatchObject({ uid: 1000, directory: "/app" });
  });

  test("apt, which installs a package over the network in a step", async () => {
    await bakeExample("examples/apt", debianWithNode);
    const look = ["sh", "-c", "jq --version; cat /etc/made-by"];
    const { stdout } = await lightboxOk(["run", "--rm", "examples/apt", "--", ...look]);
    expect(stdout).toMatch(/^jq-\d.*\nlightbox\n$/);
  });
});
