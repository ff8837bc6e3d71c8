import { join } from "node:path";
import { expect, test } from "vitest";
import { withoutPassword } from "../../../src/sources/kept-git.ts";
import { GitRepository } from "../../support/git-repository.ts";
import { BakeRig, eventsOf } from "./bake-rig.ts";

test("a repository that is fetched is told of, when it begins and when it is here", async () => {
  await using rig = await BakeRig.create();
  const repository = await GitRepository.create(join(rig.folder, "tools.git"));
  await repository.commit({ file: "x" });
  const { outcome, events } = await rig.bake(`FROM base:1\nADD ${repository.url}#main /src\n`);
  expect(outcome.kind).toBe("completed");
  const source = `${repository.url}#main`;
  expect(eventsOf(events, "source-fetching")).toMatchObject([{ source }]);
  expect(eventsOf(events, "source-fetched")).toMatchObject([{ source }]);
});

test.each([
  ["https://user:hunter2@example.org/a.git#main", "https://example.org/a.git#main"],
  ["https://token@example.org/a", "https://example.org/a"],
  ["https://example.org/a@b", "https://example.org/a@b"],
  ["git@example.org:a.git", "git@example.org:a.git"],
])("%s is told of without what stands for a password", (source, shown) => {
  expect(withoutPassword(source)).toBe(shown);
});
