/**
 * Sends an advertisement to one router alone: the reminder of who has yielded, and the answer to it.
 * Everybody else would take them for the words of an active router.
 */
import { trySendto } from "../../ffi/socket.ts";
import type { Channel } from "./channel.ts";
import type { Instance } from "./instance.ts";
import { asideOf } from "./outgoing.ts";
import { asidePriority } from "./reminding.ts";
import type { Effect } from "./state.ts";

/** `mac`: of the interface. Octets sent, or -errno. */
export function sendAside(
  instance: Instance,
  { type, destination }: Effect & { type: "remind" | "acknowledge" },
  channel: Channel,
  mac: Uint8Array | null,
): number {
  const { primaryAddress: source, wire: { unicast } } = instance;
  if (source === null) return 0;
  // Peers of `unicast_peers` may be behind a router, and not everything is Ethernet.
  const senderMac = !unicast && mac?.length === 6 ? mac : null;
  const fd = channel.senderOf(source, senderMac !== null);
  if (fd < 0) return fd;
  const priority = asidePriority(type, instance.state.priority, unicast);
  const addressed = { source, destination, mac: senderMac, ifindex: channel.ifindex };
  const { octets, to } = asideOf(instance, priority, addressed);
  const sent = trySendto(fd, octets, to);
  if (type === "remind") instance.remindedAt = Date.now();
  if (sent >= 0) instance.counters[type === "remind" ? "reminders_sent" : "acknowledgements_sent"]++;
  return sent;
}
