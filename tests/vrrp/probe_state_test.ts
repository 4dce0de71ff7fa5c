/** The wait before a takeover for somebody who may have the addresses. */
import { assertEquals } from "@std/assert";
import { step } from "../../mod/vrrp/router.ts";
import { type Backup, deadlineMs, type State, type VirtualRouter } from "../../mod/vrrp/state.ts";
import { active, backup, fine, HIGHER, LOWER, router, waiting } from "./router_fixture.ts";

const asks: VirtualRouter = { ...router, probe: { waitMs: 200 } };
const reports: VirtualRouter = { ...router, probe: { waitMs: 0 } };
const due: Backup = { ...backup, activeDownAtMs: 1000 };
const types = (effects: readonly { readonly type: string }[]): string[] => effects.map(({ type }) => type);
const PROMOTION = ["sendAdvertisement", "addAddresses", "announceAddresses", "transition"];

/** The state after the wait has begun, at 1000. */
function probing(): Backup {
  const { state, effects } = step(asks, due, { type: "deadline" }, 1000);
  assertEquals(types(effects), ["probeAddresses"]);
  return state as Backup;
}

Deno.test("probe: nobody waits to report; it is asked last", () => {
  const { state, effects } = step(reports, due, { type: "deadline" }, 1000);
  assertEquals([state.name, types(effects)], ["active", [...PROMOTION, "probeAddresses"]]);
});

Deno.test("probe: who has asked waits, and is active when nobody has answered", () => {
  const state = probing();
  assertEquals([state.name, deadlineMs(state)], ["backup", 1200]);
  assertEquals(step(asks, state, { type: "deadline" }, 1199), { state, effects: [] });
  const { state: after, effects } = step(asks, state, { type: "deadline" }, 1200);
  assertEquals([after.name, types(effects)], ["active", [...PROMOTION, "probeAddresses"]]);
  assertEquals(effects[3], {
    type: "transition",
    from: "backup",
    to: "active",
    reason: "no active router was heard",
  });
});

Deno.test("probe: an answer is a condition that is waited for", () => {
  const event = { ...fine, waiting: ["192.0.2.10 is in use by 02:00:00:00:00:66"] } as typeof fine;
  const { state, effects } = step(asks, probing(), event, 1100);
  assertEquals([state.name, types(effects)], ["initialize", ["transition"]]);
  const { state: again } = step(asks, state, fine, 5000);
  assertEquals([again.name, (again as Backup).probe], ["backup", undefined]);
});

Deno.test("probe: a better router ends the wait, a worse one that resigns does not", () => {
  const heard = (source: Uint8Array, priority: number): State =>
    step(asks, probing(), {
      type: "advertisement",
      advertisement: { source, priority, maxAdvertiseInterval: 10 },
    }, 1100).state;
  const better = heard(HIGHER, 150) as Backup;
  assertEquals([better.probe, deadlineMs(better) > 1400], [undefined, true]);
  const resigned = heard(LOWER, 0) as Backup;
  assertEquals([resigned.probe?.untilMs, deadlineMs(resigned)], [1200, 1200]);
});

Deno.test("probe: an owner asks before it begins; who resumes has the addresses already", () => {
  const owner = { ...waiting, priority: 255 };
  const { state, effects } = step(asks, owner, fine, 1000);
  assertEquals([state.name, types(effects)], ["backup", ["transition", "probeAddresses"]]);
  assertEquals(step(asks, state, { type: "deadline" }, 1200).state.name, "active");
  const resuming = { ...waiting, resumeUntilMs: 2000 };
  assertEquals(step(asks, resuming, fine, 1000).state.name, "active");
});

Deno.test("probe: an active router that is reconfigured asks nobody", () => {
  assertEquals(types(step(asks, active, { type: "reconfigured" }, 1100).effects), [
    "sendAdvertisement",
    "renewAddresses",
  ]);
});
