/** A throwaway network namespace for the tests of rtnetlink: an interface, a conversation and a monitor. */
import { waitReadable } from "../../ffi/epoll.ts";
import type { NetlinkSocket } from "../../ffi/netlink.ts";
import * as r from "../../ffi/rtnetlink.ts";
import { indexOf, type Namespace, namespace } from "./namespace.ts";

export const vip4 = Uint8Array.of(192, 0, 2, 1);
export const vip6 = Uint8Array.of(0x20, 1, 0xd, 0xb8, ...new Array(11).fill(0), 1);

/** A namespace with the interface `d0`, a cable to itself, and a conversation inside it. */
export function lab(): Disposable & {
  nl: NetlinkSocket;
  monitor: NetlinkSocket;
  ifindex: number;
  space: Namespace;
} {
  const net = namespace();
  return net.run(() => {
    const nl = r.openRtnetlink();
    r.addLink(nl, { kind: "veth", name: "d0", peer: { name: "d1" } });
    const ifindex = indexOf("d0");
    for (const index of [indexOf("d1"), ifindex]) r.setLink(nl, index, { up: true, addrGenMode: "none" });
    const monitor = r.openMonitor({ routes: true });
    return {
      nl,
      monitor,
      ifindex,
      space: net,
      [Symbol.dispose](): void {
        nl.close();
        monitor.close();
        net[Symbol.dispose]();
      },
    };
  });
}

/** Waits, at most 5 s, for a notification. A lost carrier is told up to a second late. */
export function awaitNotice(monitor: NetlinkSocket, matches: (notice: r.Notification) => boolean): void {
  const seen: r.Notification[] = [];
  for (const endMs = performance.now() + 5000; performance.now() < endMs; waitReadable(monitor.fd, 100)) {
    seen.push(...r.receiveNotifications(monitor));
    if (seen.some(matches)) return;
  }
  throw new Error(`not among ${Deno.inspect(seen)}`);
}
