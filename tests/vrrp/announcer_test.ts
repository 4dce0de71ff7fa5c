/** Announcements as they leave the cable: what, how often, in which order, and what is counted. */
import { assertEquals } from "@std/assert";
import { type Announcement, Announcer } from "../../mod/vrrp/announcer.ts";
import type { CounterName } from "../../mod/vrrp/counters.ts";
import { decodeArp, gratuitousArp } from "../../mod/wire/arp.ts";
import { decodeNeighborAdvertisement } from "../../mod/wire/ndp.ts";
import { type Cable, cable } from "./cable.ts";
import { bytes, MAC } from "./fixture.ts";

function announcer(lab: Cable): { announcer: Announcer; counted: CounterName[]; errors: string[] } {
  const errors: string[] = [];
  const made = lab.here.run(() => new Announcer((ifindex, error) => errors.push(`${ifindex} ${error.code}`)));
  return { announcer: made, counted: [], errors };
}

function announcement(lab: Cable, text: string, router = false): Announcement {
  return { address: bytes(text), ifindex: lab.ifindex, mac: MAC, router };
}

/** Last octets of the addresses that were announced, in order; the cable's own traffic left out. */
function announced(frames: readonly Uint8Array[]): number[] {
  return frames.flatMap((frame) => {
    const arp = decodeArp(frame);
    if (arp !== null && arp.senderMac.every((octet, i) => octet === MAC[i])) return [arp.senderAddress[3]!];
    const neighbor = decodeNeighborAdvertisement(frame);
    return neighbor === null || neighbor.solicited ? [] : [neighbor.target[15]!];
  });
}

Deno.test("Announcer: every address in turn, as many rounds as told, at once", () => {
  using lab = cable();
  const { announcer: one, counted, errors } = announcer(lab);
  const both = [announcement(lab, "192.0.2.100"), announcement(lab, "192.0.2.101")];
  one.announce(both, { repeat: 3, intervalMs: 0, nowMs: 0 }, (name) => counted.push(name));
  const frames = lab.frames(1000);
  assertEquals(announced(frames), [100, 101, 100, 101, 100, 101]);
  const arps = frames.filter((frame) => decodeArp(frame)?.senderAddress[3] === 100);
  assertEquals(arps[0]!.subarray(0, 42), gratuitousArp(MAC, bytes("192.0.2.100")));
  assertEquals(counted, new Array(6).fill("gratuitous_arp_sent"));
  assertEquals(errors, []);
  assertEquals(one.deadlineMs, Infinity);
});

Deno.test("Announcer: a pause between announcements spreads them, the first one goes at once", () => {
  using lab = cable();
  const { announcer: one, counted } = announcer(lab);
  const both = [announcement(lab, "192.0.2.100"), announcement(lab, "192.0.2.101")];
  one.announce(both, { repeat: 2, intervalMs: 10, nowMs: 1000 }, (name) => counted.push(name));
  assertEquals(announced(lab.frames(1000)), [100]);
  assertEquals(one.deadlineMs, 1010);
  one.sendDue(1009);
  assertEquals(announced(lab.frames()), []);
  one.sendDue(1020);
  assertEquals(announced(lab.frames(1000)), [101, 100]);
  assertEquals(one.deadlineMs, 1030);
  one.sendDue(5000);
  assertEquals(announced(lab.frames(1000)), [101]);
  assertEquals(one.deadlineMs, Infinity);
  assertEquals(counted.length, 4);
});

Deno.test("Announcer: IPv6 addresses go as unsolicited neighbour advertisements with the router flag", () => {
  using lab = cable();
  const { announcer: one, counted } = announcer(lab);
  for (const router of [true, false]) {
    one.announce(
      [announcement(lab, "2001:db8::7", router)],
      { repeat: 1, intervalMs: 0, nowMs: 0 },
      (name) => counted.push(name),
    );
    const found = lab.frames(1000).map(decodeNeighborAdvertisement).filter((one) => one?.target[15] === 7);
    assertEquals(found.map((one) => [one!.router, one!.solicited, one!.override, one!.targetMac]), [[
      router,
      false,
      true,
      MAC,
    ]]);
  }
  assertEquals(counted, ["neighbor_advertisements_sent", "neighbor_advertisements_sent"]);
});

Deno.test("Announcer: a failure is told with its interface, counts nothing and stops nothing", () => {
  using lab = cable();
  const { announcer: one, counted, errors } = announcer(lab);
  const gone = { ...announcement(lab, "192.0.2.99"), ifindex: 4711 };
  one.announce(
    [gone, announcement(lab, "192.0.2.100")],
    { repeat: 1, intervalMs: 0, nowMs: 0 },
    (name) => counted.push(name),
  );
  assertEquals(errors, ["4711 ENXIO"]);
  assertEquals(announced(lab.frames(1000)), [100]);
  assertEquals(counted, ["gratuitous_arp_sent"]);
});

Deno.test("Announcer: what waits is bounded", () => {
  using lab = cable();
  const { announcer: one, counted } = announcer(lab);
  const many = new Array(200).fill(announcement(lab, "192.0.2.100"));
  one.announce(many, { repeat: 100, intervalMs: 1, nowMs: 0 }, (name) => counted.push(name));
  one.sendDue(1e9);
  assertEquals(counted.length, 10_001);
  lab.frames();
});
