/**
 * Two throwaway namespaces with a cable between them: one for what is tested, one that listens and speaks.
 */
import { waitReadable } from "../../ffi/epoll.ts";
import { close } from "../../ffi/fd.ts";
import { addAddress, openRtnetlink } from "../../ffi/rtnetlink.ts";
import { Receiver } from "../../ffi/receiver.ts";
import { AF_PACKET, sockaddrLl } from "../../ffi/sockaddr.ts";
import { bind, SOCK_RAW, socket } from "../../ffi/socket.ts";
import { connect, indexOf, type Namespace, namespace } from "../ffi/namespace.ts";
import { bytes } from "./fixture.ts";

const ETH_P_ALL = 3;

export interface Cable extends Disposable {
  readonly here: Namespace;
  readonly there: Namespace;
  /** Index of eth0 in `here`. */
  readonly ifindex: number;
  /**
   * Frames that have come out at the other end since the last look; waits at most `waitMs` for the first one.
   */
  frames(waitMs?: number): Uint8Array[];
}

/** eth0 with 192.0.2.1/24 here; peer0 with 192.0.2.2/24 there, which listens to everything. */
export function cable(): Cable {
  const [here, there] = [namespace(), namespace()];
  connect(here, "eth0", there, "peer0");
  const ifindex = here.run(() => {
    give("eth0", "192.0.2.1");
    return indexOf("eth0");
  });
  const fd = there.run(() => {
    give("peer0", "192.0.2.2");
    const packets = socket(AF_PACKET, SOCK_RAW, ETH_P_ALL << 8);
    bind(packets, sockaddrLl(indexOf("peer0"), ETH_P_ALL));
    return packets;
  });
  const receiver = new Receiver(fd, 4096);
  return {
    here,
    there,
    ifindex,
    frames: (waitMs = 0): Uint8Array[] => {
      if (waitMs > 0) waitReadable(fd, waitMs);
      const found: Uint8Array[] = [];
      for (let length = receiver.receive(); length >= 0; length = receiver.receive()) {
        found.push(receiver.buffer.slice(0, length));
      }
      return found;
    },
    [Symbol.dispose](): void {
      close(fd);
      here[Symbol.dispose]();
      there[Symbol.dispose]();
    },
  };
}

function give(ifname: string, address: string): void {
  using nl = openRtnetlink();
  addAddress(nl, { ifindex: indexOf(ifname), address: bytes(address), prefix: 24 });
}
