/** ping: the host answers an ICMP echo request (RFC 792, RFC 4443 §4), sent by vipd itself. */
import * as z from "zod";
import { type CheckContext, defineCheck, type Host, type Origin } from "./check.ts";
import { type Endpoint, parseEndpoint, serviceEndpoint, using } from "./connection.ts";
import { originFields, originOf } from "./origin.ts";

const options = z.strictObject({
  address: z.string().min(1).refine((text) => parseEndpoint(text, 1), {
    error: "expected an address or a name",
  })
    .optional().describe("Address or name to ask; a real server has its own"),
  ...originFields,
  size: z.int().min(16).max(1400).default(56).describe("Octets of payload; the first 16 are random"),
});
type Options = z.output<typeof options>;

export const ping = defineCheck({
  type: "ping",
  summary: "Passes when the host answers an ICMP echo request; nothing is run for it.",
  options,
  target: "address",
  probe,
});

const echoTypes = { 4: { request: 8, reply: 0 }, 6: { request: 128, reply: 129 } } as const;
const headerSize = 8;
const nonceSize = 16;

async function probe(context: CheckContext, options: Options, signal: AbortSignal): Promise<string> {
  // ICMP has no ports: any will do where an address is looked up.
  const endpoint = serviceEndpoint(context, { ...options, connect_port: 1 });
  const ms = await echo(context.host, endpoint, originOf(options), options.size, signal);
  return `answered after ${ms.toFixed(1)} ms`;
}

/** Asks once and waits for the answer until the abort; resolves to the milliseconds that it took. */
export async function echo(
  host: Host,
  to: Endpoint,
  origin: Origin,
  size: number,
  signal: AbortSignal,
): Promise<number> {
  const socket = await host.datagrams("icmp", to, origin, signal);
  return await using(socket, signal, async () => {
    const request = echoRequest(socket.family, size);
    const startMs = performance.now();
    socket.send(request);
    for (;;) {
      if (!isReply(await socket.receive(), request, socket.family)) continue;
      return performance.now() - startMs;
    }
  });
}

/** With a random payload that tells its reply from any other. The kernel makes the ICMPv6 checksum. */
export function echoRequest(family: 4 | 6, size: number): Uint8Array {
  const message = new Uint8Array(headerSize + size);
  message[0] = echoTypes[family].request;
  crypto.getRandomValues(message.subarray(4, headerSize + nonceSize));
  if (family === 4) new DataView(message.buffer).setUint16(2, checksum(message));
  return message;
}

/** Whether this is the answer to that request; its identifier may have been replaced by the kernel's. */
export function isReply(message: Uint8Array, request: Uint8Array, family: 4 | 6): boolean {
  return message.length === request.length && message[0] === echoTypes[family].reply && message[1] === 0 &&
    request.subarray(headerSize).every((octet, index) => octet === message[headerSize + index]);
}

/** The Internet checksum (RFC 1071). */
function checksum(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let sum = 0;
  for (let at = 0; at + 1 < bytes.length; at += 2) sum += view.getUint16(at);
  if (bytes.length % 2 === 1) sum += (bytes.at(-1) ?? 0) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
