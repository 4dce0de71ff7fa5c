/** One engine after another on one wire: a pause that is announced, and a successor that goes on. */
import { assert, assertEquals } from "@std/assert";
import { removeAddress } from "../../ffi/rtnetlink.ts";
import type { EngineEvent } from "../../mod/vrrp/messages.ts";
import type { Inheritance } from "../../mod/vrrp/saved.ts";
import { bytes } from "./fixture.ts";
import { EngineLab, WEB } from "./engine_lab.ts";

function activeLab(written = WEB): EngineLab {
  const lab = new EngineLab();
  lab.configure({ web: written });
  lab.until(() => lab.addresses().includes("192.0.2.100/24"));
  lab.heard();
  return lab;
}

function paused(lab: EngineLab): Inheritance {
  const result = lab.pause();
  if (typeof result === "string") throw new Error(result);
  return result;
}

const transitions = (posted: readonly EngineEvent[]): EngineEvent[] =>
  posted.filter(({ type }) => type === "transition");

Deno.test("succession: the pause is announced at once, in the usual cadence, until it is called off", () => {
  using lab = activeLab();
  paused(lab);
  assertEquals(lab.intervals(), [500]);
  lab.during(55);
  const during = lab.intervals();
  assert(during.length >= 4 && during.every((interval) => interval === 500), String(during));
  const { validLft } = lab.find("192.0.2.100")!;
  assert(validLft > 15, `the lease outlasts the peers' patience: ${validLft} s`);
  lab.goOn();
  assertEquals(lab.intervals(), [1]);
  assert(lab.find("192.0.2.100")!.validLft <= 3);
  lab.goOn();
  assertEquals(lab.intervals(), [], "a pause that is off cannot be called off");
});

Deno.test("succession: the next engine goes on as active, without transition, announcement or new addresses", () => {
  using lab = activeLab();
  const before = lab.status("web");
  const inheritance = JSON.parse(JSON.stringify(paused(lab))) as Inheritance;
  lab.intervals();
  lab.replaceEngine();
  lab.inherit(inheritance);
  lab.configure({ web: WEB });
  assertEquals(lab.heardWithIntervals(), [[100, 500]], "still patient with the beginner");
  const after = lab.status("web");
  assertEquals([after.state, after.since, after.reason], [before.state, before.since, before.reason]);
  assertEquals(after.counters["became_active"], 1);
  assertEquals(transitions(lab.posted), []);
  const inherited = lab.posted.find(({ type }) => type === "inherited");
  assertEquals(inherited?.type === "inherited" && inherited.routers, [{ name: "web", state: "ACTIVE" }]);
  lab.goOn();
  assertEquals(lab.intervals(), [1]);
});

Deno.test("succession: an address that went meanwhile is back, one that has no lease stays", () => {
  const written = { ...WEB, lease: "off" };
  using lab = activeLab(written);
  const inheritance = paused(lab);
  lab.replaceEngine();
  lab.inherit(inheritance);
  lab.configure({ web: written });
  assertEquals(lab.find("192.0.2.100")?.validLft, Infinity);
  const address = { address: bytes("192.0.2.100"), prefix: 24 };
  lab.kernel((nl, ifindex) => removeAddress(nl, { ifindex, ...address }));
  const again = paused(lab);
  lab.replaceEngine();
  lab.inherit(again);
  assert(lab.addresses().includes("192.0.2.100/24"));
});

Deno.test("succession: whoever comes too late begins anew", () => {
  using lab = activeLab();
  const { pausedAtMs, ...rest } = paused(lab);
  lab.replaceEngine();
  lab.inherit({ ...rest, pausedAtMs: pausedAtMs - 15_100 });
  assertEquals(lab.report().virtual_routers, []);
});

Deno.test("succession: the file may be another one by now: the router hands over as in a reload", () => {
  using lab = activeLab();
  const inheritance = paused(lab);
  lab.replaceEngine();
  lab.heard();
  lab.inherit(inheritance);
  lab.configure({});
  assertEquals(lab.heard(), [100, 0]);
  assert(lab.addresses().includes("192.0.2.100/24"), "it serves until somebody takes over");
  lab.speak({ priority: 90 });
  lab.until(() => !lab.addresses().includes("192.0.2.100/24"));
});

Deno.test("succession: a handover that is under way has to end before", () => {
  using lab = new EngineLab();
  lab.track({ check: "nginx", state: "up", reason: "alive" });
  lab.configure({ web: { ...WEB, track: ["nginx"] } });
  lab.until(() => lab.addresses().includes("192.0.2.100/24"));
  lab.track({ check: "nginx", state: "down", reason: "dead" });
  assertEquals(lab.pause(), "web is handing over");
});
