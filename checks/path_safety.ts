/** Who could change a file, or put another in its place: its path, component by component. */
import { type Account, isGroupOf, nameGroup, nameUser } from "./account.ts";

/** For whom a file is judged. */
export interface Judge {
  /** Whom it runs as. */
  readonly account: Pick<Account, "uid" | "gid" | "groups">;
  /** Who may be able to change it. */
  readonly trusted: ReadonlySet<number>;
}

/** As the kernel has it (MAXSYMLINKS). */
const linksAtMost = 40;
/** What of a script tells its interpreter (BINPRM_BUF_SIZE). */
const headSize = 256;

const sticky = 0o1000;

/** A component of a path and what is there. */
interface Component {
  readonly path: string;
  readonly info: Deno.FileInfo;
}

/** What is wrong with a program at this absolute path; undefined when it is fine. */
export function inspectExecutable(path: string, judge: Judge): string | undefined {
  const found = walk(path, judge);
  if (typeof found === "string") return found;
  return inspectFile(found, judge) ?? inspectUse(found, judge, "execute");
}

/** What is wrong with a script at this absolute path that an interpreter is to read. */
export function inspectScript(path: string, judge: Judge): string | undefined {
  const found = walk(path, judge);
  if (typeof found === "string") return found;
  return inspectFile(found, judge) ?? inspectUse(found, judge, "read");
}

/** The first bytes of a file, one character each; empty when it cannot be read. */
export function readHead(path: string): string {
  try {
    using file = Deno.openSync(path);
    const buffer = new Uint8Array(headSize);
    const length = file.readSync(buffer) ?? 0;
    return String.fromCharCode(...buffer.subarray(0, length));
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) return "";
    throw error;
  }
}

/** Goes the way that the kernel goes; each directory is judged before what it holds. */
function walk(path: string, judge: Judge): Component | string {
  let here: Component = { path: "/", info: Deno.lstatSync("/") };
  let names = namesIn(path);
  for (let links = 0; names.length > 0;) {
    const [name = "", ...rest] = names;
    names = rest;
    if (name === "..") {
      here = at(here.path.slice(0, here.path.lastIndexOf("/")) || "/") ?? here;
      continue;
    }
    const next = at(`${here.path === "/" ? "" : here.path}/${name}`);
    const problem = inspectDirectory(here, next, judge);
    if (problem !== undefined) return problem;
    if (next === undefined) return `${here.path === "/" ? "" : here.path}/${name} does not exist`;
    if (!next.info.isSymlink) {
      here = next;
      continue;
    }
    if (++links > linksAtMost) return `${path} leads through too many symbolic links`;
    const target = Deno.readLinkSync(next.path);
    if (target.startsWith("/")) here = { path: "/", info: Deno.lstatSync("/") };
    names = [...namesIn(target), ...names];
  }
  return here;
}

function namesIn(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

/** A directory decides which file has the name `next`. */
function inspectDirectory(here: Component, next: Component | undefined, judge: Judge): string | undefined {
  if (!here.info.isDirectory) return `${here.path} is not a directory`;
  const problem = inspectOwner(here, judge) ?? inspectUse(here, judge, "enter");
  if (problem !== undefined) return problem;
  const writers = writersOf(here, judge);
  // In a sticky directory others can add files, but not replace those of somebody else.
  if (writers === undefined || (next !== undefined && isKept(here, next, judge))) return undefined;
  return inspectWriters(here, judge);
}

function isKept(directory: Component, { info }: Component, { trusted }: Judge): boolean {
  return (modeOf(directory) & sticky) !== 0 && trusted.has(info.uid ?? -1);
}

function inspectFile(file: Component, judge: Judge): string | undefined {
  if (!file.info.isFile) return `${file.path} is not a file`;
  return inspectOwner(file, judge) ?? inspectWriters(file, judge);
}

function inspectOwner({ path, info }: Component, { trusted }: Judge): string | undefined {
  const owner = info.uid ?? -1;
  if (trusted.has(owner)) return undefined;
  const name = nameUser(owner);
  const others = trusted.size > 1 ? `none of ${[...trusted].map(nameUser).join(", ")}` : "not root";
  return `${path} belongs to ${name}, ${others}, and so could be changed ` +
    `(mode ${octal(info)}); chown root ${path}, or run it as that user`;
}

/** The letters that chmod(1) takes away. */
function writersOf(component: Component, { trusted }: Judge): "g" | "o" | undefined {
  const bits = modeOf(component);
  if ((bits & 0o002) !== 0) return "o";
  const gid = component.info.gid ?? -1;
  return (bits & 0o020) !== 0 && gid !== 0 && !isGroupOf(gid, trusted) ? "g" : undefined;
}

function inspectWriters(component: Component, judge: Judge): string | undefined {
  const { path, info } = component;
  const writers = writersOf(component, judge);
  if (writers === undefined) return undefined;
  const who = writers === "o" ? "everybody" : `the group ${nameGroup(info.gid ?? -1)}`;
  return `${path} is writable by ${who} (owner ${nameUser(info.uid ?? -1)}, mode ${octal(info)}); ` +
    `chmod ${writers}-w ${path}`;
}

const uses = {
  execute: { bit: 1, verb: "executed", letter: "x" },
  enter: { bit: 1, verb: "entered", letter: "x" },
  read: { bit: 4, verb: "read", letter: "r" },
} as const;

/** Whether the permission bits let the user do that; root may everything but execute what nobody may. */
function inspectUse(component: Component, { account }: Judge, use: keyof typeof uses): string | undefined {
  const { path, info } = component;
  const { bit, verb, letter } = uses[use];
  const mode = modeOf(component);
  const described = `(owner ${nameUser(info.uid ?? -1)}, mode ${octal(info)})`;
  if (use === "execute" && (mode & 0o111) === 0) {
    return `${path} is not executable ${described}; chmod +x ${path}`;
  }
  if (account.uid === 0) return undefined;
  const shift = account.uid === info.uid ? 6 : isMember(account, info.gid) ? 3 : 0;
  if ((mode & (bit << shift)) !== 0) return undefined;
  const whose = { 6: "u", 3: "g", 0: "o" }[shift] ?? "o";
  return `${path} cannot be ${verb} by ${
    nameUser(account.uid)
  } ${described}; chmod ${whose}+${letter} ${path}`;
}

function isMember({ gid, groups }: Judge["account"], wanted: number | null): boolean {
  return wanted !== null && (gid === wanted || groups.includes(wanted));
}

function modeOf({ info }: Component): number {
  return (info.mode ?? 0) & 0o7777;
}

function octal(info: Deno.FileInfo): string {
  return ((info.mode ?? 0) & 0o7777).toString(8).padStart(4, "0");
}

function at(path: string): Component | undefined {
  try {
    return { path, info: Deno.lstatSync(path) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}
