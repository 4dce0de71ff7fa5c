/** udp: a UDP port is not reported as closed, or answers as expected. */
import * as z from "zod";
import { beginsWith, hexOctets, hexPattern, quoteOctets } from "./bytes.ts";
import { type CheckContext, type DatagramSocket, defineCheck, duration, fail } from "./check.ts";
import { formatEndpoint, parseEndpoint, serviceEndpoint, using } from "./connection.ts";
import { formatMs, within } from "./deadline.ts";
import { connectPort, originFields, originOf } from "./origin.ts";

const longest = 65_507;

const options = z.strictObject({
  address: z.string().refine((text) => parseEndpoint(text, 1), { error: "expected host:port" }).optional()
    .describe('Where to send: "host:port", "192.0.2.1:53" or "[2001:db8::1]:53"; a real server has its own'),
  connect_port: connectPort,
  ...originFields,
  send: z.string().optional().describe("Text to send"),
  send_hex: hexOctets.optional().describe('Octets to send, such as "de ad be ef"; default: one of 00'),
  require_reply: z.boolean().default(false).describe(
    "Whether no reply is a failure; else only an ICMP message that the port is closed or out of reach is one",
  ),
  expect: z.string().min(1).optional().describe("Text that a reply must contain; requires one"),
  expect_hex: hexPattern.optional()
    .describe('Octets that a reply must begin with, such as "00 xx 81 80" with xx for any; requires one'),
  minimum: z.int().min(0).max(longest).default(0).describe("Octets that a reply must have at least"),
  maximum: z.int().min(0).max(longest).default(longest).describe("Octets that a reply may have"),
  wait: duration.refine((ms) => ms > 0, { error: "expected more than 0s" }).optional().describe(
    "How long to wait for an ICMP message where no reply is required; default: nine tenths of `timeout`",
  ),
}).refine(({ send, send_hex }) => send === undefined || send_hex === undefined, {
  error: "give send or send_hex, not both",
  path: ["send_hex"],
}).refine(({ minimum, maximum }) => minimum <= maximum, {
  error: "maximum is smaller than minimum",
  path: ["maximum"],
});
type Options = z.output<typeof options>;

export const udp = defineCheck({
  type: "udp",
  summary:
    "Passes when the UDP port replies as expected or, if no reply is required, is not known to be closed.",
  options,
  target: "address",
  needsPort: true,
  probe,
});

async function probe(context: CheckContext, options: Options, signal: AbortSignal): Promise<string> {
  const endpoint = serviceEndpoint(context, options);
  const socket = await context.host.datagrams("udp", endpoint, originOf(options), signal);
  return await using(socket, signal, async () => {
    socket.send(payload(options));
    if (mustReply(options)) return judge(await socket.receive(), options);
    const waitMs = options.wait ?? 0.9 * (context.timeoutMs ?? 1000);
    const reply = await replyWithin(waitMs, socket, signal);
    return reply === undefined
      ? `${formatEndpoint(endpoint)} is not known to be closed after ${formatMs(waitMs)}`
      : judge(reply, options);
  });
}

function payload({ send, send_hex }: Options): Uint8Array {
  return send_hex ?? (send === undefined ? new Uint8Array(1) : new TextEncoder().encode(send));
}

function mustReply({ require_reply, expect, expect_hex }: Options): boolean {
  return require_reply || expect !== undefined || expect_hex !== undefined;
}

const silence = "silence";

/** Undefined when nothing came, no ICMP message either. */
async function replyWithin(
  ms: number,
  socket: DatagramSocket,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  try {
    return await within(ms, silence, signal, (limit) => using(socket, limit, () => socket.receive()));
  } catch (error) {
    if (error instanceof Error && error.message === silence) return undefined;
    throw error;
  }
}

function judge(reply: Uint8Array, { expect, expect_hex, minimum, maximum }: Options): string {
  const { length } = reply;
  if (length < minimum) return fail(`a reply of ${length} octets, expected at least ${minimum}`);
  if (length > maximum) return fail(`a reply of ${length} octets, expected at most ${maximum}`);
  if (expect !== undefined && !new TextDecoder().decode(reply).includes(expect)) {
    return fail(`${JSON.stringify(expect)} is not in the reply ${quoteOctets(reply)}`);
  }
  if (expect_hex !== undefined && !beginsWith(reply, expect_hex)) {
    return fail(`the reply is ${quoteOctets(reply)}`);
  }
  return `a reply of ${length} octets`;
}
