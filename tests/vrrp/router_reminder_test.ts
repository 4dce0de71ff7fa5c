/** The loser of a conflict reminds the winner until that has heard; the winner heals after it. */
import {
  acknowledge,
  acknowledged,
  active,
  announce,
  backup,
  deadline,
  DOWN,
  faulty,
  heard,
  HIGHER,
  leaving,
  LOWER,
  moved,
  promoted,
  reconfigured,
  remind,
  reminded,
  reminding,
  router,
  type Row,
  send,
  sentAt,
  TAKEOVER,
  testSteps,
  waiting,
} from "./router_fixture.ts";

const unicast = { ...router, unicast: true };
/** Priority 100, has yielded to HIGHER at 1000. */
const yielded = { ...backup, heard: { source: HIGHER, priority: 110 }, reminder: reminding(1000) };

const losers: readonly Row[] = [
  ["not due", router, yielded, deadline, 1014, yielded, []],
  ["again, often", router, yielded, deadline, 1015, {
    ...yielded,
    reminder: { ...reminding(1000), atMs: 1030, prompt: 665 },
  }, [remind]],
  [
    "after ten seconds rarer",
    router,
    { ...yielded, reminder: { ...reminding(1000), prompt: 1 } },
    deadline,
    1015,
    { ...yielded, reminder: { ...reminding(1000), atMs: 1115, prompt: 0 } },
    [remind],
  ],
  [
    "not for ever",
    router,
    { ...yielded, reminder: { ...reminding(1000), prompt: 0, later: 1 } },
    deadline,
    1015,
    { ...yielded, reminder: null },
    [remind],
  ],
  ["acknowledged: enough", router, yielded, acknowledged, 1003, { ...yielded, reminder: null }, []],
  [
    "the winner advertises in turn: it may not know",
    router,
    yielded,
    heard(110),
    1100,
    {
      ...yielded,
      activeDownAtMs: 1100 + DOWN,
      reminder: { ...reminding(1000), heardAtMs: 1100 },
    },
    [],
  ],
  [
    "the winner advertises out of turn: it has heard something, so a few times more will do",
    router,
    yielded,
    heard(110),
    1001,
    {
      ...yielded,
      activeDownAtMs: 1001 + DOWN,
      reminder: { ...reminding(1000), heardAtMs: 1001, prompt: 10, later: 0 },
    },
    [],
  ],
  [
    "with `unicast_peers`, where nobody acknowledges, once more",
    unicast,
    yielded,
    heard(110),
    1001,
    {
      ...yielded,
      activeDownAtMs: 1001 + DOWN,
      reminder: { ...reminding(1000), heardAtMs: 1001, prompt: 1, later: 0 },
    },
    [],
  ],
  [
    "another one is active now: it has to know",
    router,
    yielded,
    heard(120, LOWER),
    1100,
    {
      ...yielded,
      activeDownAtMs: 1100 + DOWN,
      heard: { source: LOWER, priority: 120 },
      reminder: { ...reminding(1000), winner: LOWER },
    },
    [],
  ],
  [
    "a worse one that does not count is not reminded",
    router,
    yielded,
    heard(90, LOWER),
    1100,
    { ...yielded, heard: { source: LOWER, priority: 90 } },
    [],
  ],
  [
    "after a pause whoever was heard last is",
    router,
    { ...yielded, reminder: { ...reminding(1000), isAfterSilence: true } },
    heard(90, LOWER),
    1000,
    {
      ...yielded,
      heard: { source: LOWER, priority: 90 },
      reminder: { ...reminding(1000), isAfterSilence: true, winner: LOWER },
    },
    [],
  ],
  [
    "after a pause what waited is no answer",
    router,
    { ...yielded, reminder: { ...reminding(1000), isAfterSilence: true } },
    heard(110),
    1000,
    { ...yielded, activeDownAtMs: 1000 + DOWN, reminder: { ...reminding(1000), isAfterSilence: true } },
    [],
  ],
  ["a reload does not forget it", router, yielded, reconfigured, 1100, {
    ...yielded,
    activeDownAtMs: 1100 + DOWN,
  }, []],
  [
    "becoming active ends it",
    router,
    yielded,
    deadline,
    1400,
    promoted(1400),
    [
      send(100),
      { type: "addAddresses" },
      announce,
      moved("backup", "active", "the active router fell silent"),
    ],
  ],
];

const known = { lastAtMs: 1050, allowanceUsedUntilMs: 1080, announcements: 1 };
const healed = {
  ...active,
  announcedAtMs: 1050,
  announceAtMs: [2050, 6050],
  conflict: known,
};

const winners: readonly Row[] = [
  ["who is reminded acknowledges and announces", router, active, reminded, 1050, healed, [
    acknowledge,
    announce,
  ]],
  ["reminded again at once: the announcement is owed", router, healed, reminded, 1060, {
    ...healed,
    announceAtMs: [1070, 2060, 6060],
    conflict: { lastAtMs: 1060, allowanceUsedUntilMs: 1110, announcements: 1 },
  }, [acknowledge]],
  [
    "an old conflict's announcements are rare, the one after its end is not",
    router,
    { ...active, announcedAtMs: 1000, conflict: { ...known, lastAtMs: 1049, announcements: 50 } },
    reminded,
    1050,
    {
      ...active,
      announcedAtMs: 1050,
      announceAtMs: [2050, 6050],
      conflict: { lastAtMs: 1050, allowanceUsedUntilMs: 1110, announcements: 51 },
    },
    [acknowledge, announce],
  ],
  [
    "a flood of reminders is not amplified",
    router,
    {
      ...active,
      announcedAtMs: 1000,
      conflict: { lastAtMs: 1049, allowanceUsedUntilMs: 1200, announcements: 50 },
    },
    reminded,
    1050,
    {
      ...active,
      announcedAtMs: 1000,
      announceAtMs: [2000, 2050, 6050],
      conflict: { lastAtMs: 1050, allowanceUsedUntilMs: 1200, announcements: 50 },
    },
    [acknowledge],
  ],
  [
    "the one that has just handed over announces nothing more",
    router,
    { ...active, predecessor: { source: HIGHER, untilMs: 2000 } },
    reminded,
    1999,
    { ...active, predecessor: { source: HIGHER, untilMs: 2000 } },
    [],
  ],
  [
    "with `unicast_peers` priority 1 is a reminder",
    unicast,
    { ...active, announcedAtMs: 1000, conflict: { ...known, lastAtMs: 1049, announcements: 50 } },
    heard(1),
    1050,
    {
      ...active,
      ...sentAt(1050),
      announcedAtMs: 1050,
      announceAtMs: [2050, 6050],
      conflict: { lastAtMs: 1050, allowanceUsedUntilMs: 1110, announcements: 51 },
    },
    [send(100), announce],
  ],
  ["who hands over does not acknowledge", router, leaving, reminded, 1060, leaving, []],
  ["an acknowledgement that comes late", router, active, acknowledged, 1050, active, []],
];

const others: readonly Row[] = [
  ["a backup", router, backup, reminded, 1050, backup, []],
  [
    "a backup that takes the sender for the active router: nobody serves",
    router,
    { ...backup, heard: { source: HIGHER, priority: 110 } },
    reminded,
    1050,
    {
      ...backup,
      activeDownAtMs: 1050 + TAKEOVER,
      heard: { source: HIGHER, priority: 0 },
      takeover: "the active router resigned",
    },
    [],
  ],
  ["a router with a fault", router, faulty, reminded, 1050, faulty, []],
  ["a router that waits", router, waiting, reminded, 1050, waiting, []],
  ["a router that waits, acknowledged", router, waiting, acknowledged, 1050, waiting, []],
];

testSteps("losers", losers);
testSteps("winners", winners);
testSteps("not concerned", others);
