/**
 * The engine turned by hand in a throwaway namespace: real sockets, real kernel, a peer that says what the
 * test wants.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { EPERM } from "../../ffi/errno.ts";
import { type Netlink, NetlinkError } from "../../ffi/netlink.ts";
import { addAddress, removeAddress, removeLink, RTM_NEWADDR, setLink } from "../../ffi/rtnetlink.ts";
import type { EngineEvent } from "../../mod/vrrp/messages.ts";
import { bytes } from "./fixture.ts";
import { EngineLab, WEB } from "./engine_lab.ts";

const VIP = "192.0.2.100";
const LATE = /a deadline was kept \d+ ms late/;

function transitions({ posted }: EngineLab): string[] {
  return posted.flatMap((event) => event.type === "transition" ? [`${event.from} -> ${event.to}`] : []);
}

/** What an operator reads, without what only says that this machine is busy. */
function notices({ posted }: EngineLab): string[] {
  return told(posted).filter((message) => !LATE.test(message));
}

function told(posted: readonly EngineEvent[]): string[] {
  return posted.flatMap((event) => event.type === "notice" && event.level !== "debug" ? [event.message] : []);
}

function state(lab: EngineLab, name = "web"): string {
  return lab.status(name).state;
}

/** A lab whose router has become active. */
function active(wrap?: (netlink: Netlink) => Netlink): EngineLab {
  const lab = new EngineLab(wrap);
  lab.configure({ web: WEB });
  lab.until(() => state(lab) === "ACTIVE");
  return lab;
}

Deno.test("Engine: alone it becomes active, advertises before it announces, and holds a leased address", () => {
  using lab = new EngineLab();
  lab.configure({ web: WEB });
  assertEquals(state(lab), "BACKUP");
  assertEquals(lab.addresses(), ["192.0.2.1/24"]);
  lab.until(() => state(lab) === "ACTIVE");
  assertEquals(transitions(lab), ["INIT -> BACKUP", "BACKUP -> ACTIVE"]);
  assertEquals(lab.addresses(), ["192.0.2.1/24", "192.0.2.100/24"]);
  assertEquals([lab.find(VIP)?.proto, lab.find(VIP)?.validLft], [18, 3]);
  lab.during(60);
  const heard = lab.heard();
  assertEquals(heard.slice(0, 2), [100, "arp"]);
  assertEquals(heard.length >= 5, true);
  const { counters, primary_address, active_router } = lab.status("web");
  assertEquals([primary_address, active_router], ["192.0.2.1", "192.0.2.1"]);
  assertEquals(counters["advertisements_sent"], heard.filter((word) => word === 100).length);
  assertEquals(counters["gratuitous_arp_sent"], 1);
});

Deno.test("Engine: packets that come densely and are all as expected may gather, a resignation may not", () => {
  using lab = new EngineLab();
  lab.configure({ web: { ...WEB, advertisement_interval: "1s" } });
  for (let i = 0; i < 5000 && lab.rests === 0; i++) {
    lab.speak();
    lab.during(0.5);
  }
  assertEquals([state(lab), lab.rests > 0], ["BACKUP", true]);
  lab.rests = 0;
  for (let i = 0; i < 20; i++) {
    lab.speak({ priority: 0 });
    lab.during(0.5);
  }
  assertEquals(lab.rests, 0);
});

Deno.test("Engine: a better router is followed, with a last advertisement, and its silence is noticed", () => {
  using lab = active();
  lab.heard();
  lab.speak({ priority: 200 });
  lab.until(() => state(lab) === "BACKUP");
  assertEquals(lab.addresses(), ["192.0.2.1/24"]);
  const heard = lab.heard();
  assertEquals(heard.filter((word) => word !== 0).at(-1), 100);
  assertEquals(heard.at(-1), 0, "the winner is reminded");
  const { active_router, peers } = lab.status("web");
  assertEquals([active_router, peers.map(({ address, priority }) => [address, priority])], ["192.0.2.2", [[
    "192.0.2.2",
    200,
  ]]]);
  lab.until(() => state(lab) === "ACTIVE");
  assertEquals(lab.status("web").counters["became_active"], 2);
});

Deno.test("Engine: a worse router is answered and healed after", () => {
  using lab = new EngineLab();
  // Long enough that a busy machine does not make it silent for longer than its peers wait.
  lab.configure({ web: { ...WEB, advertisement_interval: "200ms" } });
  lab.until(() => state(lab) === "ACTIVE");
  lab.during(40);
  lab.heard();
  lab.speak({ priority: 50 });
  lab.until(() => lab.status("web").counters["advertisements_received"] === 1);
  lab.during(30);
  assertEquals(state(lab), "ACTIVE");
  assertEquals(lab.heard().includes("arp"), true);
});

Deno.test("Engine: an address that somebody removes comes back and is announced", () => {
  using lab = active();
  lab.heard();
  lab.kernel((nl, ifindex) => removeAddress(nl, { ifindex, address: bytes(VIP), prefix: 24 }));
  assertEquals(lab.find(VIP), undefined);
  lab.until(() => lab.find(VIP) !== undefined);
  assertEquals(lab.heard().includes("arp"), true);
  assertEquals(lab.status("web").counters["addresses_restored"], 1);
  assertEquals(notices(lab), ["somebody removed 192.0.2.100: added again"]);
  assertEquals(transitions(lab).length, 2);
});

Deno.test("Engine: what an earlier run left behind goes before the election, whatever prefix it has", () => {
  using lab = new EngineLab();
  lab.kernel((nl, ifindex) => addAddress(nl, { ifindex, address: bytes(VIP), prefix: 32 }));
  lab.during(5);
  lab.configure({ web: WEB });
  assertEquals(lab.addresses(), ["192.0.2.1/24"]);
  assertEquals(notices(lab), ["removed what an earlier run left behind: 192.0.2.100 on eth0"]);
});

Deno.test("Engine: link down is FAULT without the address, link up a new election", () => {
  using lab = active();
  lab.kernel((nl, ifindex) => setLink(nl, ifindex, { up: false }));
  lab.until(() => state(lab) === "FAULT");
  assertEquals(lab.status("web").reason, "eth0 is down");
  assertEquals(lab.find(VIP), undefined);
  lab.kernel((nl, ifindex) => setLink(nl, ifindex, { up: true }));
  lab.until(() => state(lab) === "ACTIVE");
});

Deno.test("Engine: an interface that goes away is waited for", () => {
  using lab = active();
  lab.kernel((nl, ifindex) => removeLink(nl, ifindex));
  lab.until(() => state(lab) === "INIT");
  assertMatch(lab.status("web").reason, /interface eth0 does not exist|eth0 /);
  lab.during(30);
});

Deno.test("Engine: a router without address or interface waits and says for what", () => {
  using lab = new EngineLab();
  lab.configure({
    web: { ...WEB, interface: "eth7" },
    six: { ...WEB, addresses: [{ address: "192.0.2.9", interface: "eth8" }], vrid: 9 },
  });
  assertEquals([state(lab), state(lab, "six")], ["INIT", "INIT"]);
  lab.during(60);
  assertEquals(lab.heard(), []);
});

Deno.test("Engine: checks hold back, lower the priority, and end the service", () => {
  using lab = new EngineLab();
  lab.configure({
    web: { ...WEB, handover: { timeout: "100ms" }, track: ["nginx", { check: "load", weight: -30 }] },
  });
  lab.during(60);
  assertEquals(state(lab), "INIT");
  lab.track({ check: "nginx", state: "up", reason: "" }, { check: "load", state: "up", reason: "" });
  lab.until(() => state(lab) === "ACTIVE");
  lab.heard();
  lab.track({ check: "load", state: "down", reason: "busy" });
  assertEquals(lab.heard().at(-1), 70);
  assertEquals(lab.status("web").effective_priority, 70);
  lab.track({ check: "nginx", state: "down", reason: "dead" });
  assertEquals(state(lab), "ACTIVE");
  assertEquals(lab.status("web").handover, true);
  lab.until(() => state(lab) === "FAULT");
  assertEquals(lab.status("web").reason, "nginx: dead");
  assertEquals(lab.find(VIP), undefined);
});

Deno.test("Engine: an orderly stop resigns, serves on, and ends when another router has taken over", () => {
  using lab = active();
  lab.heard();
  lab.stop();
  lab.during(30);
  assertEquals(new Set(lab.heard()), new Set([0]));
  assertEquals(lab.addresses().includes("192.0.2.100/24"), true);
  assertEquals(lab.posted.some(({ type }) => type === "stopped"), false);
  lab.speak({ priority: 50 });
  lab.until(() => lab.posted.some(({ type }) => type === "stopped"));
  assertEquals(lab.addresses(), ["192.0.2.1/24"]);
  assertEquals(lab.posted.filter(({ type }) => type === "stopped").length, 1);
});

Deno.test("Engine: an orderly stop of a backup, or of nothing, ends at once", () => {
  using lab = new EngineLab();
  lab.configure({ web: WEB });
  lab.stop();
  assertEquals(lab.posted.at(-1), { type: "stopped" });
  assertEquals(lab.heard(), []);
  using nothing = new EngineLab();
  nothing.stop();
  assertEquals(nothing.posted, [{ type: "stopped" }]);
});

Deno.test("Engine: a reload changes addresses in place, without leaving ACTIVE", () => {
  using lab = active();
  lab.configure({ web: { ...WEB, addresses: ["192.0.2.101/24", "192.0.2.102/24"], priority: 90 } });
  assertEquals(lab.addresses(), ["192.0.2.1/24", "192.0.2.101/24", "192.0.2.102/24"]);
  lab.during(30);
  assertEquals([state(lab), lab.status("web").effective_priority], ["ACTIVE", 90]);
  assertEquals(transitions(lab).length, 2);
  assertEquals(notices(lab), []);
});

Deno.test("Engine: a reload without a change does nothing", () => {
  using lab = active();
  lab.during(20);
  const sent = lab.status("web").counters["advertisements_sent"];
  lab.configure({ web: WEB });
  assertEquals(lab.status("web").counters["advertisements_sent"], sent);
});

Deno.test("Engine: another VRID is another router: the old one hands over, the new one listens", () => {
  using lab = active();
  lab.configure({ web: { ...WEB, vrid: 52, priority: 7 } });
  assertEquals([state(lab), lab.status("web").vrid], ["BACKUP", 52]);
  assertEquals(lab.heard().at(-1), 0);
  lab.until(() => state(lab) === "ACTIVE");
  lab.during(1100);
  assertEquals(lab.addresses().includes("192.0.2.100/24"), true);
});

Deno.test("Engine: a router that is taken out hands over and is forgotten", () => {
  using lab = active();
  lab.configure({});
  assertEquals(lab.report().virtual_routers, []);
  lab.speak({ priority: 50 });
  lab.until(() => lab.find(VIP) === undefined);
  lab.until(() => lab.deadlineMs() === Infinity);
});

Deno.test("Engine: a router that is taken out and finds no successor lets go at the end of its handover", () => {
  using lab = new EngineLab();
  lab.configure({ web: { ...WEB, handover: { timeout: "100ms" } } });
  lab.until(() => state(lab) === "ACTIVE");
  lab.configure({});
  lab.during(20);
  assertEquals(lab.addresses().includes("192.0.2.100/24"), true);
  lab.until(() => lab.deadlineMs() === Infinity);
  assertEquals(lab.addresses(), ["192.0.2.1/24"]);
});

Deno.test("Engine: whoever cannot have the addresses is not active", () => {
  using lab = new EngineLab((netlink) => refusing(netlink));
  lab.configure({ web: { ...WEB, handover: { enabled: false } } });
  lab.until(() => transitions(lab).includes("BACKUP -> ACTIVE"));
  // At once, not when something else happens.
  assertEquals(state(lab), "FAULT");
  const { reason, counters } = lab.status("web");
  assertMatch(reason, /192\.0\.2\.100\/24 .*EPERM/);
  assertEquals(counters["address_errors"], 1);
  // It tries again after ten seconds, not before.
  lab.during(100);
  assertEquals(state(lab), "FAULT");
  assertEquals(Number.isFinite(lab.deadlineMs()), true);
});

Deno.test("Engine: packets that do not count are counted by reason, told once and shown", () => {
  using lab = active();
  for (let i = 0; i < 3; i++) lab.speak({ priority: 200 }, 64);
  lab.until(() => lab.status("web").counters["ip_ttl_errors"] === 3);
  assertEquals(state(lab), "ACTIVE");
  assertEquals(notices(lab).length, 1);
  assertMatch(notices(lab)[0]!, /from 192\.0\.2\.2: ip_ttl_errors: TTL 64 instead of 255/);
  assertEquals(lab.status("web").rejected.map(({ reason }) => reason), new Array(3).fill("ip_ttl_errors"));
});

Deno.test("Engine: another cluster's VRID is shown as foreign", () => {
  using lab = active();
  lab.speak({ vrid: 77 });
  lab.speak({ vrid: 77 });
  lab.until(() => lab.report().foreign_routers[0]?.packets === 2);
  const foreign = lab.report().foreign_routers.map((
    { address, vrid, interface: name },
  ) => [address, vrid, name]);
  assertEquals(foreign, [["192.0.2.2", 77, "eth0"]]);
});

Deno.test("Engine: a longer address list in a peer's advertisement is accepted and counted", () => {
  using lab = active();
  lab.speak({ addresses: [bytes(VIP), bytes("192.0.2.101")] });
  lab.until(() => state(lab) === "BACKUP");
  const { counters, peers } = lab.status("web");
  assertEquals([counters["address_list_mismatches"], peers[0]?.addresses_match], [1, false]);
});

Deno.test("Engine: a deadline that is kept late is counted and told", () => {
  using lab = active();
  lab.clock.stall(80);
  lab.during(20);
  assertEquals((lab.status("web").counters["late_deadlines"] ?? 0) >= 1, true);
  assertEquals(told(lab.posted).filter((message) => LATE.test(message)).length, 1);
});

Deno.test("Engine: after a pause beyond the peers' patience, what they said comes before what is due", () => {
  using lab = active();
  lab.heard();
  lab.speak({ priority: 50 });
  lab.clock.stall(80);
  lab.until(() => lab.status("web").counters["advertisements_received"] === 1);
  assertEquals(state(lab), "BACKUP");
  assertEquals(new Set(lab.heard()), new Set([0]), "reminders, and nothing else");
});

/** A kernel that refuses every new address. */
function refusing(netlink: Netlink): Netlink {
  return {
    portId: netlink.portId,
    overrun: false,
    receive: () => netlink.receive(),
    request: (requests) => netlink.request(requests),
    requestAll: (requests) =>
      requests.map(({ type, description }) =>
        type === RTM_NEWADDR ? new NetlinkError(description, EPERM) : null
      ),
  };
}
