/** How the VRRP thread asks for its time, in children of their own: the test runner stays ordinary. */
import { assertEquals } from "@std/assert";
import { REALTIME_PRIORITY } from "../../mod/vrrp/realtime.ts";

const CHILD = new URL("./realtime_child.ts", import.meta.url).pathname;
const ORDINARY = "policy 0 priority 0";

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
    own: `policy 2 priority ${REALTIME_PRIORITY}`,
    helpers: [`policy 2 priority ${REALTIME_PRIORITY - 1}`],
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
  const without = ["prlimit", "--rtprio=0", "setpriv", "--bounding-set=-sys_nice", "--inh-caps=-sys_nice"];
  assertEquals(await child("realtime", ...without), {
    problems: ["no real-time scheduling: sched_setscheduler: EPERM: Operation not permitted"],
    own: ORDINARY,
    helpers: [ORDINARY],
    slice: expectedSlice(),
  });
});
