/** Ten thousand hours of clusters in trouble: the real core and the real codec keep every promise. */
import { assertEquals } from "@std/assert";
import { makeStory } from "./generate.ts";
import { explain, hunt } from "./hunt.ts";

const PARTS = 10;
const HOURS = 1000;

for (let part = 0; part < PARTS; part++) {
  const seed = 1 + part * 1_000_000;
  Deno.test(`${HOURS} hours from story ${seed} on`, () => {
    const { failure, hours } = hunt({ seed, hours: HOURS });
    assertEquals(failure === null ? "well" : explain(failure.seed, failure.violation), "well");
    assertEquals(hours >= HOURS, true);
  });
}

Deno.test("the stories have everything in them", () => {
  const seen = new Set<string>();
  for (let seed = 1; seed <= 1000; seed++) {
    const { version, family, advertisementInterval, routers, network, actions } = makeStory(seed);
    seen.add(`v${version}`).add(`IPv${family}`).add(`${advertisementInterval * 10} ms`);
    seen.add(`${routers.length} routers`);
    for (const { kind, priority, preempt, preemptDelayMs, handover, leaseMs } of routers) {
      seen.add(kind).add(preempt ? "preempt" : "nopreempt");
      if (preemptDelayMs > 0) seen.add("preempt delay");
      if (priority === 255) seen.add("owner");
      if (!handover && kind === "vipd") seen.add("no handover");
      if (leaseMs === 0) seen.add("no lease");
    }
    if (new Set(routers.map(({ priority }) => priority)).size === 1) seen.add("equal priorities");
    for (const [name, value] of Object.entries(network)) if (value > 0) seen.add(name);
    for (const { type } of actions) seen.add(type);
  }
  assertEquals([...seen].sort(), EVERYTHING.toSorted());
});

const EVERYTHING = [
  ...["v2", "v3", "IPv4", "IPv6", "10 ms", "100 ms", "1000 ms"],
  ...["2 routers", "3 routers", "4 routers", "5 routers", "vipd", "keepalived"],
  ...["preempt", "nopreempt", "preempt delay", "owner", "no handover", "no lease", "equal priorities"],
  ...["delayMs", "jitterMs", "loss", "duplication", "reordering", "corruption"],
  ...[
    "cut",
    "mendAll",
    "split",
    "linkDown",
    "linkUp",
    "kill",
    "powerOff",
    "stop",
    "start",
    "pause",
    "resume",
  ],
  ...["checkFails", "checkPasses", "mustWait", "needNotWait", "weight", "reload"],
];
