/**
 * A netlink socket for requests that nobody waits for: they are sent from another thread, because the kernel
 * carries a request out within the call and may first wait there for a lock that somebody else holds.
 */
import { buffer, libc } from "./libc.ts";
import { close } from "./fd.ts";
import { NETLINK_ROUTE, NetlinkConversation, type NetlinkRequest, SocketTransport } from "./netlink.ts";

/** rtnetlink, in the network namespace that the calling thread is in when it makes one. */
export class BackgroundRtnetlink extends NetlinkConversation implements Disposable {
  readonly #transport: BackgroundTransport;
  #owesTurn = false;

  constructor() {
    const transport = new BackgroundTransport(NETLINK_ROUTE, []);
    super(transport);
    this.#transport = transport;
  }

  override post(requests: readonly NetlinkRequest[]): void {
    this.#owesTurn = this.#transport.unsettled.size > 0;
    super.post(requests);
  }

  /**
   * Whether this thread's event loop has to turn now, because calls from before the last `post` may have
   * ended and would pile up. True once for each `post`. The turn needs to wait for none of them: the other
   * thread may not have run for long.
   */
  owesTurn(): boolean {
    const owes = this.#owesTurn;
    this.#owesTurn = false;
    return owes;
  }

  [Symbol.dispose](): void {
    close(this.#transport.fd);
  }
}

/** A call that fails has no answer: that thread's errno is out of reach. */
class BackgroundTransport extends SocketTransport {
  /** What calls under way read from has to stay where it is. */
  readonly unsettled = new Set<Uint8Array>();

  override send(bytes: Uint8Array): void {
    this.unsettled.add(bytes);
    const forget = (): void => void this.unsettled.delete(bytes);
    void libc().sendtoOnAnotherThread(this.fd, buffer(bytes), bytes.length, 0, null, 0).then(forget);
  }
}
