/**
 * The engine under attack: what others do to its interface, its addresses and its ears, and what it may not
 * do in return.
 */
import { assert, assertEquals } from "@std/assert";
import type { NetlinkSocket } from "../../ffi/netlink.ts";
import { addAddress, addLink, listLinks, removeAddress, removeLink, setLink } from "../../ffi/rtnetlink.ts";
import { PROC_SYS } from "../../mod/kernel/sysctl.ts";
import { RTM_DELADDR } from "../../ffi/rtnetlink.ts";
import { EngineLab, WEB } from "./engine_lab.ts";
import { bytes, type Written } from "./fixture.ts";

const VIP = "192.0.2.100/24";

function notices({ posted }: EngineLab): string[] {
  return posted.flatMap((event) => event.type === "notice" ? [event.message] : []);
}

function activate(lab: EngineLab, written: Written = {}): void {
  lab.configure({ web: { ...WEB, ...written } });
  lab.until(() => lab.status("web").state === "ACTIVE");
}

/** Keeps the router in BACKUP for a while: its active router speaks every few milliseconds. */
function listen(lab: EngineLab, ms: number): void {
  for (let i = 0; i < ms / 5; i++) {
    lab.speak();
    lab.during(5);
  }
}

Deno.test("a new link-layer address of the interface is announced at once", () => {
  using lab = new EngineLab();
  activate(lab);
  lab.heard();
  lab.kernel((nl, eth0) => setLink(nl, eth0, { mac: Uint8Array.of(2, 0, 0, 0, 0, 0x77) }));
  lab.during(100);
  assertEquals(lab.heard().filter((word) => word === "arp"), ["arp"]);
});

Deno.test("whoever removes the address again and again gets it back each time, and is not answered by a flood", () => {
  using lab = new EngineLab();
  activate(lab);
  lab.heard();
  for (let i = 0; i < 30; i++) {
    lab.kernel((nl, ifindex) => removeAddress(nl, { ifindex, address: bytes("192.0.2.100"), prefix: 24 }));
    lab.until(() => lab.addresses().includes(VIP));
  }
  assertEquals(lab.status("web").counters["addresses_restored"], 30);
  const announced = lab.heard().filter((word) => word === "arp").length;
  assert(announced <= 2, `${announced} announcements`);
});

Deno.test("an address that somebody adds to a backup is removed and told", () => {
  using lab = new EngineLab();
  lab.configure({ web: WEB });
  listen(lab, 20);
  lab.kernel((nl, ifindex) => addAddress(nl, { ifindex, address: bytes("192.0.2.100"), prefix: 32 }));
  listen(lab, 50);
  assertEquals(lab.addresses(), ["192.0.2.1/24"]);
  assertEquals(lab.status("web").counters["leftovers_removed"], 1);
  assert(notices(lab).some((text) => text.startsWith("somebody added 192.0.2.100/32 on eth0")));
});

Deno.test("an address that somebody has added beside ours goes when we go", () => {
  using lab = new EngineLab();
  activate(lab);
  lab.kernel((nl, ifindex) => addAddress(nl, { ifindex, address: bytes("192.0.2.100"), prefix: 32 }));
  lab.during(20);
  assertEquals(lab.addresses().length, 3);
  listen(lab, 30);
  assertEquals(lab.addresses(), ["192.0.2.1/24"]);
});

Deno.test("who cannot hear the others does not believe to be alone", () => {
  using lab = new EngineLab();
  // Linux lets one socket join 20 groups.
  const routers = Array.from({ length: 22 }, (_, i): [string, Written] => {
    const addresses = [`192.0.2.${101 + i}`];
    return [`r${i}`, { ...WEB, vrid: i + 1, addresses, multicast_group: `224.0.1.${i + 1}` }];
  });
  lab.configure(Object.fromEntries(routers));
  lab.during(150);
  const states = lab.report().virtual_routers.map(({ state }) => state);
  assertEquals(states, [...Array(20).fill("ACTIVE"), "FAULT", "FAULT"]);
  assert(lab.status("r20").reason.startsWith("cannot listen on eth0"), lab.status("r20").reason);
});

Deno.test("a reload that comes during the stop begins nothing anew", () => {
  using lab = new EngineLab();
  activate(lab);
  lab.stop();
  lab.configure({ web: { ...WEB, vrid: 52 } });
  lab.until(() => lab.posted.some(({ type }) => type === "stopped"));
  assertEquals(lab.report().virtual_routers, []);
  assertEquals(lab.addresses(), ["192.0.2.1/24"]);
});

Deno.test("another VRID: the successor takes the address over, nobody removes it", () => {
  using lab = new EngineLab();
  activate(lab, { handover: { timeout: "5s" } });
  lab.configure({ web: { ...WEB, vrid: 52, handover: { timeout: "5s" } } });
  lab.until(() => lab.status("web").state === "ACTIVE");
  lab.during(50);
  assert(lab.addresses().includes(VIP));
  assertEquals(lab.status("web").counters["addresses_restored"], 0);
});

Deno.test("another VRID: what the replaced router still does is not told under the successor's name", () => {
  using lab = new EngineLab();
  activate(lab);
  lab.posted.length = 0;
  lab.configure({ web: { ...WEB, vrid: 52 } });
  const told = (): string[] =>
    lab.posted.flatMap((event) => event.type === "transition" ? [`${event.name} -> ${event.to}`] : []);
  lab.until(() => told().length === 3);
  assertEquals(told(), ["web -> BACKUP", "web -> ACTIVE", "web (replaced) -> INIT"]);
});

Deno.test("a check that a reload has taken out is forgotten", () => {
  using lab = new EngineLab();
  const tracked = { ...WEB, track: ["nginx"] };
  lab.track({ check: "nginx", state: "up", reason: "passed" });
  lab.configure({ web: tracked });
  lab.until(() => lab.status("web").state === "ACTIVE");
  lab.configure({});
  lab.configure({ web: tracked });
  assertEquals(lab.status("web").reason, "check nginx has not decided yet");
});

Deno.test("another VRID: what was replaced goes as soon as somebody is active under the new one", () => {
  using lab = new EngineLab();
  activate(lab, { handover: { timeout: "5s" } });
  lab.configure({ web: { ...WEB, vrid: 52, handover: { timeout: "5s" } } });
  lab.speak({ vrid: 52 });
  lab.during(5);
  assertEquals(lab.addresses(), ["192.0.2.1/24"]);
});

Deno.test("foreign routers: more of them than are remembered do not flood the log", () => {
  using lab = new EngineLab();
  lab.configure({ web: WEB });
  for (let vrid = 100; vrid < 250; vrid++) lab.speak({ vrid });
  lab.during(20);
  for (let vrid = 100; vrid < 250; vrid++) lab.speak({ vrid });
  lab.during(20);
  assertEquals(lab.report().foreign_routers.length, 64);
  assertEquals(notices(lab).filter((text) => text.includes("which no virtual router here has")).length, 16);
});

Deno.test("a peer with other addresses counts, and is told once", () => {
  using lab = new EngineLab();
  lab.configure({ web: WEB });
  for (let i = 0; i < 3; i++) lab.speak({ addresses: [bytes("192.0.2.99")] });
  lab.during(10);
  assertEquals(lab.status("web").counters["address_list_mismatches"], 3);
  const told = "192.0.2.2 advertises other addresses than this router has: 192.0.2.99";
  assertEquals(notices(lab), [told]);
});

/** A link beside eth0 that clients might come over: `far0`, up. */
function addFar(lab: EngineLab): void {
  lab.kernel((nl) => {
    addLink(nl, { name: "far0", kind: "veth", peer: { name: "far1" } });
    for (const name of ["far1", "far0"]) setLink(nl, indexIn(nl, name), { up: true });
  });
}

function indexIn(nl: NetlinkSocket, name: string): number {
  return listLinks(nl).find((link) => link.name === name)!.index;
}

const FAR = { address: "198.51.100.9/32", interface: "far0" };

Deno.test("the interface of an address comes back while the router still serves: the address as well", () => {
  using lab = new EngineLab();
  addFar(lab);
  activate(lab, { addresses: ["192.0.2.100/24", FAR], handover: { timeout: "5s" } });
  assert(lab.find("198.51.100.9") !== undefined);
  lab.kernel((nl) => removeLink(nl, indexIn(nl, "far0")));
  lab.during(20);
  addFar(lab);
  lab.until(() => lab.find("198.51.100.9") !== undefined);
  assertEquals(lab.status("web").state, "ACTIVE");
  assertEquals(notices(lab).filter((text) => text.startsWith("somebody removed")), []);
});

Deno.test("the interface of an address loses its carrier, or goes down: FAULT until it is back", () => {
  using lab = new EngineLab();
  addFar(lab);
  activate(lab, { addresses: ["192.0.2.100/24", FAR], handover: { enabled: false } });
  for (const [name, reason] of [["far1", "far0 has no carrier"], ["far0", "far0 is down"]] as const) {
    lab.kernel((nl) => setLink(nl, indexIn(nl, name), { up: false }));
    lab.until(() => lab.status("web").state === "FAULT");
    assertEquals(lab.status("web").reason, reason);
    assertEquals(lab.addresses(), ["192.0.2.1/24"]);
    lab.kernel((nl) => setLink(nl, indexIn(nl, name), { up: true }));
    lab.until(() => lab.status("web").state === "ACTIVE");
    assert(lab.find("198.51.100.9") !== undefined);
  }
});

Deno.test("the host's own address survives that the virtual one has become the first of their subnet", () => {
  using lab = new EngineLab((netlink) => netlink, PROC_SYS);
  addFar(lab);
  const own = { address: bytes("198.51.100.1"), prefix: 24 };
  const promotes = (): string | null => PROC_SYS.read("net/ipv4/conf/far0/promote_secondaries");
  lab.kernel((nl) => {
    for (const name of ["all", "far0"]) PROC_SYS.write(`net/ipv4/conf/${name}/promote_secondaries`, "0");
    addAddress(nl, { ...own, ifindex: indexIn(nl, "far0") });
  });
  activate(lab, {
    addresses: [{ address: "198.51.100.9/24", interface: "far0" }],
    handover: { enabled: false },
  });
  assertEquals(lab.kernel(promotes), "1");
  lab.kernel((nl) => removeAddress(nl, { ...own, ifindex: indexIn(nl, "far0") }));
  lab.during(20);
  lab.kernel((nl) => addAddress(nl, { ...own, ifindex: indexIn(nl, "far0") }));
  lab.during(20);
  lab.stop();
  lab.until(() => lab.posted.some(({ type }) => type === "stopped"));
  assertEquals([lab.find("198.51.100.9"), lab.find("198.51.100.1")?.prefix], [undefined, 24]);
  assertEquals(lab.kernel(promotes), "0");
});

Deno.test("what comes while the kernel keeps the engine waiting has come in time", () => {
  let busy = (): void => {};
  using lab = new EngineLab((netlink) => ({
    portId: netlink.portId,
    get overrun() {
      return netlink.overrun;
    },
    request: (requests) => netlink.request(requests),
    requestAll: (requests) => {
      if (requests.some(({ type }) => type === RTM_DELADDR)) busy();
      return netlink.requestAll(requests);
    },
    receive: () => netlink.receive(),
  }));
  const other = { ...WEB, vrid: 52, addresses: ["192.0.2.110/24"] };
  lab.configure({ web: WEB, other });
  const speak = (): void => lab.speak({ vrid: 52, addresses: [bytes("192.0.2.110")] });
  lab.until(() => {
    speak();
    return lab.status("web").state === "ACTIVE";
  });
  assertEquals(lab.status("other").state, "BACKUP");
  // Longer than the 36 ms that the other router has patience; its active router speaks all the time.
  busy = () => {
    for (let i = 0; i < 12; i++) {
      lab.clock.stall(5);
      speak();
    }
  };
  speak();
  lab.speak();
  lab.until(() => lab.status("web").counters["released_active"] === 1);
  assertEquals(lab.status("other").counters["became_active"], 0);
});
