/** What follows for a sync group from how its members stand: a table, and that nothing can be stuck. */
import { assert, assertEquals } from "@std/assert";
import {
  conditionsInGroup,
  destination,
  type Experience,
  isAddressed,
  mayStandFirm,
  standFirm,
  type Standing,
  standingOf,
  stateOf,
} from "../../mod/vrrp/group.ts";
import { becomeActive, listen } from "../../mod/vrrp/entry.ts";
import { initialState, type State, type VirtualRouter } from "../../mod/vrrp/state.ts";
import { virtualRouterOf } from "../../mod/vrrp/settings.ts";
import { bytes, configOf } from "./fixture.ts";

const ROUTER: VirtualRouter = { ...virtualRouterOf(configOf(), bytes("192.0.2.1")), isGrouped: true };
const BACKUP = listen(ROUTER, 100, null, 0);
const ACTIVE = becomeActive(ROUTER, BACKUP, "alone", 0).state as State & { name: "active" };
const LEAVING = { reason: "told so", untilMs: 1000, repeatAtMs: [], next: { name: "backup" } } as const;

const STATES: Readonly<Record<string, [state: State, isJoining: boolean, standing: Standing]>> = {
  "it serves": [ACTIVE, false, "active"],
  "its group leaves": [{ ...ACTIVE, handover: { ...LEAVING, cause: "group" } }, false, "yielding"],
  "the operator wants it to leave": [
    { ...ACTIVE, handover: { ...LEAVING, cause: "release" } },
    false,
    "leaving",
  ],
  "a check fails": [{ ...ACTIVE, handover: { ...LEAVING, cause: "conditions" } }, false, "leaving"],
  "nobody was heard": [{ ...BACKUP, ready: "silence" }, false, "ready"],
  "it waits for silence": [BACKUP, false, "listening"],
  "it is new, and waits for silence": [BACKUP, true, "starting"],
  "it is new, and has heard another": [
    { ...BACKUP, heard: { source: bytes("192.0.2.2"), priority: 200 } },
    true,
    "listening",
  ],
  "its start-up delay runs": [{ ...initialState(100, 5000), waiting: [] }, false, "starting"],
  "it waits for a check": [initialState(100, 0), false, "stopped"],
  "it is new, and waits for a check": [initialState(100, 0), true, "starting"],
  "it is broken": [{ name: "fault", priority: 100, faults: ["nginx: dead"] }, true, "stopped"],
};

for (const [name, [state, isJoining, expected]] of Object.entries(STATES)) {
  Deno.test(`standingOf(): ${name}`, () => assertEquals(standingOf(state, isJoining), expected));
}

const ROWS: readonly [standings: string, to: "active" | "backup" | null][] = [
  ["active active", null],
  ["ready ready", "active"],
  ["active ready", "active"],
  ["yielding ready", "active"],
  ["yielding yielding", "active"],
  ["ready listening", null],
  ["active listening", "backup"],
  ["active stopped", "backup"],
  ["yielding listening", null],
  ["yielding stopped", null],
  ["leaving leaving", null],
  ["leaving active", null],
  ["leaving ready", null],
  ["leaving listening", "backup"],
  ["active starting", null],
  ["ready starting", null],
  ["active ready starting", null],
  ["active active listening", "backup"],
  ["listening listening", null],
  ["listening stopped", null],
  ["ready stopped", null],
  ["stopped stopped", null],
  ["active", null],
  ["ready", "active"],
  ["", null],
];

for (const [standings, to] of ROWS) {
  Deno.test(`destination(): ${standings || "nobody"}`, () => {
    assertEquals(destination(standings.split(" ").filter((word) => word !== "") as Standing[]), to);
  });
}

const ALL: readonly Standing[] = [
  "active",
  "yielding",
  "leaving",
  "ready",
  "starting",
  "listening",
  "stopped",
];

Deno.test("destination(): whoever is told changes, and then nobody is told again", () => {
  const then: Readonly<Record<string, Standing>> = {
    "active ready": "active",
    "active yielding": "active",
    "backup active": "yielding",
    "backup leaving": "yielding",
  };
  for (const a of ALL) {
    for (const b of ALL) {
      for (const c of ALL) {
        const before = [a, b, c];
        const to = destination(before);
        if (to === null) continue;
        assert(before.some((standing) => isAddressed(standing, to)), `${before}: nobody is told`);
        const after = before.map((standing) =>
          isAddressed(standing, to) ? then[`${to} ${standing}`]! : standing
        );
        assertEquals(destination(after), null, `${before} -> ${after}`);
      }
    }
  }
});

Deno.test("destination(): nobody serves for long beside a member that does not", () => {
  for (const a of ALL) {
    for (const b of ALL) {
      const isServing = [a, b].some((standing) => standing === "active" || standing === "leaving");
      const isOut = [a, b].some((standing) => standing === "listening" || standing === "stopped");
      assertEquals(destination([a, b]) === "backup", isServing && isOut, `${a} ${b}`);
    }
  }
});

Deno.test("stateOf(): what the group is as a whole", () => {
  const fault = { name: "fault", priority: 100, faults: [] } as const;
  const rows: readonly [State[], State["name"]][] = [
    [[ACTIVE, ACTIVE], "active"],
    [[ACTIVE, BACKUP], "backup"],
    [[BACKUP, initialState(100, 0)], "initialize"],
    [[ACTIVE, fault], "fault"],
    [[BACKUP, fault], "fault"],
    [[], "backup"],
  ];
  for (const [states, expected] of rows) {
    assertEquals(stateOf(states, states.map((state) => standingOf(state))), expected);
  }
  assertEquals(stateOf([ACTIVE, BACKUP], ["active", "starting"]), "active", "one joins");
});

Deno.test("conditionsInGroup(): what stands in the way of one stands in the way of all, told once", () => {
  const none = { type: "conditions", waiting: [], faults: [], reachable: true } as const;
  const own = { ...none, faults: ["nginx: dead"] };
  const others = [
    { name: "in", conditions: { ...none, faults: ["nginx: dead", "eth0 has no carrier"], reachable: false } },
    { name: "out", conditions: { ...none, waiting: ["interface eth7 does not exist"] } },
  ];
  assertEquals(conditionsInGroup(own, others), {
    ...none,
    waiting: ["out: interface eth7 does not exist"],
    faults: ["nginx: dead", "in: eth0 has no carrier"],
  });
  assertEquals(conditionsInGroup(none, []), none);
});

function experience(
  priority: number,
  ...rivals: [priority: number, agoMs: number, host?: number][]
): Experience {
  const heard = rivals.map(([priority, agoMs, host = 2]) => ({
    source: Uint8Array.of(192, 0, 2, host),
    priority,
    agoMs,
  }));
  return {
    isActive: true,
    priority,
    router: { primaryAddress: Uint8Array.of(192, 0, 2, 5), advertisementInterval: 100 },
    heard,
  };
}

const FIRM: readonly [name: string, earlier: Experience[], expected: boolean][] = [
  ["the first member decides alone", [], false],
  ["an earlier one knows nobody", [experience(200)], false],
  ["an earlier one has just heard a worse router", [experience(200, [100, 50])], true],
  ["an earlier one is worse itself", [experience(50, [100, 50])], false],
  ["that was long ago", [experience(200, [100, 70_000])], false],
  ["that one only resigned", [experience(200, [0, 50])], false],
  ["equal, and the address decides: lower", [experience(100, [100, 50, 2])], true],
  ["equal, and the address decides: higher", [experience(100, [100, 50, 9])], false],
  ["an earlier one is not active", [{ ...experience(200, [100, 50]), isActive: false }], false],
];

for (const [name, earlier, expected] of FIRM) {
  Deno.test(`mayStandFirm(): ${name}`, () => assertEquals(mayStandFirm(earlier), expected));
}

Deno.test("standFirm(): for an interval, then not until the conflict is over", () => {
  const reign = { longestInterval: 100, activeSinceMs: -5 };
  const first = standFirm(null, reign, 0);
  assertEquals(first.may, true);
  const second = standFirm(first.firmness, reign, 1_050);
  assertEquals(second.may, true);
  const third = standFirm(second.firmness, reign, 1_200);
  assertEquals(third.may, false);
  assertEquals(standFirm(third.firmness, reign, 11_000).may, false);
  assertEquals(standFirm(third.firmness, reign, 21_500).may, true);
  assertEquals(standFirm(third.firmness, { ...reign, activeSinceMs: 1_300 }, 1_310).may, true);
});
