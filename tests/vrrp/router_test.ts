/** The state machine as tables: every row compares the whole next state and all effects, in their order. */
import { assertEquals } from "@std/assert";
import {
  deadlineMs,
  type Effect,
  type Event,
  initialState,
  type State,
  type VirtualRouter,
} from "../../mod/vrrp/state.ts";
import { takeoverSkewMs } from "../../mod/vrrp/backup.ts";
import { step } from "../../mod/vrrp/router.ts";

const OWN = Uint8Array.of(192, 0, 2, 2);
const LOWER = Uint8Array.of(192, 0, 2, 1);
const HIGHER = Uint8Array.of(192, 0, 2, 3);

/** v3, 100 ms: skew of priority 100 is 156/256 * 100 = 60.9375 ms, active-down interval 360.9375 ms. */
const router: VirtualRouter = {
  version: 3,
  vrid: 51,
  advertisementInterval: 10,
  primaryAddress: OWN,
  preemptMode: true,
  preemptDelayMs: 0,
  handover: { enabled: true, timeoutMs: 1000 },
  announce: { delayMs: 5000, refreshMs: 60_000 },
  renewMs: 1000,
};
const v2: VirtualRouter = { ...router, version: 2, advertisementInterval: 100 };
const nopreempt: VirtualRouter = { ...router, preemptMode: false };
const delayed: VirtualRouter = { ...router, preemptDelayMs: 10_000 };
const noHandover: VirtualRouter = { ...router, handover: { enabled: false, timeoutMs: 1000 } };
const plain: VirtualRouter = { ...router, announce: { delayMs: 0, refreshMs: 0 }, renewMs: 0 };

const SKEW = 60.9375;
const DOWN = 360.9375;
/** 30 ms * 156/256 */
const TAKEOVER = 18.28125;

const backup: State & { name: "backup" } = {
  name: "backup",
  priority: 100,
  activeAdverInterval: 10,
  activeDownAtMs: 1000 + DOWN,
  preemptAtMs: Infinity,
  heard: null,
  takeover: null,
};
const active: State & { name: "active" } = {
  name: "active",
  priority: 100,
  sentAtMs: 1000,
  adverAtMs: 1100,
  announcedAtMs: -5000,
  announceAtMs: [],
  conflict: null,
  refreshAtMs: Infinity,
  renewAtMs: Infinity,
  handover: null,
};
const waiting: State = { name: "initialize", priority: 100, waiting: ["starting"], readyAtMs: 0 };
const faulty: State = { name: "fault", priority: 100, faults: ["eth0 is down"] };

const fine: Event = { type: "conditions", waiting: [], faults: [], reachable: true };
const linkDown: Event = { type: "conditions", waiting: [], faults: ["eth0 is down"], reachable: false };
const nginxDown: Event = { type: "conditions", waiting: [], faults: ["nginx: dead"], reachable: true };
const noInterface: Event = {
  type: "conditions",
  waiting: ["interface eth0 does not exist"],
  faults: [],
  reachable: false,
};
const deadline: Event = { type: "deadline" };
const reconfigured: Event = { type: "reconfigured" };
const shutdown: Event = { type: "shutdown", reason: "stopped" };

function heard(priority: number, source = HIGHER, maxAdvertiseInterval = 10): Event {
  return { type: "advertisement", advertisement: { source, priority, maxAdvertiseInterval } };
}

const add: Effect = { type: "addAddresses" };
const remove: Effect = { type: "removeAddresses" };
const announce: Effect = { type: "announceAddresses" };
const renew: Effect = { type: "renewAddresses" };

function send(priority: number): Effect {
  return { type: "sendAdvertisement", priority };
}

function moved(from: State["name"], to: State["name"], reason: string): Effect {
  return { type: "transition", from, to, reason };
}

type Row = readonly [
  name: string,
  router: VirtualRouter,
  state: State,
  event: Event,
  nowMs: number,
  next: State,
  effects: readonly Effect[],
];

/** An advertisement went out at `atMs`, the next one is due `everyMs` later. */
function sentAt(atMs: number, everyMs = 100): { sentAtMs: number; adverAtMs: number } {
  return { sentAtMs: atMs, adverAtMs: atMs + everyMs };
}

const promoted = (nowMs: number): State => ({
  ...active,
  ...sentAt(nowMs),
  announcedAtMs: nowMs,
  announceAtMs: [nowMs + 5000],
  refreshAtMs: nowMs + 60_000,
  renewAtMs: nowMs + 1000,
});

const stopped: readonly Row[] = [
  ["ready: listens first (§6.4.1)", router, waiting, fine, 1000, backup, [
    moved("initialize", "backup", "ready"),
  ]],
  ["v2 waits 3 intervals and the skew of a second", v2, waiting, fine, 1000, {
    ...backup,
    activeAdverInterval: 100,
    activeDownAtMs: 1000 + 3609.375,
  }, [moved("initialize", "backup", "ready")]],
  ["an owner is active at once", router, { ...waiting, priority: 255 }, fine, 1000, {
    ...(promoted(1000) as typeof active),
    priority: 255,
  }, [send(255), add, announce, moved("initialize", "active", "ready; address owner")]],
  ["the start-up delay holds back", router, { ...waiting, readyAtMs: 5000 }, fine, 1000, {
    ...waiting,
    waiting: [],
    readyAtMs: 5000,
  }, []],
  ["the start-up delay ends", router, { ...waiting, waiting: [], readyAtMs: 5000 }, deadline, 5000, {
    ...backup,
    activeDownAtMs: 5000 + DOWN,
  }, [moved("initialize", "backup", "start-up delay is over")]],
  [
    "the end of the delay starts nothing that still waits",
    router,
    { ...waiting, readyAtMs: 5000 },
    deadline,
    5000,
    {
      ...waiting,
      readyAtMs: 5000,
    },
    [],
  ],
  ["still waiting, for something else", router, waiting, noInterface, 1000, {
    ...waiting,
    waiting: ["interface eth0 does not exist"],
  }, []],
  ["broken before it began", router, waiting, linkDown, 1000, faulty, [
    moved("initialize", "fault", "eth0 is down"),
  ]],
  ["another fault replaces the first silently", router, faulty, nginxDown, 1000, {
    ...faulty,
    faults: ["nginx: dead"],
  }, []],
  ["recovered: listens first", router, faulty, fine, 1000, backup, [
    moved("fault", "backup", "recovered from: eth0 is down"),
  ]],
  ["from fault to waiting", router, faulty, noInterface, 1000, {
    ...waiting,
    waiting: ["interface eth0 does not exist"],
    readyAtMs: 0,
  }, [moved("fault", "initialize", "interface eth0 does not exist")]],
  ["adverts mean nothing while stopped", router, faulty, heard(200), 1000, faulty, []],
  ["reconfigured while stopped", router, faulty, reconfigured, 1000, faulty, []],
  ["a new priority is kept for later", router, faulty, { type: "priority", priority: 80 }, 1000, {
    ...faulty,
    priority: 80,
  }, []],
  ["shutdown in fault", router, faulty, shutdown, 1000, { ...waiting, waiting: ["stopped"], readyAtMs: 0 }, [
    moved("fault", "initialize", "stopped"),
  ]],
];

const silent = backup.activeDownAtMs;
const resigned: State = {
  ...backup,
  activeDownAtMs: 1218,
  heard: { source: HIGHER, priority: 0 },
  takeover: "the active router resigned",
};
const follows: State = { ...backup, heard: { source: HIGHER, priority: 110 } };

const backups: readonly Row[] = [
  ["too early", router, backup, deadline, silent - 1, backup, []],
  [
    "nobody there: advert first, then addresses, then announcements",
    router,
    backup,
    deadline,
    silent,
    promoted(silent),
    [
      send(100),
      add,
      announce,
      moved("backup", "active", "no active router was heard"),
    ],
  ],
  ["the active router fell silent", router, follows, deadline, silent, promoted(silent), [
    send(100),
    add,
    announce,
    moved("backup", "active", "the active router fell silent"),
  ]],
  ["nothing but the advert when nothing else is asked for", plain, backup, deadline, 2000, {
    ...active,
    ...sentAt(2000),
    announcedAtMs: 2000,
  }, [send(100), add, announce, moved("backup", "active", "no active router was heard")]],
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
    [
      send(100),
      add,
      announce,
      moved("backup", "active", "priority 100 is higher than the active router's 90"),
    ],
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
    [
      send(100),
      add,
      announce,
      moved("backup", "active", "the active router resigned"),
    ],
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
    [
      send(100),
      add,
      announce,
      moved("backup", "active", "preempt delay is over, priority 100 is higher"),
    ],
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

const leaving: State & { name: "active" } = {
  ...active,
  sentAtMs: 1050,
  adverAtMs: Infinity,
  handover: {
    cause: "shutdown",
    untilMs: 2050,
    repeatAtMs: [1100, 1150],
    reason: "stopped",
    next: { name: "initialize", reasons: ["stopped"] },
  },
};
const failing: State & { name: "active" } = {
  ...active,
  sentAtMs: 1050,
  adverAtMs: Infinity,
  handover: {
    cause: "conditions",
    untilMs: 2050,
    repeatAtMs: [],
    reason: "nginx: dead",
    next: { name: "fault", reasons: ["nginx: dead"] },
  },
};
const nginxFault: State = { name: "fault", priority: 100, faults: ["nginx: dead"] };
const stoppedState: State = { ...waiting, waiting: ["stopped"] };
const healing = (nowMs: number): State => ({
  ...active,
  ...sentAt(nowMs),
  announcedAtMs: nowMs,
  announceAtMs: [nowMs + 1000, nowMs + 5000],
  conflict: { lastAtMs: nowMs, announcements: 1 },
});

const actives: readonly Row[] = [
  ["not due", router, active, deadline, 1099, active, []],
  ["the advert is due, the cadence does not drift", router, active, deadline, 1103, {
    ...active,
    sentAtMs: 1103,
    adverAtMs: 1200,
  }, [send(100)]],
  ["after a long delay the cadence starts anew", router, active, deadline, 1350, {
    ...active,
    ...sentAt(1350),
  }, [
    send(100),
  ]],
  [
    "all that is due at once, the advert first",
    router,
    {
      ...active,
      announceAtMs: [1100, 5000],
      renewAtMs: 1100,
      refreshAtMs: 60_000,
    },
    deadline,
    1100,
    {
      ...active,
      ...sentAt(1100),
      announcedAtMs: 1100,
      announceAtMs: [5000],
      renewAtMs: 2100,
      refreshAtMs: 61_100,
    },
    [send(100), renew, announce],
  ],
  ["the refresh repeats", router, { ...active, refreshAtMs: 1050 }, deadline, 1050, {
    ...active,
    announcedAtMs: 1050,
    refreshAtMs: 61_050,
  }, [announce]],
  ["a higher one: last advert, addresses away, back up", router, active, heard(110), 1050, {
    ...backup,
    activeDownAtMs: 1050 + DOWN,
    heard: { source: HIGHER, priority: 110 },
  }, [send(100), remove, moved("active", "backup", "another active router has priority 110, above 100")]],
  ["a tie: the higher address wins", router, active, heard(100, HIGHER), 1050, {
    ...backup,
    activeDownAtMs: 1050 + DOWN,
    heard: { source: HIGHER, priority: 100 },
  }, [
    send(100),
    remove,
    moved("active", "backup", "another active router has priority 100 and the higher address"),
  ]],
  [
    "own adverts were late beyond the peers' patience: step back, and have the other one heal",
    router,
    active,
    heard(90),
    1301,
    {
      ...backup,
      activeDownAtMs: 1301 + DOWN,
      heard: { source: HIGHER, priority: 90 },
    },
    [
      send(0),
      remove,
      moved("active", "backup", "own advertisements were 201 ms late and another router took over"),
    ],
  ],
  ["late, but within their patience: contest", router, active, heard(90), 1300, healing(1300), [
    send(100),
    announce,
  ]],
  ["a lower priority is told at once", router, active, { type: "priority", priority: 80 }, 1050, {
    ...active,
    ...sentAt(1050),
    priority: 80,
  }, [send(80)]],
  ["a higher priority can wait for the cadence", router, active, { type: "priority", priority: 120 }, 1050, {
    ...active,
    priority: 120,
  }, []],
  [
    "reconfigured: tell the group and the kernel, set every deadline anew",
    router,
    active,
    reconfigured,
    1050,
    {
      ...active,
      ...sentAt(1050),
      refreshAtMs: 61_050,
      renewAtMs: 2050,
    },
    [send(100), renew],
  ],
  [
    "reconfigured without lease and refresh: their deadlines end",
    plain,
    {
      ...active,
      refreshAtMs: 60_000,
      renewAtMs: 1100,
    },
    reconfigured,
    1050,
    { ...active, ...sentAt(1050) },
    [send(100), renew],
  ],
  ["reconfigured while it hands over: says nothing", router, leaving, reconfigured, 1060, {
    ...leaving,
    refreshAtMs: 61_060,
    renewAtMs: 2060,
  }, [renew]],
  ["link down: nothing to hand over with", router, active, linkDown, 1050, faulty, [
    send(0),
    remove,
    moved("active", "fault", "eth0 is down"),
  ]],
  ["interface gone", router, active, noInterface, 1050, {
    ...waiting,
    waiting: ["interface eth0 does not exist"],
  }, [send(0), remove, moved("active", "initialize", "interface eth0 does not exist")]],
  ["all is well", router, active, fine, 1050, active, []],
];

const conflicts: readonly Row[] = [
  [
    "a lower one: contest and heal, whatever it heard before",
    router,
    active,
    heard(90),
    1050,
    healing(1050),
    [
      send(100),
      announce,
    ],
  ],
  [
    "a tie against a lower address: contest and heal",
    router,
    active,
    heard(100, LOWER),
    1050,
    healing(1050),
    [
      send(100),
      announce,
    ],
  ],
  ["priority 0: whoever resigns has been active", router, active, heard(0), 1050, healing(1050), [
    send(100),
    announce,
  ]],
  ["an answer just sent is not sent again", router, active, heard(90), 1000.5, {
    ...(healing(1000.5) as typeof active),
    ...sentAt(1000),
  }, [announce]],
  [
    "but a resignation is always answered: the backups wait for it",
    router,
    active,
    heard(0),
    1000.5,
    healing(1000.5),
    [
      send(100),
      announce,
    ],
  ],
  [
    "announced a moment ago: the next announcement is owed, not dropped",
    router,
    { ...active, announcedAtMs: 1045 },
    heard(90),
    1050,
    {
      ...active,
      ...sentAt(1050),
      announcedAtMs: 1045,
      announceAtMs: [1065, 2050, 6050],
      conflict: { lastAtMs: 1050, announcements: 0 },
    },
    [send(100)],
  ],
  [
    "an earlier one that is owed stays",
    router,
    { ...active, announcedAtMs: 1045, announceAtMs: [1060] },
    heard(90),
    1050,
    {
      ...active,
      ...sentAt(1050),
      announcedAtMs: 1045,
      announceAtMs: [1060, 2050, 6050],
      conflict: { lastAtMs: 1050, announcements: 0 },
    },
    [send(100)],
  ],
  [
    "the same conflict goes on: after five announcements the gap doubles, 80 ms after seven",
    router,
    {
      ...active,
      announcedAtMs: 900,
      conflict: { lastAtMs: 900, announcements: 7 },
    },
    heard(90),
    1050,
    {
      ...(healing(1050) as typeof active),
      conflict: { lastAtMs: 1050, announcements: 8 },
    },
    [send(100), announce],
  ],
  [
    "the gap never exceeds a second",
    router,
    { ...active, announcedAtMs: 0, conflict: { lastAtMs: 900, announcements: 99 } },
    heard(90),
    1050,
    {
      ...(healing(1050) as typeof active),
      conflict: { lastAtMs: 1050, announcements: 100 },
    },
    [send(100), announce],
  ],
  [
    "a conflict after five quiet seconds is a new one",
    router,
    {
      ...active,
      announcedAtMs: 1000,
      conflict: { lastAtMs: -3950, announcements: 99 },
    },
    heard(90),
    1050,
    healing(1050),
    [send(100), announce],
  ],
  [
    "an owed announcement counts too",
    router,
    {
      ...active,
      announceAtMs: [1065, 2050],
      conflict: { lastAtMs: 1050, announcements: 0 },
    },
    deadline,
    1065,
    {
      ...active,
      announcedAtMs: 1065,
      announceAtMs: [2050],
      refreshAtMs: 61_065,
      conflict: { lastAtMs: 1050, announcements: 1 },
    },
    [announce],
  ],
];

const handovers: readonly Row[] = [
  ["orderly stop: resign, but serve on", router, active, shutdown, 1050, leaving, [send(0)]],
  ["handover switched off: resign and let go (§6.4.3)", noHandover, active, shutdown, 1050, stoppedState, [
    send(0),
    remove,
    moved("active", "initialize", "stopped"),
  ]],
  ["a shutdown says it again, for the first one may be lost", router, leaving, deadline, 1100, {
    ...leaving,
    handover: { ...leaving.handover!, repeatAtMs: [1150] },
  }, [send(0)]],
  [
    "it renews as long as it serves, but announces nothing: clients would come back",
    router,
    {
      ...leaving,
      renewAtMs: 1060,
      announceAtMs: [1060],
      refreshAtMs: 1060,
    },
    deadline,
    1060,
    {
      ...leaving,
      renewAtMs: 2060,
      announceAtMs: [1060],
      refreshAtMs: 1060,
    },
    [renew],
  ],
  [
    "called off, it makes up for the announcements",
    router,
    { ...active, announceAtMs: [1060] },
    deadline,
    1070,
    {
      ...active,
      announcedAtMs: 1070,
      refreshAtMs: 61_070,
    },
    [announce],
  ],
  ["another one serves: only now the addresses go", router, leaving, heard(80), 1100, stoppedState, [
    remove,
    moved("active", "initialize", "stopped; handed over to priority 80"),
  ]],
  ["nobody took over in time: let go", router, leaving, deadline, 2050, stoppedState, [
    remove,
    moved("active", "initialize", "stopped"),
  ]],
  ["another one that resigns takes nothing over", router, leaving, heard(0), 1100, leaving, []],
  ["a failed check on a host that is fine", router, active, nginxDown, 1050, failing, [send(0)]],
  ["the check recovers in time: called off", router, failing, fine, 1100, { ...active, ...sentAt(1100) }, [
    send(100),
  ]],
  [
    "what it waited for comes back in time: called off",
    router,
    {
      ...failing,
      handover: {
        ...failing.handover!,
        next: { name: "initialize", reasons: ["interface eth1 does not exist"] },
      },
    },
    fine,
    1100,
    { ...active, ...sentAt(1100) },
    [send(100)],
  ],
  ["a shutdown is not called off by a condition", router, leaving, fine, 1100, leaving, []],
  ["nor does a failing check turn it into a fault", router, leaving, nginxDown, 1100, leaving, []],
  [
    "another fault meanwhile: the new reasons, the same end",
    router,
    failing,
    {
      ...nginxDown,
      faults: ["nginx: dead", "php: dead"],
    } as Event,
    1100,
    {
      ...failing,
      handover: {
        ...failing.handover!,
        reason: "nginx: dead, php: dead",
        next: { name: "fault", reasons: ["nginx: dead", "php: dead"] },
      },
    },
    [],
  ],
  ["the failed check's handover times out", router, failing, deadline, 2050, nginxFault, [
    remove,
    moved("active", "fault", "nginx: dead"),
  ]],
  ["the failed check's handover completes", router, failing, heard(90), 1100, nginxFault, [
    remove,
    moved("active", "fault", "nginx: dead; handed over to priority 90"),
  ]],
  ["stopped while it hands over: the new destination, more time", router, failing, shutdown, 1100, {
    ...failing,
    handover: { ...leaving.handover!, untilMs: 2100, repeatAtMs: [] },
  }, []],
  ["link down meanwhile", router, leaving, linkDown, 1100, faulty, [
    send(0),
    remove,
    moved("active", "fault", "eth0 is down"),
  ]],
  [
    "a priority that falls meanwhile stays silent",
    router,
    leaving,
    { type: "priority", priority: 80 },
    1100,
    {
      ...leaving,
      priority: 80,
    },
    [],
  ],
];

for (const [title, rows] of Object.entries({ stopped, backups, actives, conflicts, handovers })) {
  for (const [name, vr, state, event, nowMs, next, effects] of rows) {
    Deno.test(`step ${title}: ${name}`, () => {
      assertEquals(step(vr, state, event, nowMs), { state: next, effects: [...effects] });
    });
  }
}

Deno.test("deadlineMs is the first of a state's deadlines", () => {
  assertEquals(deadlineMs(initialState(100, 5000)), Infinity);
  assertEquals(deadlineMs({ ...initialState(100, 5000), waiting: [] }), 5000);
  assertEquals(deadlineMs(faulty), Infinity);
  assertEquals(deadlineMs(backup), silent);
  assertEquals(deadlineMs({ ...backup, preemptAtMs: 5 }), 5);
  assertEquals(deadlineMs(active), 1100);
  assertEquals(deadlineMs({ ...active, announceAtMs: [7, 9] }), 7);
  assertEquals(deadlineMs({ ...active, refreshAtMs: 6 }), 6);
  assertEquals(deadlineMs({ ...active, renewAtMs: 5 }), 5);
  assertEquals(deadlineMs(leaving), 1100);
  assertEquals(deadlineMs({ ...leaving, announceAtMs: [7], refreshAtMs: 8 }), 1100);
  assertEquals(deadlineMs({ ...leaving, handover: { ...leaving.handover!, untilMs: 4 } }), 4);
});

Deno.test("takeoverSkewMs is at most the protocol's skew and lets the best go first", () => {
  assertEquals(takeoverSkewMs(router, 100, 10), TAKEOVER);
  assertEquals(takeoverSkewMs(router, 100, 1), 156 / 256 * 10);
  assertEquals(takeoverSkewMs(router, 254, 10) < takeoverSkewMs(router, 253, 10), true);
});

Deno.test("step does not touch its arguments", () => {
  for (
    const [, vr, state, event, nowMs] of [...stopped, ...backups, ...actives, ...conflicts, ...handovers]
  ) {
    const before = structuredClone(state);
    step(vr, state, event, nowMs);
    assertEquals(state, before);
  }
});
