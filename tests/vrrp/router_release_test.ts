/** The state machine when the operator asks a router to leave: only to somebody who takes over. */
import { reminderTo } from "../../mod/vrrp/reminding.ts";
import type { Event, State, VirtualRouter } from "../../mod/vrrp/state.ts";
import {
  active,
  backup,
  deadline,
  DOWN,
  faulty,
  heard,
  HIGHER,
  leaving,
  moved,
  nginxDown,
  remove,
  router,
  type Row,
  send,
  sentAt,
  shutdown,
  TAKEOVER,
  testSteps,
  waiting,
} from "./router_fixture.ts";

const toBackup: Event = { type: "release", reason: "on demand", next: { name: "backup" }, timeoutMs: 600 };
const toInit: Event = {
  type: "release",
  reason: "maintenance",
  next: { name: "initialize", reasons: ["maintenance"] },
  timeoutMs: 600,
};

function releasing({ reason, next }: Event & { type: "release" }): State & { name: "active" } {
  return {
    ...active,
    sentAtMs: 1050,
    adverAtMs: Infinity,
    handover: { cause: "release", untilMs: 1650, repeatAtMs: [], reason, next },
  };
}

const heldBack: VirtualRouter = { ...router, heldBack: true };
const heardPeer = { source: HIGHER, priority: 90 };
/** It follows a router of lower priority. */
const following: State = { ...backup, activeDownAtMs: 1060 + DOWN, heard: heardPeer };
const later: State = { ...following, activeDownAtMs: 1080 + DOWN };

const ROWS: readonly Row[] = [
  ["on demand: resign, but serve on", router, active, toBackup, 1050, releasing(toBackup), [send(0)]],
  ["somebody took over: let go, stand by", router, releasing(toBackup), heard(90), 1080, later, [
    reminderTo(HIGHER),
    remove,
    moved("active", "backup", "on demand; handed over to priority 90"),
  ]],
  [
    "somebody took over: let go, stay out",
    router,
    releasing(toInit),
    heard(90),
    1080,
    { ...waiting, waiting: ["maintenance"] },
    [reminderTo(HIGHER), remove, moved("active", "initialize", "maintenance; handed over to priority 90")],
  ],
  ["nobody took over: serve on", router, releasing(toInit), deadline, 1650, {
    ...active,
    ...sentAt(1650),
  }, [send(100)]],
  ["who leaves already goes on leaving", router, leaving, toBackup, 1060, leaving, []],
  ["a stop goes first", router, releasing(toBackup), shutdown, 1100, {
    ...leaving,
    handover: { ...leaving.handover!, untilMs: 2100, repeatAtMs: [] },
  }, []],
  ["a fault goes first, at the end that was set", router, releasing(toBackup), nginxDown, 1100, {
    ...leaving,
    handover: {
      cause: "conditions",
      untilMs: 1650,
      repeatAtMs: [],
      reason: "nginx: dead",
      next: { name: "fault", reasons: ["nginx: dead"] },
    },
  }, []],
  ["a backup has nothing to release", router, backup, toBackup, 1050, backup, []],
  ["nor has who stands still", router, waiting, toBackup, 1050, waiting, []],
  ["nor has who is broken", router, faulty, toBackup, 1050, faulty, []],
  ["held back: it follows a lower active router", heldBack, backup, heard(90), 1060, following, []],
  [
    "held back: it takes over when that one falls",
    heldBack,
    { ...backup, heard: heardPeer },
    heard(70),
    1060,
    {
      ...backup,
      activeDownAtMs: 1060 + TAKEOVER,
      heard: { source: HIGHER, priority: 70 },
      takeover: "the active router fell from priority 90 to 70, below 100",
    },
    [],
  ],
];

testSteps("released", ROWS);
