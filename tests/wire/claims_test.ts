/** Who claims an address: frames are read, and the filter is run instruction by instruction beside that. */
import { assert, assertEquals } from "@std/assert";
import { arpProbe, encodeArp, gratuitousArp } from "../../mod/wire/arp.ts";
import { formatAddress, formatMac, parseAddress } from "../../mod/wire/address.ts";
import { claimFilter, claimOf, probeFrame } from "../../mod/wire/claims.ts";
import { addBytes, addPseudoHeader, fold } from "../../mod/wire/checksum.ts";
import { Random } from "../sim/random.ts";
import { neighborProbe, unsolicitedNeighborAdvertisement } from "../../mod/wire/ndp.ts";

const MAC = Uint8Array.of(2, 0, 0, 0, 0, 7);
const bytes = (text: string): Uint8Array => parseAddress(text)!;
const VIP = bytes("192.0.2.10");
const VIP6 = bytes("2001:db8::10");
const OTHER = bytes("192.0.2.11");
const OTHER6 = bytes("2001:db8::11");
/** The same last four octets as VIP6. */
const NEAR6 = bytes("2001:db8:1::10");

const reply = encodeArp({
  destination: MAC,
  source: MAC,
  operation: 2,
  senderMac: MAC,
  senderAddress: VIP,
  targetMac: MAC,
  targetAddress: OTHER,
});

/** What the kernel does with a filter: how many octets of the frame it passes on. */
function passes(program: ReturnType<typeof claimFilter>, frame: Uint8Array): number {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  let accumulator = 0;
  for (let at = 0; at < program.length; at++) {
    const [code, jt, jf, k] = program[at]!;
    if (code === 0x06) return k;
    if (code === 0x15) at += accumulator === k ? jt : jf;
    else {
      const size = code === 0x20 ? 4 : 1;
      // Out of the frame: the kernel drops it.
      if (k + size > frame.length) return 0;
      accumulator = size === 4 ? view.getUint32(k) : view.getUint8(k);
    }
  }
  throw new Error("the program has no end");
}

const changed = (frame: Uint8Array, at: number, value: number): Uint8Array => {
  const copy = frame.slice();
  copy[at] = value;
  return copy;
};
const advert = (ip: Uint8Array): Uint8Array => unsolicitedNeighborAdvertisement(MAC, ip, { router: false });

/** Name, frame, the address that it claims ("" = none), whether the filter for both VIPs passes it. */
const FRAMES: readonly (readonly [name: string, frame: Uint8Array, claims: string, passed: boolean])[] = [
  ["a gratuitous ARP", gratuitousArp(MAC, VIP), "192.0.2.10", true],
  ["an answer", reply, "192.0.2.10", true],
  ["an answer for another address", gratuitousArp(MAC, OTHER), "192.0.2.11", false],
  ["a probe claims nothing", arpProbe(MAC, VIP), "", false],
  ["a neighbour advertisement", advert(VIP6), "2001:db8::10", true],
  ["of another address", advert(OTHER6), "2001:db8::11", false],
  ["of one that ends alike: read to the end", advert(NEAR6), "2001:db8:1::10", true],
  ["that a proxy sends does not override", changed(advert(VIP6), 58, 0), "", true],
  ["from another link", changed(advert(VIP6), 21, 64), "", true],
  ["with a wrong checksum", changed(advert(VIP6), 57, 1), "", true],
  ["a neighbour solicitation", neighborProbe(MAC, VIP6), "", false],
  ["a short frame", reply.subarray(0, 20), "", false],
];

for (const [name, frame, claims, passed] of FRAMES) {
  Deno.test(`claimOf(): ${name}`, () => {
    const claim = claimOf(frame);
    assertEquals(claim === null ? "" : formatAddress(claim.address), claims);
    if (claim !== null) assertEquals(formatMac(claim.mac), "02:00:00:00:00:07");
    const family = frame[12] === 0x86 ? 6 : 4;
    const program = claimFilter(family, family === 4 ? [bytes("10.0.0.1"), VIP] : [bytes("fe80::1"), VIP6]);
    assertEquals(passes(program, frame) > 0, passed, "filter");
    assertEquals(passes(claimFilter(family, []), frame), 0, "a filter for nothing");
  });
}

Deno.test("neighborProbe(): goes to the solicited-node group from nowhere, with a right checksum", () => {
  const frame = probeFrame(MAC, VIP6);
  assertEquals(formatMac(frame.subarray(0, 6)), "33:33:ff:00:00:10");
  const [source, destination] = [frame.subarray(22, 38), frame.subarray(38, 54)];
  assertEquals([formatAddress(source), formatAddress(destination)], ["::", "ff02::1:ff00:10"]);
  assertEquals([frame[21], frame[54], formatAddress(frame.subarray(62, 78))], [255, 135, "2001:db8::10"]);
  const sum = addPseudoHeader(addBytes(0, frame, 54), source, destination, 58, frame.length - 54);
  assertEquals(fold(sum), 0xffff);
});

Deno.test("claimOf() and the filter agree on frames of chance: what is a claim is let through", () => {
  const random = new Random(7);
  const seeds = FRAMES.map(([, frame]) => frame);
  let claims = 0;
  for (let i = 0; i < 20_000; i++) {
    const frame = seeds[random.integer(0, seeds.length - 1)]!.slice();
    for (let changes = random.integer(0, 3); changes > 0; changes--) {
      frame[random.integer(0, frame.length - 1)] = random.integer(0, 255);
    }
    const cut = frame.subarray(
      0,
      random.integer(0, 9) === 0 ? random.integer(0, frame.length) : frame.length,
    );
    const claim = claimOf(cut);
    if (claim === null) continue;
    claims++;
    assertEquals([
      claim.mac.length,
      passes(claimFilter(claim.address.length === 4 ? 4 : 6, [claim.address]), cut),
    ], [
      6,
      256,
    ]);
  }
  assert(claims > 1_000);
});
