/**
 * Announcements that still wait when their address leaves: saying them would send the neighbours to the wrong
 * host.
 */
import { assertEquals } from "@std/assert";
import { Announcer } from "../../mod/vrrp/announcer.ts";
import { decodeArp } from "../../mod/wire/arp.ts";
import { cable } from "./cable.ts";
import { bytes, MAC } from "./fixture.ts";

Deno.test("Announcer: what waits for a cancelled address is not sent, the others are", () => {
  using lab = cable();
  const announcer = lab.here.run(() => new Announcer(() => {}));
  const place = { ifindex: lab.ifindex, mac: MAC, router: false };
  const both = [100, 101].map((last) => ({ address: bytes(`192.0.2.${last}`), ...place }));
  announcer.announce(both, { repeat: 2, intervalMs: 10, nowMs: 0 }, () => {});
  announcer.cancel([both[0]!, { ...both[1]!, ifindex: lab.ifindex + 1 }]);
  announcer.sendDue(1000);
  const announced = lab.frames(1000).flatMap((frame) => {
    const arp = decodeArp(frame);
    return arp !== null && arp.senderMac.every((octet, i) => octet === MAC[i]) ? [arp.senderAddress[3]] : [];
  });
  // The first one went at once.
  assertEquals(announced, [100, 101, 101]);
});
