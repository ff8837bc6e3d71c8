import { didYouMean } from "../../../diagnostics/suggest.ts";
import type { CopyOwner } from "../../../model/step-operation.ts";
import { guestErrno } from "../microvm/guest-file.ts";
import type { GuestFiles } from "../microvm/guest-files.ts";
import { StepRefused } from "./step-refused.ts";

export interface UserEntry {
  readonly name: string;
  readonly userId: number;
  readonly groupId: number;
  readonly home: string;
}

export interface GroupEntry {
  readonly name: string;
  readonly groupId: number;
  readonly members: readonly string[];
}

/** The guest's `/etc/passwd` and `/etc/group`; both empty when the guest has none. */
export interface AccountDatabase {
  readonly users: readonly UserEntry[];
  readonly groups: readonly GroupEntry[];
}

/** Whom a process runs as. */
export interface Identity {
  readonly userId: number;
  readonly groupId: number;
  readonly furtherGroupIds: readonly number[];
  /** `/` for a number that no entry has. */
  readonly home: string;
}

export interface Owner {
  readonly userId: number;
  readonly groupId: number;
}

/** In a guest whose /etc/passwd does not name it, or that has none. */
const root: UserEntry = { name: "root", userId: 0, groupId: 0, home: "/" };

export const rootOwner: Owner = { userId: 0, groupId: 0 };

export async function readAccounts(files: GuestFiles): Promise<AccountDatabase> {
  const [passwd, group] = await Promise.all([
    readIfThere(files, "/etc/passwd"),
    readIfThere(files, "/etc/group"),
  ]);
  return { users: parsePasswd(passwd), groups: parseGroup(group) };
}

async function readIfThere(files: GuestFiles, path: string): Promise<string> {
  try {
    return (await files.readFile(path)).toString("utf8");
  } catch (error) {
    const errno = guestErrno(error);
    if (errno === "ENOENT" || errno === "ENOTDIR" || errno === "EISDIR") return "";
    throw error;
  }
}

/** passwd(5); lines that are no entries are passed over, as libc does. */
export function parsePasswd(text: string): readonly UserEntry[] {
  return text.split("\n").flatMap((line) => {
    const [name, , userId, groupId, , home] = line.split(":");
    if (!name || !isIdNumber(userId) || !isIdNumber(groupId)) return [];
    return [{ name, userId: Number(userId), groupId: Number(groupId), home: home || "/" }];
  });
}

/** group(5) */
export function parseGroup(text: string): readonly GroupEntry[] {
  return text.split("\n").flatMap((line) => {
    const [name, , groupId, members] = line.split(":");
    if (!name || !isIdNumber(groupId)) return [];
    return [{ name, groupId: Number(groupId), members: (members ?? "").split(",").filter(Boolean) }];
  });
}

const largestId = 0xfffffffe;

function isIdNumber(text: string | undefined): text is string {
  return text !== undefined && /^\d{1,10}$/.test(text) && Number(text) <= largestId;
}

/**
 * `USER`'s form `name|uid[:group|gid]`: a user alone brings its primary and further groups, with a group that
 * one only; a number that passwd does not know has group 0.
 * @throws StepRefused `UnknownUser`, `UnknownGroup`
 */
export function resolveIdentity(specification: string, accounts: AccountDatabase): Identity {
  const [userText = "", groupText] = splitOnce(specification);
  const entry = findUser(userText, accounts);
  if (entry === undefined && !isIdNumber(userText)) throw unknownUser(userText, accounts);
  const userId = entry?.userId ?? Number(userText);
  const home = entry?.home ?? "/";
  if (groupText !== undefined) {
    return { userId, groupId: resolveGroup(groupText, accounts), furtherGroupIds: [], home };
  }
  if (entry === undefined) return { userId, groupId: 0, furtherGroupIds: [], home };
  const furtherGroupIds = accounts.groups
    .filter(({ groupId, members }) => groupId !== entry.groupId && members.includes(entry.name))
    .map(({ groupId }) => groupId);
  return { userId, groupId: entry.groupId, furtherGroupIds, home };
}

/**
 * `--chown`'s form: a number alone is the group's number too, a name alone brings its primary group.
 * @throws StepRefused `UnknownUser`, `UnknownGroup`
 */
export function resolveOwner(owner: CopyOwner, accounts: AccountDatabase): Owner {
  const entry = findUserNamed(owner.user, accounts);
  if (entry === undefined && !isIdNumber(owner.user)) throw unknownUser(owner.user, accounts);
  const userId = entry?.userId ?? Number(owner.user);
  if (owner.group !== null) return { userId, groupId: resolveGroup(owner.group, accounts) };
  return { userId, groupId: entry?.groupId ?? userId };
}

/** The owner of a directory that a `WORKDIR` makes: its `USER` at that time. */
export function identityOwner(identity: Identity): Owner {
  return { userId: identity.userId, groupId: identity.groupId };
}

function findUser(text: string, accounts: AccountDatabase): UserEntry | undefined {
  const byName = findUserNamed(text, accounts);
  if (byName !== undefined || !isIdNumber(text)) return byName;
  return accounts.users.find(({ userId }) => userId === Number(text));
}

function findUserNamed(text: string, accounts: AccountDatabase): UserEntry | undefined {
  const entry = accounts.users.find(({ name }) => name === text);
  return entry ?? (text === root.name ? root : undefined);
}

function resolveGroup(text: string, accounts: AccountDatabase): number {
  const entry = accounts.groups.find(({ name }) => name === text);
  if (entry !== undefined) return entry.groupId;
  if (text === root.name) return root.groupId;
  if (isIdNumber(text)) return Number(text);
  const known = accounts.groups.map(({ name }) => name);
  throw new StepRefused(
    "UnknownGroup",
    `there is no group ${JSON.stringify(text)} in the guest's /etc/group`,
    didYouMean(text, known) ?? "make it in an earlier RUN, or use its number",
  );
}

function unknownUser(text: string, accounts: AccountDatabase): StepRefused {
  const known = accounts.users.map(({ name }) => name);
  return new StepRefused(
    "UnknownUser",
    `there is no user ${JSON.stringify(text)} in the guest's /etc/passwd`,
    didYouMean(text, known) ?? "make it in an earlier RUN, or use its number",
  );
}

function splitOnce(text: string): readonly [string, string?] {
  const colon = text.indexOf(":");
  return colon === -1 ? [text] : [text.slice(0, colon), text.slice(colon + 1)];
}
