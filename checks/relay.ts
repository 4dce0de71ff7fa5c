/**
 * A loopback connection between Deno's TLS and a probe's own TCP connection. Deno keeps the socket of an abandoned TLS
 * handshake until its peer closes it, which a hung server never does; here the peer is a socket of ours.
 */
import { type Stream, writeAll } from "./connection.ts";

export interface Relay {
  /** The end for TLS: what is written to it goes out on the relayed connection and the other way round. */
  readonly inner: Deno.TcpConn;
  /** Ends both connections, and thus what TLS holds. */
  close(): void;
}

/** Relays `outer`, which it closes when it fails. */
export async function relay(outer: Deno.TcpConn): Promise<Relay> {
  try {
    const [inner, peer] = await loopbackPair();
    // Otherwise the request waits for the ACK of the handshake's last flight, which the server delays by 40 ms.
    for (const connection of [outer, inner, peer]) connection.setNoDelay();
    let open = true;
    const close = (): void => {
      if (open) [outer, peer].forEach((connection) => connection.close());
      open = false;
    };
    pump(outer, peer).catch(close);
    pump(peer, outer).catch(close);
    return { inner, close };
  } catch (error) {
    outer.close();
    throw error;
  }
}

async function loopbackPair(): Promise<[Deno.TcpConn, Deno.TcpConn]> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const inner = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  for (;;) {
    const peer = await listener.accept();
    // Somebody else on this host may have come first.
    if (peer.remoteAddr.port === inner.localAddr.port) return [inner, peer];
    peer.close();
  }
}

/** Until the end, which is passed on. Rejects when one of the connections breaks or is closed. */
async function pump(from: Deno.TcpConn, to: Stream & Pick<Deno.TcpConn, "closeWrite">): Promise<void> {
  const buffer = new Uint8Array(16 * 1024);
  for (;;) {
    const count = await from.read(buffer);
    if (count === null) return await to.closeWrite();
    await writeAll(to, buffer.subarray(0, count));
  }
}
