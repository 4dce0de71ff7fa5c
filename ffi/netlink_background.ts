/**
 * A netlink socket for requests that nobody waits for: they are sent from another thread, because the kernel
 * carries a request out within the call and may first wait there for a lock that somebody else holds.
 */
import { buffer, libc } from "./libc.ts";
import { close } from "./fd.ts";
import { NETLINK_ROUTE, NetlinkConversation, type NetlinkRequest, SocketTransport } from "./netlink.ts";

/** A `sendto` under way or ended, and the bytes that it must find where they are. */
interface Call {
  readonly bytes: Uint8Array;
  readonly ended: Promise<number>;
}

/** rtnetlink, in the network namespace that the calling thread is in when it makes one. */
export class BackgroundRtnetlink extends NetlinkConversation implements Disposable {
  readonly #transport: BackgroundTransport;
  #earlier: readonly Call[] = [];

  constructor() {
    const transport = new BackgroundTransport(NETLINK_ROUTE, []);
    super(transport);
    this.#transport = transport;
  }

  override post(requests: readonly NetlinkRequest[]): void {
    this.#earlier = [...this.#earlier, ...this.#transport.calls];
    this.#transport.calls = [];
    super.post(requests);
  }

  /**
   * Promises of calls before the last `post` wait to be settled, which takes a turn of the event loop: to be
   * awaited, or they pile up. Null when there are none.
   */
  settled(): Promise<unknown> | null {
    if (this.#earlier.length === 0) return null;
    const calls = this.#earlier;
    this.#earlier = [];
    return Promise.all(calls.map(({ ended }) => ended));
  }

  [Symbol.dispose](): void {
    close(this.#transport.fd);
  }
}

/** A call that fails has no answer: that thread's errno is out of reach. */
class BackgroundTransport extends SocketTransport {
  calls: Call[] = [];

  override send(bytes: Uint8Array): void {
    const ended = libc().sendtoOnAnotherThread(this.fd, buffer(bytes), bytes.length, 0, null, 0);
    this.calls.push({ bytes, ended });
  }
}
