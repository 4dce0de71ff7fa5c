/** The state machine in BACKUP: timers, preemption, resignations, fast demotion. */
import { assertEquals } from "@std/assert";
import { takeoverSkewMs } from "../../mod/vrrp/backup.ts";
import type { Effect, State } from "../../mod/vrrp/state.ts";
import {
  active,
  add,
  announce,
  backup,
  deadline,
  delayed,
  DOWN,
  faulty,
  fine,
  heard,
  HIGHER,
  linkDown,
  LOWER,
  moved,
  noHandover,
  noInterface,
  nopreempt,
  plain,
  promoted,
  reconfigured,
  router,
  type Row,
  send,
  sentAt,
  shutdown,
  SKEW,
  TAKEOVER,
  testSteps,
  v2,
  waiting,
} from "./router_fixture.ts";

const silent = backup.activeDownAtMs;
const resigned: State = {
  ...backup,
  activeDownAtMs: 1218,
  heard: { source: HIGHER, priority: 0 },
  takeover: "the active router resigned",
};
const follows: State = { ...backup, heard: { source: HIGHER, priority: 110 } };

/** The order is part of the contract: the advertisement first, then addresses, then announcements. */
function promotion(reason: string): Effect[] {
  return [send(100), add, announce, moved("backup", "active", reason)];
}

const ROWS: readonly Row[] = [
  ["too early", router, backup, deadline, silent - 1, backup, []],
  [
    "nobody there: advert first, then addresses, then announcements",
    router,
    backup,
    deadline,
    silent,
    promoted(silent),
    promotion("no active router was heard"),
  ],
  [
    "the active router fell silent",
    router,
    follows,
    deadline,
    silent,
    promoted(silent),
    promotion("the active router fell silent"),
  ],
  ["nothing but the advert when nothing else is asked for", plain, backup, deadline, 2000, {
    ...active,
    ...sentAt(2000),
    announcedAtMs: 2000,
  }, promotion("no active router was heard")],
  ["a higher advert re-arms", router, backup, heard(110), 1200, {
    ...backup,
    activeDownAtMs: 1200 + DOWN,
    heard: { source: HIGHER, priority: 110 },
  }, []],
  ["an equal advert counts too: ties never preempt", router, backup, heard(100, LOWER), 1200, {
    ...backup,
    activeDownAtMs: 1200 + DOWN,
    heard: { source: LOWER, priority: 100 },
  }, []],
  ["v3 adopts the active router's interval", router, backup, heard(110, HIGHER, 100), 1200, {
    ...backup,
    activeAdverInterval: 100,
    activeDownAtMs: 1200 + 3609.375,
    heard: { source: HIGHER, priority: 110 },
  }, []],
  ["v2 keeps its own interval", v2, { ...backup, activeAdverInterval: 100 }, heard(110, HIGHER, 200), 1200, {
    ...backup,
    activeAdverInterval: 100,
    activeDownAtMs: 1200 + 3609.375,
    heard: { source: HIGHER, priority: 110 },
  }, []],
  ["a lower advert is ignored and leaves the running timer alone", router, backup, heard(90), 1200, {
    ...backup,
    heard: { source: HIGHER, priority: 90 },
  }, []],
  [
    "preemption names both priorities",
    router,
    { ...backup, heard: { source: HIGHER, priority: 90 } },
    deadline,
    silent,
    promoted(silent),
    promotion("priority 100 is higher than the active router's 90"),
  ],
  ["no preemption: a lower advert counts", nopreempt, backup, heard(90), 1200, {
    ...backup,
    activeDownAtMs: 1200 + DOWN,
    heard: { source: HIGHER, priority: 90 },
  }, []],
  [
    "the active router resigns: the best backup goes first after a short skew",
    router,
    follows,
    heard(0),
    1200,
    {
      ...backup,
      activeDownAtMs: 1200 + TAKEOVER,
      heard: { source: HIGHER, priority: 0 },
      takeover: "the active router resigned",
    },
    [],
  ],
  ["without preemption too", nopreempt, follows, heard(0), 1200, {
    ...backup,
    activeDownAtMs: 1200 + TAKEOVER,
    heard: { source: HIGHER, priority: 0 },
    takeover: "the active router resigned",
  }, []],
  ["handover switched off: wait the RFC's skew (§6.4.2)", noHandover, follows, heard(0), 1200, {
    ...backup,
    activeDownAtMs: 1200 + SKEW,
    heard: { source: HIGHER, priority: 0 },
  }, []],
  [
    "somebody else resigns: the RFC's skew, the active router will answer",
    router,
    follows,
    heard(0, LOWER),
    1200,
    {
      ...backup,
      activeDownAtMs: 1200 + SKEW,
      heard: { source: LOWER, priority: 0 },
    },
    [],
  ],
  [
    "the resignation is repeated: the wait does not begin anew",
    router,
    resigned,
    heard(0),
    1210,
    resigned,
    [],
  ],
  ["nor when it is somebody else's", router, resigned, heard(0, LOWER), 1210, {
    ...resigned,
    heard: { source: LOWER, priority: 0 },
  }, []],
  ["a better backup went first: stand back", router, resigned, heard(105, LOWER), 1210, {
    ...backup,
    activeDownAtMs: 1210 + DOWN,
    heard: { source: LOWER, priority: 105 },
  }, []],
  ["the active router takes it back: stand back", router, resigned, heard(110), 1210, {
    ...backup,
    activeDownAtMs: 1210 + DOWN,
    heard: { source: HIGHER, priority: 110 },
  }, []],
  ["without preemption any other one that serves will do", nopreempt, resigned, heard(90, LOWER), 1210, {
    ...backup,
    activeDownAtMs: 1210 + DOWN,
    heard: { source: LOWER, priority: 90 },
  }, []],
  [
    "the short skew never lengthens a wait",
    router,
    { ...backup, activeDownAtMs: 1201, heard: { source: HIGHER, priority: 110 } },
    heard(0),
    1200,
    {
      ...backup,
      activeDownAtMs: 1201,
      heard: { source: HIGHER, priority: 0 },
      takeover: "the active router resigned",
    },
    [],
  ],
  [
    "the resignation is the reason",
    router,
    { ...backup, heard: { source: HIGHER, priority: 0 } },
    deadline,
    silent,
    promoted(silent),
    promotion("the active router resigned"),
  ],
  ["preempt delay: the first lower advert starts it and counts", delayed, backup, heard(90), 1200, {
    ...backup,
    activeDownAtMs: 1200 + DOWN,
    preemptAtMs: 11_200,
    heard: { source: HIGHER, priority: 90 },
  }, []],
  [
    "preempt delay: later ones do not prolong it",
    delayed,
    { ...backup, preemptAtMs: 11_200 },
    heard(90),
    1300,
    {
      ...backup,
      activeDownAtMs: 1300 + DOWN,
      preemptAtMs: 11_200,
      heard: { source: HIGHER, priority: 90 },
    },
    [],
  ],
  [
    "preempt delay: a higher advert resets it",
    delayed,
    { ...backup, preemptAtMs: 11_200 },
    heard(110),
    1300,
    {
      ...backup,
      activeDownAtMs: 1300 + DOWN,
      heard: { source: HIGHER, priority: 110 },
    },
    [],
  ],
  [
    "preempt delay: over",
    delayed,
    { ...backup, activeDownAtMs: 12_000, preemptAtMs: 11_200 },
    deadline,
    11_200,
    promoted(11_200),
    promotion("preempt delay is over, priority 100 is higher"),
  ],
  [
    "reconfigured: the timer starts anew with the new interval",
    router,
    { ...backup, activeAdverInterval: 100 },
    reconfigured,
    1200,
    {
      ...backup,
      activeDownAtMs: 1200 + DOWN,
    },
    [],
  ],
  [
    "reconfigured: an adopted interval stays",
    router,
    { ...follows, activeAdverInterval: 100 } as State,
    reconfigured,
    1200,
    {
      ...(follows as typeof backup),
      activeAdverInterval: 100,
      activeDownAtMs: 1200 + 3609.375,
    },
    [],
  ],
  ["reconfigured: a takeover that is pending stays", router, resigned, reconfigured, 1210, resigned, []],
  ["fast demotion: the active router falls below", router, follows, heard(90), 1200, {
    ...backup,
    activeDownAtMs: 1200 + TAKEOVER,
    heard: { source: HIGHER, priority: 90 },
    takeover: "the active router fell from priority 110 to 90, below 100",
  }, []],
  [
    "its next low advert does not call the takeover off",
    delayed,
    {
      ...backup,
      activeDownAtMs: 1218,
      heard: { source: HIGHER, priority: 90 },
      takeover: "the active router fell from priority 110 to 90, below 100",
    },
    heard(90),
    1210,
    {
      ...backup,
      activeDownAtMs: 1218,
      heard: { source: HIGHER, priority: 90 },
      takeover: "the active router fell from priority 110 to 90, below 100",
    },
    [],
  ],
  ["fast demotion needs preemption", nopreempt, follows, heard(90), 1200, {
    ...backup,
    activeDownAtMs: 1200 + DOWN,
    heard: { source: HIGHER, priority: 90 },
  }, []],
  ["fast demotion does not wait for the preempt delay", delayed, follows, heard(90), 1200, {
    ...backup,
    activeDownAtMs: 1200 + TAKEOVER,
    heard: { source: HIGHER, priority: 90 },
    takeover: "the active router fell from priority 110 to 90, below 100",
  }, []],
  ["a fall that stays above is none", router, follows, heard(105), 1200, {
    ...backup,
    activeDownAtMs: 1200 + DOWN,
    heard: { source: HIGHER, priority: 105 },
  }, []],
  ["another router's low advert is no fall", router, follows, heard(90, LOWER), 1200, {
    ...backup,
    heard: { source: LOWER, priority: 90 },
  }, []],
  [
    "another priority shifts the running deadline by the skew's difference",
    router,
    backup,
    { type: "priority", priority: 200 },
    1200,
    {
      ...backup,
      priority: 200,
      activeDownAtMs: 1000 + 300 + 56 / 256 * 100,
    },
    [],
  ],
  [
    "another priority does not shift a takeover",
    router,
    { ...backup, takeover: "x" },
    { type: "priority", priority: 200 },
    1200,
    {
      ...backup,
      priority: 200,
      takeover: "x",
    },
    [],
  ],
  ["fault in backup", router, backup, linkDown, 1200, faulty, [moved("backup", "fault", "eth0 is down")]],
  ["interface gone in backup", router, backup, noInterface, 1200, {
    ...waiting,
    waiting: ["interface eth0 does not exist"],
  }, [moved("backup", "initialize", "interface eth0 does not exist")]],
  ["all is well in backup", router, backup, fine, 1200, backup, []],
  ["shutdown in backup says nothing on the wire", router, backup, shutdown, 1200, {
    ...waiting,
    waiting: ["stopped"],
  }, [
    moved("backup", "initialize", "stopped"),
  ]],
];

testSteps("backups", ROWS);

Deno.test("takeoverSkewMs is at most the protocol's skew and lets the best go first", () => {
  assertEquals(takeoverSkewMs(router, 100, 10), TAKEOVER);
  assertEquals(takeoverSkewMs(router, 100, 1), 156 / 256 * 10);
  assertEquals(takeoverSkewMs(router, 254, 10) < takeoverSkewMs(router, 253, 10), true);
});
