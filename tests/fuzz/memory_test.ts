/** What reading a packet allocates: in proportion to the packet, whatever it claims about itself. */
import { assert } from "@std/assert";
import { PACKETS } from "./corpus/packets.ts";
import { type PacketCase, packets, readOnly } from "./packets.ts";

/** Packets between two looks at the heap; many looks, since a collection in between makes one worthless. */
const PACKETS_A_LOOK = 200;
const LOOKS = 30;

/** Octets of heap and buffers that one packet takes, in the median of the looks that no collection spoilt. */
function allocated(input: PacketCase): number {
  for (let i = 0; i < 2_000; i++) readOnly(input);
  const looks = Array.from({ length: LOOKS }, () => {
    const before = Deno.memoryUsage();
    for (let i = 0; i < PACKETS_A_LOOK; i++) readOnly(input);
    const after = Deno.memoryUsage();
    return (after.heapUsed + after.external - before.heapUsed - before.external) / PACKETS_A_LOOK;
  });
  const grown = looks.filter((octets) => octets >= 0).toSorted((a, b) => a - b);
  return grown[Math.floor(grown.length / 2)] ?? 0;
}

/** Objects of a fixed number, and one view for each address: its object is larger than its octets. */
const FIXED = 4_096;
const PER_OCTET = 64;

for (const [name, outcome, ...row] of PACKETS) {
  const input = packets.fromRow(row);
  if (input.packets.length > 1 || !/TTL 254|claims|hold|255|as it should|zeros/.test(name)) continue;
  Deno.test(`reading allocates in proportion to the packet: ${name}, ${outcome}`, () => {
    const octets = allocated(input);
    const { length } = input.packets[0]!;
    assert(octets <= FIXED + PER_OCTET * length, `${octets.toFixed(0)} octets for a packet of ${length}`);
  });
}
