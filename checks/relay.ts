/**
 * A loopback connection between Deno's TLS and a probe's own TCP connection. Deno keeps the socket of an
 * abandoned TLS handshake until its peer closes it, which a hung server never does; behind a relay the peer
 * is a socket of ours.
 */
import { type Connection, type Stream, writeAll } from "./connection.ts";

export interface Relay {
  /** Port on 127.0.0.1 that TLS is to connect to, once. */
  readonly port: number;
  /** Ends the connections, and thus what TLS holds. */
  close(): void;
}

/** Relays `outer` and owns it from now on; `hear` is shown what comes from there. */
export function relay(outer: Connection, hear?: (bytes: Uint8Array) => void): Relay {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<{ close(): void }>([outer, listener]);
  const close = (): void => {
    for (const resource of open) resource.close();
    open.clear();
  };
  const run = async (): Promise<void> => {
    const inner = await listener.accept();
    open.add(inner);
    open.delete(listener);
    listener.close();
    // Otherwise the request waits for the ACK of the handshake's last flight, which the server delays by 40
    // ms.
    for (const connection of [outer, inner]) connection.setNoDelay();
    await Promise.all([pump(outer, inner, hear), pump(inner, outer)]);
  };
  // What breaks or is closed on one side ends the other, which TLS then reports.
  run().then(close, close);
  return { port: listener.addr.port, close };
}

/** Until the end, which is passed on. Rejects when one of the connections breaks or is closed. */
async function pump(
  from: Stream,
  to: Stream & Pick<Connection, "closeWrite">,
  hear?: (bytes: Uint8Array) => void,
): Promise<void> {
  const buffer = new Uint8Array(16 * 1024);
  for (;;) {
    const count = await from.read(buffer);
    if (count === null) return await to.closeWrite();
    hear?.(buffer.subarray(0, count));
    await writeAll(to, buffer.subarray(0, count));
  }
}
