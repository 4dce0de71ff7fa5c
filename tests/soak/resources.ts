/**
 * What a daemon holds at a moment, as /proc tells: memory, descriptors, threads, sockets and what waits in
 * them.
 */

export interface Resources {
  readonly rssMb: number;
  readonly pssMb: number;
  /** Memory that no file stands behind: both heaps and the stacks. */
  readonly anonymousMb: number;
  readonly fds: number;
  readonly threads: number;
  /** Processes that the checks have started and that still run. */
  readonly children: number;
  /** Multicast groups that the host's interfaces have joined. */
  readonly groups: number;
  /** Bytes that wait in the host's netlink and raw sockets. */
  readonly queuedBytes: number;
  /** Packets and notifications that found no room, since the sockets were opened. */
  readonly drops: number;
  /** Seconds of processor time since the start. */
  readonly cpuSeconds: number;
}

/** Columns of one table of /proc/PID/net: bytes that wait, and how many were dropped. */
interface SocketTable {
  readonly file: string;
  queued(columns: readonly string[]): number;
  dropped(columns: readonly string[]): number;
}

const rxQueue = ([, , , , queues = ""]: readonly string[]): number =>
  parseInt(queues.split(":")[1] ?? "0", 16);
const last = (columns: readonly string[]): number => Number(columns.at(-1));

const SOCKET_TABLES: readonly SocketTable[] = [
  { file: "netlink", queued: (columns) => Number(columns[4]), dropped: (columns) => Number(columns[8]) },
  { file: "raw", queued: rxQueue, dropped: last },
  { file: "raw6", queued: rxQueue, dropped: last },
];

const CLOCK_TICKS = 100;

/** Throws `Deno.errors.NotFound` when the process is gone. */
export async function resourcesOf(pid: number): Promise<Resources> {
  const [rollup, status, stat, children, fds, groups, ...tables] = await Promise.all([
    read(pid, "smaps_rollup"),
    read(pid, "status"),
    read(pid, "stat"),
    read(pid, `task/${pid}/children`),
    names(`/proc/${pid}/fd`),
    groupsOf(pid),
    ...SOCKET_TABLES.map(({ file }) => read(pid, `net/${file}`)),
  ]);
  const sockets = SOCKET_TABLES.map((table, i) => ({
    table,
    rows: rowsOf(tables[i] ?? "").filter(isReader),
  }));
  const times = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return {
    rssMb: kilobytes(rollup, "Rss") / 1024,
    pssMb: kilobytes(rollup, "Pss") / 1024,
    anonymousMb: kilobytes(rollup, "Anonymous") / 1024,
    fds: fds.length,
    threads: Number(/^Threads:\s+(\d+)/m.exec(status)?.[1]),
    children: children.split(" ").filter((word) => word !== "").length,
    groups,
    queuedBytes: sum(sockets.flatMap(({ table, rows }) => rows.map((row) => table.queued(row)))),
    drops: sum(sockets.flatMap(({ table, rows }) => rows.map((row) => table.dropped(row)))),
    cpuSeconds: (Number(times[11]) + Number(times[12])) / CLOCK_TICKS,
  };
}

/** What the descriptors are, by kind: `{ "socket": 12, "anon_inode:[eventfd]": 3 }`. */
export async function kindsOfDescriptors(pid: number): Promise<Record<string, number>> {
  const kinds: Record<string, number> = {};
  for (const name of await names(`/proc/${pid}/fd`)) {
    const target = await linkOrEmpty(`/proc/${pid}/fd/${name}`);
    const kind = target.replace(/:\[\d+\]$/, "");
    if (kind !== "") kinds[kind] = (kinds[kind] ?? 0) + 1;
  }
  return kinds;
}

async function groupsOf(pid: number): Promise<number> {
  const [four, six] = await Promise.all([read(pid, "net/igmp"), read(pid, "net/igmp6")]);
  const isGroup = (line: string): boolean => /^\t\t/.test(line);
  return four.split("\n").filter(isGroup).length + six.split("\n").filter((line) => line !== "").length;
}

function rowsOf(table: string): string[][] {
  return table.split("\n").slice(1).filter((line) => line !== "").map((line) => line.trim().split(/\s+/));
}

/** A raw socket that is bound to an address only sends: nobody reads it, so it has no room and drops all. */
function isReader([, address = ""]: readonly string[]): boolean {
  return !address.includes(":") || /^0+:/.test(address);
}

function kilobytes(rollup: string, key: string): number {
  return Number(new RegExp(`^${key}:\\s+(\\d+) kB`, "m").exec(rollup)?.[1]);
}

function read(pid: number, file: string): Promise<string> {
  return Deno.readTextFile(`/proc/${pid}/${file}`);
}

async function names(directory: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(directory))).map(({ name }) => name);
}

/** A descriptor may be closed between its listing and this. */
async function linkOrEmpty(path: string): Promise<string> {
  try {
    return await Deno.readLink(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
