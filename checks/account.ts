/** Accounts that programs run as, from /etc/passwd and /etc/group. */
import { CheckFailed, type RunAs } from "./check.ts";

export interface Account {
  /** Absent where a uid has no entry in /etc/passwd. */
  readonly name?: string;
  readonly uid: number;
  readonly gid: number;
  /** The groups beside `gid`: those that initgroups(3) would give it. */
  readonly groups: readonly number[];
  readonly home: string;
}

interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/**
 * The account that a program runs as; undefined: vipd's own, unchanged. A uid or gid without an entry stands
 * for itself, and such a uid has the group of its own number. Throws `CheckFailed` for a name that does not
 * exist.
 */
export function findAccount({ user, group }: RunAs): Account | undefined {
  if (user === undefined && group === undefined) return undefined;
  const found = findUser(user ?? String(Deno.uid()));
  const gid = group === undefined ? found.gid : findGroup(group);
  if (user === undefined) return { ...found, gid, groups: [] };
  const groups = readGroups().filter(({ members }) => members.includes(found.name ?? ""));
  return { ...found, gid, groups: [...new Set(groups.map((one) => one.gid))].filter((one) => one !== gid) };
}

/** What this process runs as. */
export function ownAccount(): Account {
  const uid = Deno.uid() ?? 0;
  const line = /^Groups:\t(.*)$/m.exec(Deno.readTextFileSync("/proc/self/status"))?.[1] ?? "";
  const groups = line.split(" ").filter((word) => word !== "").map(Number);
  return { uid, gid: Deno.gid() ?? 0, groups, home: "/" };
}

/** What is wrong with the user or the group that a program is to run as; undefined when both exist. */
export function inspectAccount(runAs: RunAs): string | undefined {
  try {
    findAccount(runAs);
    return undefined;
  } catch (error) {
    if (error instanceof CheckFailed) return error.message;
    throw error;
  }
}

/** CAP_SETGID and CAP_SETUID (capabilities(7)) as bits of CapEff. */
const switching = 0b11n << 6n;

/** Like `inspectAccount`, and also what keeps this process from becoming that user. */
export function inspectSwitch(runAs: RunAs): string | undefined {
  const problem = inspectAccount(runAs);
  if (problem !== undefined) return problem;
  const [own, wanted] = [ownAccount(), findAccount(runAs)];
  if (wanted === undefined || (wanted.uid === own.uid && wanted.gid === own.gid)) return undefined;
  const effective = /^CapEff:\t([0-9a-f]+)$/m.exec(Deno.readTextFileSync("/proc/self/status"))?.[1] ?? "0";
  if ((BigInt(`0x${effective}`) & switching) === switching) return undefined;
  return `vipd runs as ${nameUser(own.uid)} and may not become ${nameUser(wanted.uid)}: ` +
    "it needs CAP_SETUID, CAP_SETGID and CAP_KILL (in a systemd unit: CapabilityBoundingSet)";
}

/** Whether nobody but these users can act as that group, as far as this host's own files tell. */
export function isGroupOf(gid: number, uids: ReadonlySet<number>): boolean {
  const users = readUsers();
  const group = readGroups().find((one) => one.gid === gid);
  if (group === undefined) return false;
  const primary = users.filter((user) => user.gid === gid).map(({ uid }) => uid);
  const members = group.members.map((name) => users.find((user) => user.name === name)?.uid ?? -1);
  return [...primary, ...members].every((uid) => uids.has(uid));
}

/** "alice (1000)", or the number alone where it has no name. */
export function nameUser(uid: number): string {
  return named(uid, readUsers().find((user) => user.uid === uid)?.name);
}

/** "staff (50)", or the number alone where it has no name. */
export function nameGroup(gid: number): string {
  return named(gid, readGroups().find((group) => group.gid === gid)?.name);
}

function named(id: number, name: string | undefined): string {
  return name === undefined ? String(id) : `${name} (${id})`;
}

function findUser(nameOrUid: string): Omit<Account, "groups"> {
  const users = readUsers();
  const found = users.find(({ name }) => name === nameOrUid) ??
    users.find(({ uid }) => String(uid) === nameOrUid);
  if (found !== undefined) return found;
  const uid = parseId(nameOrUid);
  if (uid === undefined) throw new CheckFailed(`there is no user ${nameOrUid}`);
  return { uid, gid: uid, home: "/" };
}

function findGroup(nameOrGid: string): number {
  const gid = readGroups().find(({ name }) => name === nameOrGid)?.gid ?? parseId(nameOrGid);
  if (gid === undefined) throw new CheckFailed(`there is no group ${nameOrGid}`);
  return gid;
}

/** The last number of 32 bits means "no change" to the kernel. */
function parseId(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) && Number(text) < 2 ** 32 - 1 ? Number(text) : undefined;
}

function readUsers(): User[] {
  return readLines("/etc/passwd").flatMap(([name = "", , uid, gid, , home]) =>
    home === undefined ? [] : [{ name, uid: Number(uid), gid: Number(gid), home }]
  );
}

function readGroups(): Group[] {
  return readLines("/etc/group").flatMap(([name = "", , gid, members]) =>
    members === undefined ? [] : [{ name, gid: Number(gid), members: members.split(",").filter(Boolean) }]
  );
}

/** A container may have neither file: nobody has a name there. */
function readLines(path: string): string[][] {
  try {
    return Deno.readTextFileSync(path).split("\n").map((line) => line.split(":"));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
