/**
 * What vipd puts on the wire, dissected by tshark: nothing malformed, no warning, every checksum right, the
 * fields of the RFCs.
 */
import { assert, assertEquals } from "@std/assert";
import { capture, field, type Packet } from "./lab/capture.ts";
import { vipdRouter } from "./lab/routers.ts";
import { inLab } from "./lab/scenario.ts";
import { startVipd, waitForState } from "./lab/vipd.ts";
import { sleep } from "./lab.ts";

const VIP_V2 = "192.168.121.120";
const VIP_V3 = "192.168.121.121";
const VIPS_V6 = ["fe80::121:122", "fd00:121::122"];

Deno.test("the wire: advertisements, gratuitous ARP and neighbour advertisements of a whole life", async () => {
  const options = {
    nodes: { n1: ["192.168.121.129/24", "fd00:121::129/64"] },
    client: ["192.168.121.10/24", "fd00:121::10/64"],
  };
  await inLab(options, async (lab) => {
    const n1 = lab.node("n1");
    const mac = await n1.macAddress();
    const wire = await capture(lab.bridge, "n1");
    const common = { priority: 200, intervalMs: 1000 } as const;
    const vipd = await startVipd(
      n1,
      [
        vipdRouter({ ...common, name: "V2", vrid: 51, version: 2, password: "1111", addresses: [VIP_V2] }),
        vipdRouter({ ...common, name: "V3", vrid: 52, version: 3, intervalMs: 250, addresses: [VIP_V3] }),
        vipdRouter({ ...common, name: "V6", vrid: 53, version: 3, addresses: VIPS_V6 }),
      ].join("\n"),
    );
    for (const name of ["V2", "V3", "V6"]) await waitForState(vipd, name, "ACTIVE");
    await sleep(2500);
    await vipd.child.stop();
    await sleep(100);
    const packets = (await wire.stop()).filter((packet) => field(packet, "eth.src") === mac);
    const vrrp = packets.filter(({ protocols }) => protocols.includes("vrrp"));
    assertClean(packets);
    assertVersion2(vrrp.filter((packet) => field(packet, "vrrp.virt_rtr_id") === "51"));
    assertVersion3(vrrp.filter((packet) => field(packet, "vrrp.virt_rtr_id") === "52"));
    assertIpv6(vrrp.filter((packet) => field(packet, "vrrp.virt_rtr_id") === "53"));
    assertGratuitousArp(packets, mac);
    assertNeighbourAdvertisements(packets, mac);
  });
});

function assertClean(packets: readonly Packet[]): void {
  for (const packet of packets) {
    const names = Object.keys(packet.fields);
    const complaints = names.filter((name) =>
      name.startsWith("_ws.expert") || name.startsWith("_ws.malformed")
    );
    assertEquals(complaints, [], JSON.stringify(packet));
    for (const name of names.filter((candidate) => candidate.endsWith("checksum.status"))) {
      assertEquals(packet.fields[name], ["1"], `${name}: ${JSON.stringify(packet)}`);
    }
  }
}

/** Priorities in the order of their appearance, repetitions left out. */
function priorities(packets: readonly Packet[]): string[] {
  const all = packets.map((packet) => field(packet, "vrrp.prio"));
  return all.filter((priority, i) => priority !== all[i - 1]);
}

function assertVersion2(packets: readonly Packet[]): void {
  assert(packets.length >= 4, `${packets.length} packets of version 2`);
  for (const packet of packets) {
    assertEquals(field(packet, "eth.dst"), "01:00:5e:00:00:12");
    assertEquals(field(packet, "ip.dst"), "224.0.0.18");
    assertEquals(field(packet, "ip.ttl"), "255");
    assertEquals(field(packet, "ip.dsfield.dscp"), "48", "CS6, as RFC 2474 has routing protocols");
    assertEquals(field(packet, "vrrp.version"), "2");
    assertEquals(field(packet, "vrrp.adver_int"), "1");
    assertEquals(field(packet, "vrrp.auth_type"), "1");
    assertEquals(field(packet, "vrrp.auth_string"), "1111");
    assertEquals(packet.fields["vrrp.ip_addr"], [VIP_V2]);
  }
  assertEquals(priorities(packets).at(0), "200");
  assertEquals(priorities(packets).at(-1), "0");
}

function assertVersion3(packets: readonly Packet[]): void {
  assert(packets.length >= 10, `${packets.length} packets of version 3`);
  for (const packet of packets) {
    assertEquals(field(packet, "ip.ttl"), "255");
    assertEquals(field(packet, "vrrp.version"), "3");
    assertEquals(field(packet, "vrrp.reserved_mbz"), "0");
    assertEquals(field(packet, "vrrp.short_adver_int"), "25");
    assertEquals(packet.fields["vrrp.ip_addr"], [VIP_V3]);
  }
  assertEquals(priorities(packets).at(-1), "0");
}

function assertIpv6(packets: readonly Packet[]): void {
  assert(packets.length >= 3, `${packets.length} packets over IPv6`);
  for (const packet of packets) {
    assertEquals(field(packet, "eth.dst"), "33:33:00:00:00:12");
    assertEquals(field(packet, "ipv6.dst"), "ff02::12");
    assert(field(packet, "ipv6.src").startsWith("fe80::"), field(packet, "ipv6.src"));
    assert(!VIPS_V6.includes(field(packet, "ipv6.src")), "a virtual address is never the source");
    assertEquals(field(packet, "ipv6.hlim"), "255");
    assertEquals(packet.fields["vrrp.ipv6_addr"], VIPS_V6);
  }
  assertEquals(priorities(packets).at(-1), "0");
}

function assertGratuitousArp(packets: readonly Packet[], mac: string): void {
  for (const vip of [VIP_V2, VIP_V3]) {
    const claims = packets.filter((packet) =>
      field(packet, "arp.src.proto_ipv4") === vip && field(packet, "arp.dst.proto_ipv4") === vip
    );
    assert(claims.length >= 5, `${claims.length} gratuitous ARPs for ${vip}`);
    for (const packet of claims) {
      assertEquals(field(packet, "eth.dst"), "ff:ff:ff:ff:ff:ff");
      assertEquals(field(packet, "arp.opcode"), "1", "a request, as RFC 5227 §3 prefers");
      assertEquals(field(packet, "arp.src.hw_mac"), mac);
    }
  }
}

function assertNeighbourAdvertisements(packets: readonly Packet[], mac: string): void {
  for (const vip of VIPS_V6) {
    const claims = packets.filter((packet) =>
      field(packet, "icmpv6.type") === "136" && field(packet, "icmpv6.nd.na.target_address") === vip
    );
    assert(claims.length >= 5, `${claims.length} neighbour advertisements for ${vip}`);
    for (const packet of claims) {
      assertEquals(field(packet, "ipv6.dst"), "ff02::1");
      assertEquals(field(packet, "ipv6.hlim"), "255");
      assertEquals(field(packet, "icmpv6.nd.na.flag.s"), "0", "unsolicited");
      assertEquals(field(packet, "icmpv6.nd.na.flag.o"), "1", "override");
      assertEquals(field(packet, "icmpv6.opt.linkaddr"), mac);
    }
  }
}
