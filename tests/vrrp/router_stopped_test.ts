/** The state machine in INIT and FAULT: every row compares the whole next state and all effects. */
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
  linkDown,
  moved,
  nginxDown,
  noInterface,
  promoted,
  reconfigured,
  remove,
  renew,
  router,
  type Row,
  send,
  shutdown,
  testSteps,
  v2,
  waiting,
} from "./router_fixture.ts";

/** The addresses of the run before are still here. */
const resuming = { ...waiting, resumeUntilMs: 1300 };

const ROWS: readonly Row[] = [
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
  [
    "resuming: goes on as active at once, the lease begins anew",
    router,
    resuming,
    fine,
    1000,
    promoted(1000),
    [
      send(100),
      add,
      announce,
      moved("initialize", "active", "goes on where the run before ended"),
      renew,
    ],
  ],
  ["resuming: as long as it waits, the addresses stay", router, resuming, noInterface, 1000, {
    ...resuming,
    waiting: ["interface eth0 does not exist"],
  }, []],
  ["resuming without preemption: listens first", router, { ...resuming, readyAtMs: 1100 }, fine, 1000, {
    ...resuming,
    waiting: [],
    readyAtMs: 1100,
  }, []],
  [
    "resuming: nobody was heard",
    router,
    { ...resuming, waiting: [], readyAtMs: 1100 },
    deadline,
    1100,
    promoted(1100),
    [
      send(100),
      add,
      announce,
      moved("initialize", "active", "goes on where the run before ended"),
      renew,
    ],
  ],
  ["resuming: somebody else has taken over", router, resuming, heard(90), 1000, waiting, [remove]],
  ["resuming: somebody who resigns has not", router, resuming, heard(0), 1000, resuming, []],
  ["resuming: the peers wait no longer", router, resuming, deadline, 1300, waiting, [remove]],
  ["resuming: a check fails", router, resuming, nginxDown, 1000, { ...faulty, faults: ["nginx: dead"] }, [
    remove,
    moved("initialize", "fault", "nginx: dead"),
  ]],
  ["resuming: stopped", router, resuming, shutdown, 1000, { ...waiting, waiting: ["stopped"] }, [remove]],
];

testSteps("stopped", ROWS);
