/** The state machine in ACTIVE: cadence, announcements, and another active router on the link. */
import type { State } from "../../mod/vrrp/state.ts";
import {
  active,
  announce,
  backup,
  deadline,
  DOWN,
  faulty,
  fine,
  heard,
  HIGHER,
  leaving,
  linkDown,
  LOWER,
  moved,
  noInterface,
  plain,
  reconfigured,
  remove,
  renew,
  router,
  type Row,
  send,
  sentAt,
  testSteps,
  waiting,
} from "./router_fixture.ts";

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
  [
    "an answer just sent is put off, not dropped: the winner has the last word",
    router,
    active,
    heard(90),
    1000.5,
    {
      ...(healing(1000.5) as typeof active),
      ...sentAt(1000, 1),
    },
    [announce],
  ],
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

testSteps("actives", actives);
testSteps("conflicts", conflicts);
