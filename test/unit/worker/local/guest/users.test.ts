import { expect, test } from "vitest";
import { StepRefused } from "../../../../../src/worker/local/guest/step-refused.ts";
import {
  type AccountDatabase,
  parseGroup,
  parsePasswd,
  resolveIdentity,
  resolveOwner,
} from "../../../../../src/worker/local/guest/users.ts";

const accounts: AccountDatabase = {
  users: parsePasswd(
    "root:x:0:0:root:/root:/bin/sh\n# comment\nweb:x:33:34::/srv:/bin/false\nbroken:x:a:b\n",
  ),
  groups: parseGroup("root:x:0:\nwww:x:34:\nlogs:x:4:web,root\nmail:x:8:web\n"),
};

function refusal(action: () => unknown): Pick<StepRefused, "code" | "hint"> | undefined {
  try {
    action();
  } catch (error) {
    if (error instanceof StepRefused) return { code: error.code, hint: error.hint };
    throw error;
  }
  return undefined;
}

test("lines that are no entries are passed over", () => {
  expect(accounts.users.map(({ name }) => name)).toEqual(["root", "web"]);
});

test("a user alone brings its primary and further groups and its home", () => {
  const web = { userId: 33, groupId: 34, furtherGroupIds: [4, 8], home: "/srv" };
  expect(resolveIdentity("web", accounts)).toEqual(web);
  expect(resolveIdentity("33", accounts)).toEqual(web);
});

test("a user with a group has that one only", () => {
  expect(resolveIdentity("web:mail", accounts)).toMatchObject({ groupId: 8, furtherGroupIds: [] });
  expect(resolveIdentity("web:77", accounts)).toMatchObject({ groupId: 77, furtherGroupIds: [] });
});

test("a number that passwd does not know has group 0 and the root folder as home", () => {
  expect(resolveIdentity("1234", accounts)).toEqual({
    userId: 1234,
    groupId: 0,
    furtherGroupIds: [],
    home: "/",
  });
});

test("root is known without /etc/passwd", () => {
  const none: AccountDatabase = { users: [], groups: [] };
  const root = { userId: 0, groupId: 0, furtherGroupIds: [], home: "/" };
  expect(resolveIdentity("root", none)).toEqual(root);
  expect(resolveIdentity("root:root", none)).toEqual(root);
  expect(resolveOwner({ user: "root", group: "root" }, none)).toEqual({ userId: 0, groupId: 0 });
  expect(refusal(() => resolveIdentity("daemon", none))).toMatchObject({ code: "UnknownUser" });
});

test("an unknown name is refused with a near one", () => {
  expect(refusal(() => resolveIdentity("wbe", accounts))).toEqual({
    code: "UnknownUser",
    hint: "did you mean web?",
  });
  expect(refusal(() => resolveIdentity("web:mial", accounts))).toMatchObject({ code: "UnknownGroup" });
  expect(refusal(() => resolveIdentity("", accounts))).toMatchObject({ code: "UnknownUser" });
  expect(refusal(() => resolveIdentity("99999999999", accounts))).toMatchObject({ code: "UnknownUser" });
});

test("an owner that is a number is the group's number too, a name brings its primary group", () => {
  expect(resolveOwner({ user: "5", group: null }, accounts)).toEqual({ userId: 5, groupId: 5 });
  expect(resolveOwner({ user: "web", group: null }, accounts)).toEqual({ userId: 33, groupId: 34 });
  expect(resolveOwner({ user: "web", group: "logs" }, accounts)).toEqual({ userId: 33, groupId: 4 });
});
