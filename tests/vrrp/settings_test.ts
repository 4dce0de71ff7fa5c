/**
 * From the configuration to the values of the protocol: units, defaults, orders, and what may change in
 * place.
 */
import { assertEquals, assertThrows } from "@std/assert";
import {
  addressBytes,
  isSameRouter,
  leaseMs,
  managedAddressesOf,
  virtualAddresses,
  virtualLinkOf,
  virtualRouterOf,
  wireOf,
} from "../../mod/vrrp/settings.ts";
import { bytes, configOf, type Written } from "./fixture.ts";

Deno.test("virtualRouterOf() takes every setting over, in the units of the core", () => {
  const primaryAddress = bytes("192.0.2.1");
  const config = configOf({
    vrid: 7,
    advertisement_interval: "250ms",
    preempt: false,
    preempt_delay: "90s",
    handover: { enabled: false, timeout: "2s" },
    garp: { delay: "3s", refresh: "0s" },
    lease: "6s",
  });
  assertEquals(virtualRouterOf(config, primaryAddress), {
    version: 3,
    vrid: 7,
    advertisementInterval: 25,
    primaryAddress,
    preemptMode: false,
    preemptDelayMs: 90_000,
    handover: { enabled: false, timeoutMs: 2000 },
    announce: { delayMs: 3000, refreshMs: 0 },
    renewMs: 2000,
    unicast: false,
  });
});

const LEASES: readonly (readonly [written: Written, ms: number])[] = [
  [{ lease: "off" }, 0],
  [{ lease: "45s" }, 45_000],
  [{ advertisement_interval: "10ms" }, 3000],
  [{ advertisement_interval: "1s" }, 6000],
  [{ advertisement_interval: "5s" }, 30_000],
];
for (const [written, ms] of LEASES) {
  Deno.test(`leaseMs(${JSON.stringify(written)}) is ${ms} ms`, () => {
    assertEquals(leaseMs(configOf(written)), ms);
    assertEquals(virtualRouterOf(configOf(written), bytes("192.0.2.1")).renewMs, ms / 3);
  });
}

Deno.test("managedAddressesOf() lists the advertised addresses and then the excluded ones, none of them held", () => {
  const config = configOf({
    addresses: ["192.0.2.100/24", {
      address: "192.0.2.101",
      interface: "eth1",
      label: "eth1:v",
      scope: "link",
    }],
    excluded_addresses: [{ address: "2001:db8::1/64", preferred_lifetime: "30s" }],
  });
  const fresh = { ifindex: 0, held: false };
  assertEquals(managedAddressesOf(config), [
    { address: bytes("192.0.2.100"), prefix: 24, interface: "eth0", scope: 0, ...fresh },
    { address: bytes("192.0.2.101"), prefix: 32, interface: "eth1", label: "eth1:v", scope: 253, ...fresh },
    { address: bytes("2001:db8::1"), prefix: 64, interface: "eth0", scope: 0, preferredMs: 30_000, ...fresh },
  ]);
});

Deno.test("wireOf() multicasts to the group and advertises in the operator's order", () => {
  const wire = wireOf(
    configOf({ addresses: ["192.0.2.9/24", "192.0.2.3/24"], excluded_addresses: ["2001:db8::1/64"] }),
  );
  assertEquals(wire, {
    unicast: false,
    multicastGroup: bytes("224.0.0.18"),
    peers: [],
    unicastSource: null,
    password: null,
    destinations: [bytes("224.0.0.18")],
    advertised: [bytes("192.0.2.9"), bytes("192.0.2.3")],
    virtualMac: null,
  });
});

Deno.test("wireOf() and virtualLinkOf(): one macvlan for each family and VRID, named as configured", () => {
  const ipv6 = configOf({ addresses: ["fe80::100"], virtual_mac: true });
  const mac = Uint8Array.of(0, 0, 0x5e, 0, 2, 51);
  assertEquals(virtualLinkOf(ipv6), { name: "vrrp6.51", base: "eth0", mac });
  assertEquals(wireOf(ipv6).virtualMac, mac);
  const named = configOf({ virtual_mac: { interface: "gateway", advertise_from: "base" } });
  assertEquals(virtualLinkOf(named)?.name, "gateway");
  assertEquals(wireOf(named).virtualMac, null);
  assertEquals(virtualLinkOf(configOf()), null);
});

Deno.test("isSameRouter(): another macvlan is another router, another source MAC address is not", () => {
  const plain = configOf();
  const virtual = configOf({ virtual_mac: true });
  assertEquals(isSameRouter(plain, virtual), false);
  assertEquals(isSameRouter(virtual, configOf({ virtual_mac: { advertise_from: "base" } })), true);
});

Deno.test("wireOf() sends to each peer, from the source that is configured", () => {
  const wire = wireOf(
    configOf({ unicast_peers: ["198.51.100.2", "198.51.100.3"], unicast_source: "198.51.100.1" }),
  );
  assertEquals(wire.unicast, true);
  assertEquals(wire.destinations, [bytes("198.51.100.2"), bytes("198.51.100.3")]);
  assertEquals(wire.peers, wire.destinations);
  assertEquals(wire.unicastSource, bytes("198.51.100.1"));
});

Deno.test("wireOf() advertises a link-local IPv6 address first (RFC 9568 §5.2.9) and pads the password", () => {
  const { advertised, multicastGroup } = wireOf(
    configOf({ addresses: ["2001:db8::1/64", "2001:db8::2/64", "fe80::9/64"] }),
  );
  assertEquals(advertised, [bytes("fe80::9"), bytes("2001:db8::1"), bytes("2001:db8::2")]);
  assertEquals(multicastGroup, bytes("ff02::12"));
  const { password } = wireOf(configOf({ version: 2, password: "tiger" }));
  assertEquals(password, Uint8Array.of(0x74, 0x69, 0x67, 0x65, 0x72, 0, 0, 0));
});

const CHANGES: readonly (readonly [written: Written, same: boolean])[] = [
  [{ priority: 50 }, true],
  [{ addresses: ["192.0.2.7/24"] }, true],
  [{ advertisement_interval: "2s" }, true],
  [{ preempt: false }, true],
  [{ interface: "eth1" }, false],
  [{ vrid: 52 }, false],
  [{ version: 2 }, false],
  [{ multicast_group: "224.0.0.19" }, false],
  [{ unicast_peers: ["192.0.2.2"] }, false],
  [{ unicast_source: "192.0.2.1" }, false],
  [{ addresses: ["2001:db8::1/64"] }, false],
];
for (const [written, same] of CHANGES) {
  Deno.test(`isSameRouter() after a change to ${JSON.stringify(written)}: ${same}`, () => {
    assertEquals(isSameRouter(configOf(), configOf(written)), same);
  });
}

Deno.test("virtualAddresses() holds what is virtual on this host, not what one of its routers owns", () => {
  const routers = [
    configOf({ addresses: ["192.0.2.100/24"], excluded_addresses: ["2001:db8::1/64"] }),
    configOf({ addresses: ["192.0.2.1/24"], priority: 255 }),
    configOf({ addresses: ["192.0.2.1/24"], vrid: 9 }),
  ];
  assertEquals(virtualAddresses(routers), new Set(["192.0.2.100", "2001:db8::1"]));
});

Deno.test("addressBytes() takes a text that no configuration lets through for a bug", () => {
  assertThrows(() => addressBytes("nonsense"), Error, "Cannot parse an accepted address: nonsense");
});
