/**
 * Neighbour advertisements against what keepalived and FRR send, and decoding of everything that is not one.
 */
import { assertEquals } from "@std/assert";
import { parseMac } from "../../mod/wire/address.ts";
import { decodeNeighborAdvertisement, unsolicitedNeighborAdvertisement } from "../../mod/wire/ndp.ts";
import { NEIGHBOR_ADVERTISEMENTS } from "../golden/announcements.ts";
import { address, hex } from "../golden/bytes.ts";

for (const row of NEIGHBOR_ADVERTISEMENTS) {
  const mac = parseMac(row.mac)!;
  const ip = address(row.address);
  const router = row.router === true;

  Deno.test(`unsolicitedNeighborAdvertisement() is the frame of ${row.name}`, () => {
    assertEquals(unsolicitedNeighborAdvertisement(mac, ip, { router }), hex(row.bytes));
  });

  Deno.test(`decodeNeighborAdvertisement() reads the frame of ${row.name}`, () => {
    assertEquals(decodeNeighborAdvertisement(hex(row.bytes)), {
      destinationMac: parseMac("33:33:00:00:00:01")!,
      sourceMac: mac,
      source: ip,
      destination: address("ff02::1"),
      hopLimit: 255,
      router,
      solicited: false,
      override: true,
      target: ip,
      targetMac: mac,
      checksumOk: true,
    });
  });
}

const FRAME = unsolicitedNeighborAdvertisement(parseMac("02:00:00:00:00:01")!, address("2001:db8::1"), {
  router: false,
});

Deno.test("decodeNeighborAdvertisement() takes nothing cut short", () => {
  for (let length = 0; length < FRAME.length; length++) {
    assertEquals(decodeNeighborAdvertisement(FRAME.slice(0, length)), null, `${length} bytes`);
  }
});

Deno.test("decodeNeighborAdvertisement() takes no other protocol", () => {
  for (const at of [12, 13, 14, 20, 54]) {
    const other = FRAME.slice();
    other[at]! ^= 0x40;
    assertEquals(decodeNeighborAdvertisement(other), null, `byte ${at}`);
  }
});

Deno.test("decodeNeighborAdvertisement() tells a damaged message", () => {
  // From the source address on, but for the payload length and the hop limit, every byte is under the
  // checksum.
  for (let at = 22; at < FRAME.length; at++) {
    if (at === 54) continue;
    const damaged = FRAME.slice();
    damaged[at]! ^= 1;
    assertEquals(decodeNeighborAdvertisement(damaged)?.checksumOk, false, `byte ${at}`);
  }
});

Deno.test("decodeNeighborAdvertisement() does without the option", () => {
  const bare = FRAME.slice(0, 78);
  bare[19] = 24;
  assertEquals(decodeNeighborAdvertisement(bare)?.targetMac, null);
});
