/** The state machine while it hands over: it serves on until another router does, or its time is up. */
import type { Event, State } from "../../mod/vrrp/state.ts";
import {
  active,
  announce,
  deadline,
  faulty,
  fine,
  heard,
  leaving,
  linkDown,
  moved,
  nginxDown,
  noHandover,
  remind,
  remove,
  renew,
  router,
  type Row,
  send,
  sentAt,
  shutdown,
  testSteps,
  waiting,
} from "./router_fixture.ts";

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

const ROWS: readonly Row[] = [
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
    remind,
    remove,
    moved("active", "initialize", "stopped; handed over to priority 80"),
  ]],
  [
    "its successor on this host serves",
    router,
    leaving,
    { type: "succeeded", priority: 80 },
    1051,
    stoppedState,
    [
      remove,
      moved("active", "initialize", "stopped; handed over to priority 80"),
    ],
  ],
  [
    "what was on its way before the resignation proves nothing",
    router,
    leaving,
    heard(80),
    1066,
    leaving,
    [],
  ],
  ["nobody takes over sooner than the best backup", router, leaving, heard(254), 1051, stoppedState, [
    remind,
    remove,
    moved("active", "initialize", "stopped; handed over to priority 254"),
  ]],
  [
    "with `unicast_peers` the one that serves is not disturbed",
    { ...router, unicast: true },
    leaving,
    heard(80),
    1100,
    stoppedState,
    [remove, moved("active", "initialize", "stopped; handed over to priority 80")],
  ],
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
    remind,
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

testSteps("handovers", ROWS);
