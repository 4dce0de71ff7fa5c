/** The engine with a sync group: whatever becomes of one member, all of them are ACTIVE or none is. */
import { assertEquals, assertMatch } from "@std/assert";
import { removeAddress, setLink } from "../../ffi/rtnetlink.ts";
import type { OutgoingAdvertisement } from "../../mod/vrrp/packet.ts";
import type { Released } from "../../mod/vrrp/messages.ts";
import { bytes } from "./fixture.ts";
import { EngineLab, WEB } from "./engine_lab.ts";

const VIPS = ["192.0.2.100/24", "192.0.2.101/24"];
const IN = WEB;
const OUT = { ...WEB, vrid: 52, addresses: ["192.0.2.101/24"] };
const GROUP = { gw: ["in", "out"] };
/** Above which a peer counts as one that has taken over; see release_test.ts. */
const SKEW_MS = 12;

function speak(lab: EngineLab, name: "in" | "out", change: Partial<OutgoingAdvertisement> = {}): void {
  lab.speak(name === "in" ? change : { vrid: 52, addresses: [bytes("192.0.2.101")], ...change });
}

function states(lab: EngineLab): string[] {
  return lab.report().virtual_routers.map(({ state }) => state);
}

function group(lab: EngineLab): string {
  return lab.report().sync_groups.map(({ state }) => state).join();
}

function news(lab: EngineLab): string[] {
  return lab.posted.flatMap((event) => event.type === "group" ? [`${event.from} -> ${event.to}`] : []);
}

function held(lab: EngineLab): string[] {
  return lab.addresses().filter((address) => VIPS.includes(address));
}

function configured(): EngineLab {
  const lab = new EngineLab();
  lab.configure({ in: IN, out: OUT }, GROUP);
  return lab;
}

function active(): EngineLab {
  const lab = configured();
  lab.until(() => held(lab).length === 2);
  lab.heard();
  return lab;
}

function handedOver(lab: EngineLab): Released | null | undefined {
  const answer = lab.posted.find(({ type }) => type === "handover");
  return answer?.type === "handover" ? answer.result : undefined;
}

Deno.test("groups: alone all members become active in one turn", () => {
  using lab = configured();
  assertEquals([states(lab), group(lab)], [["BACKUP", "BACKUP"], "BACKUP"]);
  lab.until(() => {
    const now = states(lab);
    assertEquals(now[0], now[1], "never one without the other");
    return now[0] === "ACTIVE";
  });
  assertEquals(held(lab), VIPS);
  assertEquals(news(lab), ["INIT -> BACKUP", "BACKUP -> ACTIVE"]);
  const [gw] = lab.report().sync_groups;
  assertEquals([gw?.name, gw?.members], ["gw", ["in", "out"]]);
  assertEquals(lab.status("out").sync_group, "gw");
});

Deno.test("groups: a better router on one link keeps all of them back, a silent one none of them", () => {
  using lab = configured();
  for (let i = 0; i < 30; i++) {
    speak(lab, "out", { priority: 200 });
    lab.during(10);
    assertEquals([states(lab), held(lab)], [["BACKUP", "BACKUP"], []]);
  }
  lab.until(() => states(lab).join() === "ACTIVE,ACTIVE");
});

Deno.test("groups: one member yields, the others hand over: they serve until somebody else does", () => {
  using lab = active();
  speak(lab, "in", { priority: 200, maxAdvertiseInterval: 100 });
  lab.until(() => states(lab)[0] === "BACKUP");
  assertEquals([states(lab)[1], held(lab), lab.status("out").handover], ["ACTIVE", [VIPS[1]], true]);
  assertEquals(lab.heard().includes(0), true, "it resigns");
  lab.during(SKEW_MS);
  speak(lab, "out", { priority: 150, maxAdvertiseInterval: 100 });
  lab.until(() => states(lab)[1] === "BACKUP");
  assertEquals([held(lab), group(lab)], [[], "BACKUP"]);
  assertMatch(
    lab.status("out").reason,
    /^sync group gw: in is BACKUP: another active router has priority 200/,
  );
});

Deno.test("groups: where nobody takes over they let go in time: all or none", () => {
  using lab = active();
  const beganMs = lab.clock.now();
  while (held(lab).length > 0) {
    speak(lab, "in", { priority: 200, maxAdvertiseInterval: 100 });
    lab.during(20);
    assertEquals(lab.clock.now() - beganMs < 1_500, true, "the handover's timeout is a second");
  }
  assertEquals(states(lab), ["BACKUP", "BACKUP"]);
});

Deno.test("groups: a fault of one is a fault of all, and they come back together", () => {
  using lab = new EngineLab();
  lab.configure({ in: { ...IN, track: ["nginx"] }, out: OUT }, GROUP);
  lab.during(100);
  assertEquals(states(lab), ["INIT", "INIT"], "it waits for a check of the other");
  assertEquals(lab.status("out").reason, "in: check nginx has not decided yet");
  lab.track({ check: "nginx", state: "up", reason: "alive" });
  lab.until(() => held(lab).length === 2);
  lab.track({ check: "nginx", state: "down", reason: "dead" });
  assertEquals(held(lab).length, 2, "make before break");
  lab.until(() => held(lab).length === 0);
  assertEquals([states(lab), group(lab)], [["FAULT", "FAULT"], "FAULT"]);
  assertEquals(lab.status("out").reason, "in: nginx: dead");
  lab.track({ check: "nginx", state: "up", reason: "alive" });
  assertEquals(states(lab), ["BACKUP", "BACKUP"]);
  lab.until(() => held(lab).length === 2);
  lab.track({ check: "nginx", state: "down", reason: "dead" });
  lab.track({ check: "nginx", state: "up", reason: "alive" });
  lab.during(50);
  assertEquals([states(lab), held(lab)], [["ACTIVE", "ACTIVE"], VIPS], "a blink costs nothing");
});

Deno.test("groups: an interface that goes takes all of them with it, and gives all of them back", () => {
  using lab = active();
  lab.kernel((nl, eth0) => setLink(nl, eth0, { up: false }));
  lab.until(() => group(lab) === "FAULT");
  lab.kernel((nl, eth0) => setLink(nl, eth0, { up: true }));
  lab.until(() => group(lab) === "ACTIVE");
  assertEquals(held(lab), VIPS);
});

Deno.test("groups: handed over by the name of the group or of a member: all of them, and none comes back", () => {
  for (const name of ["gw", "out"]) {
    using lab = active();
    lab.handOver(name);
    assertEquals([lab.heard(), held(lab)], [[0, 0], VIPS]);
    lab.during(SKEW_MS);
    speak(lab, "in", { priority: 50, maxAdvertiseInterval: 10 });
    speak(lab, "out", { priority: 50, maxAdvertiseInterval: 10 });
    lab.until(() => handedOver(lab) !== undefined);
    assertEquals([handedOver(lab)?.name, handedOver(lab)?.ok, held(lab)], [name, true, []]);
    for (let i = 0; i < 30; i++) {
      speak(lab, "in", { priority: 50, maxAdvertiseInterval: 10 });
      speak(lab, "out", { priority: 50, maxAdvertiseInterval: 10 });
      lab.during(10);
    }
    assertEquals(states(lab), ["BACKUP", "BACKUP"]);
    lab.handOver(name, true);
    for (let i = 0; i < 200 && held(lab).length === 0; i++) {
      speak(lab, "in", { priority: 50, maxAdvertiseInterval: 10 });
      speak(lab, "out", { priority: 50, maxAdvertiseInterval: 10 });
      lab.during(10);
    }
    assertEquals(held(lab), VIPS);
  }
});

Deno.test("groups: a handover that nobody takes is none for anybody", () => {
  using lab = active();
  lab.handOver("gw");
  lab.until(() => handedOver(lab) !== undefined);
  assertEquals([handedOver(lab)?.ok, held(lab), group(lab)], [false, VIPS, "ACTIVE"]);
  assertEquals([lab.status("in").held_back, lab.status("out").held_back], [null, null]);
});

Deno.test("groups: maintenance takes all of them, and gives all of them back", () => {
  using lab = active();
  lab.maintain({ reason: "maintenance", force: false });
  lab.during(SKEW_MS);
  speak(lab, "in", { priority: 50 });
  speak(lab, "out", { priority: 50 });
  lab.until(() => held(lab).length === 0);
  assertEquals([states(lab), group(lab)], [["INIT", "INIT"], "INIT"]);
  lab.maintain(null);
  lab.until(() => group(lab) === "ACTIVE");
});

Deno.test("groups: a member that a reload adds joins, and the others serve on", () => {
  using lab = active();
  const more = { ...WEB, vrid: 53, addresses: ["192.0.2.102/24"], track: ["nginx"] };
  lab.configure({ in: IN, out: OUT, more }, { gw: ["in", "out", "more"] });
  lab.during(100);
  assertEquals([states(lab), group(lab)], [["ACTIVE", "ACTIVE", "INIT"], "ACTIVE"]);
  lab.track({ check: "nginx", state: "up", reason: "alive" });
  lab.until(() => states(lab)[2] === "ACTIVE");
  assertEquals(lab.heard().includes(0), false, "nobody has left");
  lab.configure({ in: IN, out: OUT }, GROUP);
  lab.until(() => !lab.addresses().includes("192.0.2.102/24"));
  assertEquals([states(lab), held(lab)], [["ACTIVE", "ACTIVE"], VIPS]);
});

Deno.test("groups: a reload that groups who serves with who does not makes it leave; one that frees it not", () => {
  using lab = new EngineLab();
  lab.configure({ in: IN, out: { ...OUT, preempt: false } });
  const keepBack = (): void => {
    speak(lab, "out", { priority: 200, maxAdvertiseInterval: 10 });
    lab.during(10);
  };
  for (let i = 0; i < 20; i++) keepBack();
  assertEquals(states(lab), ["ACTIVE", "BACKUP"]);
  lab.configure({ in: IN, out: { ...OUT, preempt: false } }, GROUP);
  for (let i = 0; i < 120; i++) keepBack();
  assertEquals(states(lab), ["BACKUP", "BACKUP"]);
  lab.configure({ in: IN, out: { ...OUT, preempt: false } });
  for (let i = 0; i < 20; i++) keepBack();
  assertEquals(states(lab), ["ACTIVE", "BACKUP"]);
});

Deno.test("groups: where priorities cross, the first member decides; who is stubborn wins after an interval", () => {
  using lab = active();
  speak(lab, "in", { priority: 50, maxAdvertiseInterval: 100 });
  speak(lab, "out", { priority: 200, maxAdvertiseInterval: 100 });
  lab.during(50);
  assertEquals(states(lab), ["ACTIVE", "ACTIVE"], "the other one will leave");
  lab.during(100);
  speak(lab, "out", { priority: 200, maxAdvertiseInterval: 100 });
  lab.until(() => states(lab).join() === "BACKUP,BACKUP");
});

Deno.test("groups: the next image of the program goes on, in the same states", () => {
  using lab = active();
  const since = lab.report().sync_groups[0]!.since;
  const inheritance = lab.pause();
  if (typeof inheritance === "string") throw new Error(inheritance);
  lab.replaceEngine();
  lab.inherit(JSON.parse(JSON.stringify(inheritance)));
  lab.configure({ in: IN, out: OUT }, GROUP);
  lab.goOn();
  lab.during(100);
  assertEquals([states(lab), held(lab), news(lab)], [["ACTIVE", "ACTIVE"], VIPS, []]);
  assertEquals(lab.report().sync_groups[0]!.since, since);
});

Deno.test("groups: killed and started again at once, all of them go on; where one has lost its address, none", () => {
  using lab = active();
  lab.replaceEngine();
  lab.configure({ in: IN, out: OUT }, GROUP);
  assertEquals([states(lab), held(lab)], [["ACTIVE", "ACTIVE"], VIPS]);
  lab.kernel((nl, ifindex) => removeAddress(nl, { ifindex, address: bytes("192.0.2.100"), prefix: 24 }));
  lab.replaceEngine();
  lab.configure({ in: IN, out: OUT }, GROUP);
  assertEquals([states(lab), held(lab)], [["BACKUP", "BACKUP"], []]);
  lab.until(() => group(lab) === "ACTIVE");
});

Deno.test("groups: stopped, each of them leaves in order", () => {
  using lab = active();
  lab.stop();
  lab.until(() => lab.posted.some(({ type }) => type === "stopped"));
  assertEquals(held(lab), []);
  const left = lab.posted.flatMap((event) =>
    (event.type === "transition" || event.type === "group") && event.to === "INIT"
      ? [[event.name, event.reason]]
      : []
  ).slice(-3);
  assertEquals(
    left,
    [["in", "stopped"], ["out", "stopped"], ["gw", "stopped"]],
    "the group after its members",
  );
});
