/** How the VRRP thread asks for its time, in children of their own: the test runner stays ordinary. */
import { assertEquals } from "@std/assert";
import { EPERM, SyscallError } from "../../ffi/errno.ts";
import { libc } from "../../ffi/libc.ts";
import { becomePunctual, REALTIME_PRIORITY } from "../../mod/vrrp/realtime.ts";

// Opened once per thread and never closed, so before any test counts its resources.
libc();

const CHILD = new URL("./realtime_child.ts", import.meta.url).pathname;
/** Of this test run: field 19 of proc_pid_stat(5). */
const NICE = Deno.readTextFileSync("/proc/self/stat").split(") ")[1]?.split(" ")[16];
const ORDINARY = `policy 0 priority 0 nice ${NICE}`;
const REFUSED = "no real-time scheduling: sched_setscheduler: EPERM: Operation not permitted";

/** Linux 6.12 is the first that knows slices. */
function expectedSlice(): number {
  const [major = 0, minor = 0] = Deno.osRelease().split(".").map(Number);
  return major > 6 || (major === 6 && minor >= 12) ? 100_000 : 0;
}

async function child(mode: string, ...wrapper: string[]): Promise<unknown> {
  const [program = "", ...args] = [...wrapper, Deno.execPath(), "run", "-A", "--no-check", CHILD, mode];
  const { code, stdout, stderr } = await new Deno.Command(program, { args }).output();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test("becomePunctual: real time for the thread, and one step below it for those it may wait for", async () => {
  const { problems, own, helpers } = await child("realtime") as Record<string, unknown>;
  assertEquals({ problems, own, helpers }, {
    problems: [],
    own: `policy 2 priority ${REALTIME_PRIORITY} nice ${NICE}`,
    helpers: [`policy 2 priority ${REALTIME_PRIORITY - 1} nice ${NICE}`],
  });
});

Deno.test("becomePunctual: only short turns when real time is not wanted", async () => {
  assertEquals(await child("ordinary"), {
    problems: [],
    own: ORDINARY,
    helpers: [ORDINARY],
    slice: expectedSlice(),
  });
});

Deno.test("becomePunctual: says so when real time is not permitted", async () => {
  const setpriv = ["setpriv", "--bounding-set=-sys_nice", "--inh-caps=-sys_nice"];
  const wrapper = ["prlimit", "--rtprio=0", "--nice=0", ...setpriv];
  assertEquals(await child("realtime", ...wrapper), {
    problems: [REFUSED],
    own: ORDINARY,
    helpers: [ORDINARY],
    slice: expectedSlice(),
  });
});

Deno.test("becomePunctual: the highest nice value where a control group refuses only real time", () => {
  const nice: (readonly [number, number | undefined])[] = [];
  const problems = becomePunctual(true, {
    setSlice: () => {},
    setRealtime: () => {
      throw new SyscallError("sched_setscheduler", EPERM);
    },
    setNice: (value, tid) => void nice.push([value, tid]),
    threadsNamed: (name) => name === "V8 DefaultWorker" ? [7, 8] : [],
  });
  assertEquals(problems, [`${REFUSED}; nice -20 instead`]);
  assertEquals(nice, [[-20, 0], [-20, 7], [-20, 8]]);
});
