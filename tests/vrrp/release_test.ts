/** The engine with the operator's word to leave: one router, or the whole node. */
import { assertEquals, assertMatch } from "@std/assert";
import type { Released } from "../../mod/vrrp/messages.ts";
import { EngineLab, WEB } from "./engine_lab.ts";

const VIP = "192.0.2.100/24";
/** Sooner nobody takes over: what comes before was on its way already. */
const SKEW_MS = 12;
const MAINTENANCE = { reason: "maintenance until it is ended", force: false };

function activeLab(): EngineLab {
  const lab = new EngineLab();
  lab.configure({ web: WEB });
  lab.until(() => lab.addresses().includes(VIP));
  lab.heard();
  return lab;
}

function handedOver(lab: EngineLab): Released | null | undefined {
  const answer = lab.posted.find(({ type }) => type === "handover");
  return answer?.type === "handover" ? answer.result : undefined;
}

function maintained(lab: EngineLab): readonly Released[] | undefined {
  const answer = lab.posted.findLast(({ type }) => type === "maintain");
  return answer?.type === "maintain" ? answer.result : undefined;
}

Deno.test("release: handed over to whoever takes over; then it does not come back until that one is gone", () => {
  using lab = activeLab();
  lab.handOver("web");
  assertEquals([lab.heard(), lab.addresses().includes(VIP)], [[0], true]);
  lab.during(SKEW_MS);
  lab.speak({ priority: 50 });
  lab.until(() => handedOver(lab) !== undefined);
  assertMatch(
    handedOver(lab)!.detail,
    /^web was handed over in \d+ ms: handed over on demand; .* priority 50$/,
  );
  // Well above its own patience of 33 ms.
  lab.speak({ priority: 50, maxAdvertiseInterval: 50 });
  lab.during(300);
  assertEquals(lab.status("web").state, "BACKUP");
  assertMatch(lab.status("web").held_back ?? "", /^handed over on demand at 20/);
  lab.until(() => lab.addresses().includes(VIP));
  assertEquals(lab.status("web").held_back, null, "it serves again, nothing holds it");
});

Deno.test("release: back on demand, it preempts as it is configured", () => {
  using lab = activeLab();
  lab.handOver("web");
  lab.during(SKEW_MS);
  lab.speak({ priority: 50 });
  lab.until(() => handedOver(lab) !== undefined);
  lab.handOver("web", true);
  lab.speak({ priority: 50 });
  assertEquals(lab.status("web").held_back, null);
  for (let i = 0; i < 400 && !lab.addresses().includes(VIP); i++) {
    lab.speak({ priority: 50 });
    lab.during(5);
  }
  assertEquals(lab.status("web").state, "ACTIVE");
});

Deno.test("release: nobody takes over: it serves on, and says so", () => {
  using lab = activeLab();
  lab.handOver("web");
  lab.until(() => handedOver(lab) !== undefined);
  assertMatch(handedOver(lab)!.detail, /^web stays ACTIVE: nobody took over within 1\d{3} ms$/);
  assertEquals([lab.addresses().includes(VIP), lab.status("web").held_back], [true, null]);
  assertEquals(lab.heard().slice(0, 2), [0, 100]);
});

Deno.test("release: what cannot be handed over, and why", () => {
  using lab = activeLab();
  lab.handOver("nobody");
  assertEquals(handedOver(lab), null);
  lab.posted.length = 0;
  lab.handOver("web", true);
  assertEquals(handedOver(lab), { name: "web", ok: false, detail: "web is not held back" });
  lab.posted.length = 0;
  lab.configure({ web: { ...WEB, priority: 255 } });
  lab.handOver("web");
  assertMatch(handedOver(lab)?.detail ?? "", /^web owns its addresses/);
});

Deno.test("maintenance: the node hands over, stays out, also after a reload, and takes part again", () => {
  using lab = activeLab();
  lab.maintain(MAINTENANCE);
  assertEquals(maintained(lab), undefined);
  lab.during(SKEW_MS);
  lab.speak({ priority: 50 });
  lab.until(() => maintained(lab) !== undefined);
  assertEquals(maintained(lab)!.map(({ name, ok }) => [name, ok]), [["web", true]]);
  lab.during(60);
  assertEquals([lab.status("web").state, lab.status("web").reason], ["INIT", MAINTENANCE.reason]);
  lab.configure({
    web: { ...WEB, priority: 110 },
    more: { ...WEB, vrid: 52, addresses: ["192.0.2.101/24"] },
  });
  lab.during(60);
  assertEquals(lab.report().virtual_routers.map(({ state }) => state), ["INIT", "INIT"]);
  lab.maintain(null);
  assertEquals(maintained(lab), []);
  lab.until(() => lab.addresses().includes(VIP));
});

Deno.test("maintenance: where nobody takes over the router serves on, unless it is forced", () => {
  using lab = activeLab();
  lab.maintain(MAINTENANCE);
  lab.until(() => maintained(lab) !== undefined);
  assertEquals([maintained(lab)![0]!.ok, lab.addresses().includes(VIP)], [false, true]);
  lab.posted.length = 0;
  lab.maintain({ ...MAINTENANCE, force: true });
  lab.until(() => maintained(lab) !== undefined);
  assertEquals([maintained(lab)![0]!.ok, lab.addresses().includes(VIP)], [true, false]);
});

Deno.test("maintenance: a backup does not stand by", () => {
  using lab = new EngineLab();
  lab.configure({ web: WEB });
  lab.maintain(MAINTENANCE);
  assertEquals([maintained(lab), lab.status("web").state], [[], "INIT"]);
});
