/** Whether an active router heard another one that should not be: for programs that take something back. */
import { assertEquals } from "@std/assert";
import { type Forerunner, forerunnerOf, type Rival, rivalOf } from "../../mod/vrrp/rivals.ts";
import { step } from "../../mod/vrrp/router.ts";
import type { Event, State, VirtualRouter } from "../../mod/vrrp/state.ts";
import { active, backup, HIGHER, LOWER, router } from "./router_fixture.ts";

const NOW = 1_050;

function adv(priority: number, source = LOWER): Event {
  return { type: "advertisement", advertisement: { source, priority, maxAdvertiseInterval: 10 } };
}

const REMINDER: Event = { type: "reminder", source: LOWER };
const unicast: VirtualRouter = { ...router, unicast: true };
const forerunner: Forerunner = { source: LOWER, untilMs: NOW + 1 };
const LOW: Rival = { source: "192.0.2.1", priority: 50, hasYielded: false };
const YIELDED: Rival = { source: "192.0.2.1", priority: null, hasYielded: true };

const ROWS: readonly [string, VirtualRouter, State, Event, Forerunner | null, Rival | null][] = [
  ["a lower priority is a rival", router, active, adv(50), null, LOW],
  ["so is an equal one with a lower address", router, active, adv(100), null, { ...LOW, priority: 100 }],
  ["a higher one is right: this router yields", router, active, adv(150), null, null],
  ["a backup hears the active router, and no rival", router, backup, adv(50), null, null],
  ["a resignation tells of nobody who stays", router, active, adv(0), null, null],
  ["a reminder says that it has yielded", router, active, REMINDER, null, YIELDED],
  ["with unicast peers so does priority 1", unicast, active, adv(1), null, YIELDED],
  ["whom it took over from says its last words", router, active, adv(50), forerunner, null],
  ["and reminds", router, active, REMINDER, forerunner, null],
  ["but not for ever", router, active, adv(50), { ...forerunner, untilMs: NOW }, LOW],
  [
    "and another one is a rival all the same",
    router,
    active,
    adv(50),
    { ...forerunner, source: HIGHER },
    LOW,
  ],
  [
    "who hands over answers nobody",
    router,
    {
      ...active,
      handover: { cause: "shutdown", untilMs: 9_000, repeatAtMs: [], reason: "", next: { name: "backup" } },
    },
    adv(50),
    null,
    null,
  ],
  ["a deadline is no news of others", router, active, { type: "deadline" }, null, null],
];

for (const [name, vr, before, event, known, expected] of ROWS) {
  Deno.test(`rivalOf(): ${name}`, () => {
    const { state: after } = step(vr, before, event, NOW);
    assertEquals(rivalOf(vr, known, { before, event, after, nowMs: NOW }), expected);
  });
}

Deno.test("forerunnerOf() is the active router that a backup knew", () => {
  const heard = { source: LOWER, priority: 50 };
  assertEquals(forerunnerOf(router, { ...backup, heard }, 1_000), { source: LOWER, untilMs: 1_360.9375 });
  assertEquals(forerunnerOf(router, backup, 1_000), null);
  assertEquals(forerunnerOf(router, active, 1_000), null);
});
