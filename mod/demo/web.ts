/** The role of the service: a web server that says which node it is on, and a UDP echo that says the same. */
import { pollAsync } from "../../ffi/epoll.ts";
import {
  AF_INET,
  bind,
  Receiver,
  setOption,
  SOCK_DGRAM,
  sockaddr,
  socket,
  trySendto,
} from "../../ffi/socket.ts";
import { parseAddress } from "../wire/address.ts";
import { PORT } from "./plan.ts";

/** `NODE VIRTUAL_ADDRESS RUN`; RUN only tells this demo's process from another's. Never ends by itself. */
export async function serveWeb([node = "", virtualAddress = ""]: readonly string[]): Promise<number> {
  const server = Deno.serve({ hostname: "0.0.0.0", port: PORT, onListen: () => {} }, () => {
    return new Response(`${node}\n`, { headers: { "content-type": "text/plain" } });
  });
  await Promise.all([server.finished, echo(node, virtualAddress)]);
  return 0;
}

/** Answers each datagram with itself and the node's name. */
async function echo(node: string, virtualAddress: string): Promise<never> {
  const fd = socket(AF_INET, SOCK_DGRAM);
  // Bound to the virtual address, present or not: bound to any, its answers would leave from the node's own.
  setOption(fd, "IP_FREEBIND", 1);
  bind(fd, sockaddr(parseAddress(virtualAddress) ?? new Uint8Array(0), PORT));
  const receiver = new Receiver(fd, 64);
  const name = new TextEncoder().encode(node);
  while (true) {
    await pollAsync([fd], Infinity);
    for (let length = receiver.receive(); length >= 0; length = receiver.receive()) {
      const answer = new Uint8Array(length + name.length);
      answer.set(receiver.buffer.subarray(0, length));
      answer.set(name, length);
      // A failure is a lost answer, which the client counts: the address may have left in the meantime.
      trySendto(fd, answer, receiver.name());
    }
  }
}
