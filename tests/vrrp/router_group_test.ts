/** The state machine as a member of a sync group: ready instead of active, and following the group's word. */
import type { Event, State } from "../../mod/vrrp/state.ts";
import {
  active,
  add,
  announce,
  backup,
  deadline,
  DOWN,
  faulty,
  fine,
  heard,
  HIGHER,
  LOWER,
  moved,
  nginxDown,
  noHandover,
  promoted,
  reconfigured,
  remind,
  remove,
  renew,
  router,
  send,
  sentAt,
  shutdown,
  TAKEOVER,
  testSteps,
  waiting,
} from "./router_fixture.ts";

const grouped = { ...router, isGrouped: true };
const firm = { ...grouped, standsFirm: true };
const delayed = { ...grouped, preemptDelayMs: 10_000 };
const ready: State = { ...backup, ready: "no active router was heard" };
const lead: Event = { type: "follow", to: "active", reason: "its sync group is ready" };
const leave: Event = { type: "follow", to: "backup", reason: "sync group gw: in is BACKUP" };
const released: State & { name: "active" } = {
  ...active,
  adverAtMs: Infinity,
  handover: {
    cause: "release",
    reason: "on demand",
    untilMs: 2600,
    repeatAtMs: [],
    next: { name: "backup" },
  },
};
const yielding: State & { name: "active" } = {
  ...active,
  sentAtMs: 1050,
  adverAtMs: Infinity,
  handover: {
    cause: "group",
    reason: "sync group gw: in is BACKUP",
    untilMs: 2050,
    repeatAtMs: [1100, 1150],
    next: { name: "backup" },
  },
};
const conflict = { lastAtMs: 1000, allowanceUsedUntilMs: 0, announcements: 1 };
/** As after a start, at that moment. */
function listening(nowMs: number): State {
  return { ...backup, activeDownAtMs: nowMs + DOWN };
}

testSteps("of a member that listens", [
  ["silence makes it ready, and nothing else", grouped, backup, deadline, 1500, ready, []],
  ["ready, it waits for its group", grouped, ready, deadline, 9000, ready, []],
  ["its group takes over", grouped, ready, lead, 9000, promoted(9000), [
    send(100),
    add,
    announce,
    moved("backup", "active", "no active router was heard"),
  ]],
  ["who is not ready is not made active", grouped, backup, lead, 1200, backup, []],
  ["nor told to leave", grouped, ready, leave, 1200, ready, []],
  ["a better router is back: it is ready no longer", grouped, ready, heard(200), 9000, {
    ...listening(9000),
    heard: { source: HIGHER, priority: 200 },
  } as State, []],
  ["a lower one keeps it ready", grouped, ready, heard(50), 9000, {
    ...ready,
    heard: { source: HIGHER, priority: 50 },
  } as State, []],
  [
    "its active router resigns: ready, after the short wait",
    grouped,
    {
      ...backup,
      activeDownAtMs: 1000 + TAKEOVER,
      takeover: "the active router resigned",
    },
    deadline,
    1020,
    {
      ...backup,
      activeDownAtMs: 1000 + TAKEOVER,
      takeover: "the active router resigned",
      ready: "the active router resigned",
    },
    [],
  ],
  ["the preempt delay is over", delayed, { ...backup, preemptAtMs: 1100 }, deadline, 1100, {
    ...backup,
    preemptAtMs: 1100,
    ready: "preempt delay is over, priority 100 is higher",
  }, []],
  [
    "and stays so, although the lower one goes on",
    delayed,
    { ...backup, preemptAtMs: 1100, ready: "preempt delay is over, priority 100 is higher" },
    heard(50),
    1200,
    {
      ...listening(1200),
      heard: { source: HIGHER, priority: 50 },
      preemptAtMs: 1100,
      ready: "preempt delay is over, priority 100 is higher",
    } as State,
    [],
  ],
  [
    "its group is no more: it listens anew, as if it had always been alone",
    router,
    ready,
    reconfigured,
    9000,
    listening(9000),
    [],
  ],
  [
    "its own priority falls below that of the one whom it was ready to preempt",
    grouped,
    { ...ready, heard: { source: HIGHER, priority: 80 } },
    { type: "priority", priority: 50 },
    9000,
    { ...listening(9000), priority: 50, heard: { source: HIGHER, priority: 80 } } as State,
    [],
  ],
  ["a fault ends it", grouped, ready, nginxDown, 9000, { ...faulty, faults: ["nginx: dead"] }, [
    moved("backup", "fault", "nginx: dead"),
  ]],
  ["a stop ends it", grouped, ready, shutdown, 9000, { ...waiting, waiting: ["stopped"] }, [
    moved("backup", "initialize", "stopped"),
  ]],
]);

testSteps("of a member that begins", [
  ["an owner is ready at once, not active", grouped, { ...waiting, priority: 255 }, fine, 1000, {
    ...backup,
    priority: 255,
    activeDownAtMs: 1000 + 300 + 100 / 256,
    ready: "ready; address owner",
  }, [moved("initialize", "backup", "ready; address owner")]],
  [
    "what the run before has left goes, where its group cannot go on",
    grouped,
    { ...waiting, waiting: [], resumeUntilMs: 1400 },
    leave,
    1000,
    { ...waiting, waiting: [] },
    [remove],
  ],
  ["told without such an inheritance, it stays as it is", grouped, waiting, leave, 1000, waiting, []],
]);

testSteps("of a member that serves", [
  [
    "its group leaves: it resigns, and serves until another one does",
    grouped,
    active,
    leave,
    1050,
    yielding,
    [
      send(0),
    ],
  ],
  ["without handover at once", { ...noHandover, isGrouped: true }, active, leave, 1050, listening(1050), [
    send(0),
    remove,
    moved("active", "backup", "sync group gw: in is BACKUP"),
  ]],
  [
    "at once, where another one serves already",
    grouped,
    { ...active, conflict },
    leave,
    1050,
    listening(1050),
    [
      send(0),
      remove,
      moved("active", "backup", "sync group gw: in is BACKUP"),
    ],
  ],
  ["at once, after a silence in which the peers took over", grouped, active, leave, 1500, listening(1500), [
    send(0),
    remove,
    moved("active", "backup", "sync group gw: in is BACKUP"),
  ]],
  ["another one has taken over", grouped, yielding, heard(50), 1150, {
    ...listening(1150),
    heard: { source: HIGHER, priority: 50 },
  } as State, [
    remind,
    remove,
    moved("active", "backup", "sync group gw: in is BACKUP; handed over to priority 50"),
  ]],
  ["nobody did in time: it goes all the same", grouped, yielding, deadline, 2050, listening(2050), [
    remove,
    moved("active", "backup", "sync group gw: in is BACKUP"),
  ]],
  ["its group stays after all", grouped, yielding, lead, 1100, {
    ...active,
    ...sentAt(1100),
  }, [send(100)]],
  ["told again, nothing is new", grouped, yielding, leave, 1100, yielding, []],
  ["an operator's release becomes the group's", grouped, released, leave, 1100, {
    ...released,
    handover: { ...released.handover!, cause: "group", untilMs: 2100 },
  }, []],
  ["an operator's release is not called off by the group", grouped, released, lead, 1100, released, []],
  [
    "another member decides: a better router is told, and healed after",
    firm,
    { ...active, announcedAtMs: 1040 },
    heard(200),
    1050,
    {
      ...active,
      ...sentAt(1050),
      announcedAtMs: 1050,
      announceAtMs: [2050, 6050],
      conflict: { lastAtMs: 1050, allowanceUsedUntilMs: 0, announcements: 1 },
    },
    [send(100), announce],
  ],
  [
    "without that word it is followed, as by anybody",
    grouped,
    { ...active, renewAtMs: 1040 },
    heard(100, LOWER),
    1050,
    {
      ...active,
      renewAtMs: 1040,
      ...sentAt(1050),
      announcedAtMs: 1050,
      announceAtMs: [2050, 6050],
      conflict: { lastAtMs: 1050, allowanceUsedUntilMs: 0, announcements: 1 },
    },
    [send(100), announce],
  ],
  ["the lease is renewed while it yields", grouped, { ...yielding, renewAtMs: 1060 }, deadline, 1060, {
    ...yielding,
    renewAtMs: 2060,
  }, [renew]],
]);
