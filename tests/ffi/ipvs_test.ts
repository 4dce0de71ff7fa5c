/**
 * IPVS over generic netlink: octet by octet what a real kernel has accepted and said, and the made-up kernel.
 */
import { assertEquals, assertThrows } from "@std/assert";
import { findFamily } from "../../ffi/genetlink.ts";
import { findIpvs, type Ipvs, listDestinations, listServices } from "../../ffi/ipvs.ts";
import { libc } from "../../ffi/libc.ts";
import { NetlinkConversation, NetlinkError } from "../../ffi/netlink.ts";
import { EXCHANGES } from "../golden/ipvs.ts";
import { FakeIpvs } from "./ipvs_fake.ts";
import { outcome, SESSION } from "./ipvs_session.ts";

// Opened once per thread and never closed, so before any test counts its resources.
libc();

/** Plays what the kernel said, as long as what is sent is what was sent then. */
class Recording {
  readonly portId = 4242;
  step = "find IPVS";
  #next = 0;

  get isOver(): boolean {
    return this.#next === EXCHANGES.length;
  }

  send(bytes: Uint8Array): void {
    assertEquals([this.step, "sent", bytes.toHex()], EXCHANGES[this.#next++]);
  }

  receive(): { bytes: Uint8Array; multicast: boolean } | null {
    const [step, way, datagram = ""] = EXCHANGES[this.#next] ?? [];
    if (step !== this.step || way !== "received") return null;
    this.#next++;
    return { bytes: Uint8Array.fromHex(datagram), multicast: false };
  }
}

Deno.test("golden: a whole session, in both directions", () => {
  const recording = new Recording();
  const ipvs = findIpvs(new NetlinkConversation(recording))!;
  for (const [name, ask, expected] of SESSION) {
    recording.step = name;
    assertEquals(outcome(ask, ipvs), expected, name);
  }
  assertEquals(recording.isOver, true);
});

Deno.test("the made-up kernel answers the session as the real one did", () => {
  const ipvs = findIpvs(new FakeIpvs().netlink)!;
  for (const [name, ask, expected] of SESSION) assertEquals(outcome(ask, ipvs), expected, name);
});

Deno.test("a kernel without IPVS has no such family, and any other refusal is an error", () => {
  const kernel = new FakeIpvs();
  assertEquals(findFamily(kernel.netlink, "IPVS"), 32);
  kernel.present = false;
  assertEquals(findFamily(kernel.netlink, "IPVS"), null);
  assertEquals(findIpvs(kernel.netlink), null);
  const refused = new FakeIpvs();
  const ipvs = findIpvs(refused.netlink)!;
  refused.permitted = false;
  const error = assertThrows(() => listServices(ipvs), NetlinkError);
  assertEquals(error.message, "list services: EPERM: Operation not permitted");
});

Deno.test("counters: 64 bits, or 32 from a kernel that has no others", () => {
  const narrow = "18000a80 08000100 05000000 0c000400 0000000000010000";
  const wide = "1c000c80 0c000100 0600000000000000 0c000400 0000000000010000";
  for (const [stats, conns] of [[narrow, 5], [wide, 6], [`${narrow} ${wide}`, 6]] as const) {
    const destination = `14000100 c0000215000000000000000000000000 06000200 0050 0000 ${stats}`;
    const [found] = listDestinations(answering(destination), { family: 4, fwmark: 1 });
    assertEquals([found?.stats.conns, found?.stats.inbytes], [conns, 2 ** 40]);
    assertEquals([...found!.id.address, found!.id.port], [192, 0, 2, 21, 80]);
  }
});

Deno.test("what a destination says in a way that nobody knows is left out", () => {
  const rows: Readonly<Record<string, string>> = {
    "an address of 3 octets": "07000100 c0000200 06000200 00500000",
    "an unknown family": "14000100 c0000215000000000000000000000000 06000200 00500000 06000b00 63000000",
    "IPv6 of 4 octets": "08000100 c0000215 06000200 00500000 06000b00 0a000000",
    "no port": "14000100 c0000215000000000000000000000000",
  };
  for (const [name, attributes] of Object.entries(rows)) {
    assertEquals(listDestinations(answering(attributes), { family: 4, fwmark: 1 }), [], name);
  }
});

/** IPVS whose only answer is one destination of these attributes. */
function answering(attributes: string): Ipvs {
  const nest = Uint8Array.fromHex(attributes.replaceAll(" ", ""));
  const length = 4 + nest.length;
  const payload = Uint8Array.of(5, 1, 0, 0, length & 0xff, length >> 8, 2, 0x80, ...nest);
  const size = 16 + payload.length;
  const header = [size & 0xff, size >> 8, 0, 0, 32, 0, 2, 0, 1, 0, 0, 0, 0x92, 0x10, 0, 0];
  const end = [20, 0, 0, 0, 3, 0, 2, 0, 1, 0, 0, 0, 0x92, 0x10, 0, 0, 0, 0, 0, 0];
  const bytes = Uint8Array.of(...header, ...payload, ...end);
  let isAsked = false;
  const transport = {
    portId: 4242,
    send: (): void => void (isAsked = true),
    receive: () => isAsked ? { bytes, multicast: false } : null,
  };
  return { netlink: new NetlinkConversation(transport), family: { id: 32, version: 1 } };
}
