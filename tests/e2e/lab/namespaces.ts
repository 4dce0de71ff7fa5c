/**
 * Names of network namespaces and directories of one lab, and the certainty that none outlives its run. A
 * reaper process, in a session of its own, waits for the end of its input: we close it, or our death does
 * (Ctrl-C and SIGKILL too), and in either case it ends what runs in the lab and removes it. Each name also
 * carries the pid and start time of its maker, so that a later run can tell and remove what is left when even
 * the reaper was killed.
 */
import { run } from "./command.ts";

const PREFIX = "vipdlab";
const DIRECTORY = "/tmp";

const REMOVE_LAB = `
for name in $(ip netns list | cut -d' ' -f1 | grep "^$1-"); do
  for attempt in 1 2 3 4 5 6 7 8 9 10; do
    pids=$(ip netns pids "$name")
    [ -z "$pids" ] && break
    kill -9 $pids 2>/dev/null
    sleep 0.02
  done
  ip netns delete "$name"
done
rm -rf "$2"
`;

/** The place of one lab: its unique name, its directory, and the way to remove both. */
export interface Site {
  readonly name: string;
  readonly directory: string;
  remove(): Promise<void>;
}

/** Claims a new site; the first call also sweeps what dead runs left. */
export async function newSite(): Promise<Site> {
  swept ??= sweep();
  await swept;
  const random = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  const name = [PREFIX, Deno.pid, await startTime(Deno.pid), random.toString(36)].join("-");
  const directory = `${DIRECTORY}/${name}`;
  await Deno.mkdir(directory, { mode: 0o755 });
  const args = ["sh", "-c", `cat >/dev/null; ${REMOVE_LAB}`, "reaper", name, directory];
  const reaper = new Deno.Command("setsid", { args, stdin: "piped", stdout: "null", stderr: "null" }).spawn();
  const remove = async (): Promise<void> => {
    await reaper.stdin.close();
    await reaper.status;
  };
  return { name, directory, remove };
}

let swept: Promise<void> | undefined;

async function sweep(): Promise<void> {
  const found = [...(await namespaces()), ...(await directories())].filter((name) =>
    name.startsWith(`${PREFIX}-`)
  );
  const labs = new Set(found.map((name) => name.split("-").slice(0, 4).join("-")));
  await Promise.all([...labs].map(removeIfDead));
}

async function removeIfDead(name: string): Promise<void> {
  const [, pid = "", started = ""] = name.split("-");
  if (await startTime(Number(pid)) === started) return;
  await run(["sh", "-c", REMOVE_LAB, "sweep", name, `${DIRECTORY}/${name}`]);
}

async function namespaces(): Promise<string[]> {
  return (await run(["ip", "netns", "list"])).split("\n").map((line) => line.split(" ")[0] ?? "");
}

async function directories(): Promise<string[]> {
  const names = [];
  for await (const { name } of Deno.readDir(DIRECTORY)) names.push(name);
  return names;
}

/** Start time of a process in clock ticks since boot (field 22 of /proc/PID/stat), "0" when it is gone. */
async function startTime(pid: number): Promise<string> {
  try {
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "0";
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return "0";
  }
}
