/** A virtual router in the words of the read model, in each of its states. */
import { assertEquals } from "@std/assert";
import { VirtualRouterStatus } from "../../mod/snapshot.ts";
import { discard } from "../../mod/vrrp/discard.ts";
import type { Instance } from "../../mod/vrrp/instance.ts";
import type { RouterReport } from "../../mod/vrrp/messages.ts";
import { reportOf } from "../../mod/vrrp/report.ts";
import { advertisement, bytes, instanceOf } from "./fixture.ts";
import { active, backup, faulty, leaving, waiting } from "./router_fixture.ts";

const PEER = bytes("192.0.2.2");

/** What the VRRP thread knows nothing of is left out. */
const reported = VirtualRouterStatus.omit({ hooks: true });

/** What is reported; valid by the published schema. */
function report(instance: Instance): RouterReport {
  return reported.parse(reportOf(instance));
}

Deno.test("reportOf() a router as configured, before anything happened", () => {
  const instance = instanceOf({ excluded_addresses: ["198.51.100.7/32"] }, { primary: null });
  const { counters, ...rest } = report(instance);
  assertEquals(new Set(Object.values(counters)), new Set([0]));
  assertEquals(rest, {
    name: "web",
    interface: "eth0",
    vrid: 51,
    version: 3,
    family: "ipv4",
    state: "INIT",
    since: "1970-01-01T00:00:00.000Z",
    reason: "starting",
    base_priority: 100,
    effective_priority: 100,
    override: null,
    contributions: [],
    advertisement_interval_ms: 1000,
    active_down_interval_ms: 3609.375,
    announcement_delay_ms: 5000,
    preempt: true,
    preempt_delay_ms: 0,
    sync_group: null,
    primary_address: null,
    active_router: null,
    handover: false,
    handover_timeout_ms: 1000,
    held_back: null,
    addresses: [
      { address: "192.0.2.100/24", interface: "eth0", advertised: true, present: false },
      { address: "198.51.100.7/32", interface: "eth0", advertised: false, present: false },
    ],
    virtual_mac: null,
    peers: [],
    rejected: [],
    conflicts: [],
  });
});

Deno.test("reportOf() the macvlan of a virtual router MAC address, and the addresses on it", () => {
  const { virtual_mac, addresses } = report(instanceOf({ virtual_mac: true }));
  const mac = "00:00:5e:00:01:33";
  assertEquals(virtual_mac, { interface: "vrrp.51", mac, advertise_from: "virtual" });
  assertEquals(addresses.map(({ interface: name }) => name), ["vrrp.51"]);
});

Deno.test("reportOf() who is active: itself, the one it hears, nobody", () => {
  const instance = instanceOf();
  const inState = (state: Instance["state"]): unknown[] => {
    instance.enter(state);
    const { state: name, active_router, handover } = report(instance);
    return [name, active_router, handover];
  };
  assertEquals(inState(waiting), ["INIT", null, false]);
  assertEquals(inState(faulty), ["FAULT", null, false]);
  assertEquals(inState(backup), ["BACKUP", null, false]);
  assertEquals(inState({ ...backup, heard: { source: PEER, priority: 150 } }), [
    "BACKUP",
    "192.0.2.2",
    false,
  ]);
  assertEquals(inState(active), ["ACTIVE", "192.0.2.1", false]);
  assertEquals(inState(leaving), ["ACTIVE", "192.0.2.1", true]);
});

Deno.test("reportOf() a backup by the interval that it adopted, an active one by its own", () => {
  const instance = instanceOf({ advertisement_interval: "1s" });
  instance.enter({ ...backup, activeAdverInterval: 10 });
  const adopted = report(instance);
  assertEquals([adopted.advertisement_interval_ms, adopted.active_down_interval_ms], [100, 360.9375]);
  instance.enter(active);
  assertEquals(report(instance).advertisement_interval_ms, 1000);
});

Deno.test("reportOf() the priority with what each check contributes", () => {
  const trackers = [{ check: "nginx", state: "down", reason: "dead" }] as const;
  const instance = instanceOf({ track: [{ check: "nginx", weight: -30 }] }, { trackers });
  const { base_priority, effective_priority, contributions } = report(instance);
  assertEquals([base_priority, effective_priority], [100, 70]);
  assertEquals(contributions.map(({ check, contribution }) => [check, contribution]), [["nginx", -30]]);
});

Deno.test("reportOf() peers and rejected packets", () => {
  const instance = instanceOf();
  const arrival = { source: PEER, destination: bytes("224.0.0.18"), hopLimit: 255, bytes: Uint8Array.of(1) };
  instance.hear(arrival, { ...advertisement, priority: 150, maxAdvertiseInterval: 50 }, 2000).count = 12;
  instance.reject({ at: 3000, source: PEER, discard: discard("checksum_errors", "checksum 0x1234") });
  const { peers, rejected, counters } = report(instance);
  assertEquals(peers, [{
    address: "192.0.2.2",
    version: 3,
    priority: 150,
    advertisement_interval_ms: 500,
    checksum: "pseudo_header",
    addresses: ["192.0.2.100"],
    addresses_match: true,
    last_seen: "1970-01-01T00:00:02.000Z",
    advertisements: 12,
  }]);
  assertEquals(rejected, [{
    at: "1970-01-01T00:00:03.000Z",
    source: "192.0.2.2",
    reason: "checksum_errors",
    detail: "checksum 0x1234",
  }]);
  assertEquals(counters["checksum_errors"], 1);
});
