/** tcp: the server accepts a connection and, if asked, greets as expected. */
import * as z from "zod";
import { type CheckContext, defineCheck, fail } from "./check.ts";
import { parseEndpoint, serviceEndpoint, type Stream, using, writeAll } from "./connection.ts";
import { connectPort, connectTimeout, originFields, originOf } from "./origin.ts";

const greetingLimit = 4096;

const options = z.strictObject({
  address: z.string().refine((text) => parseEndpoint(text, 1), { error: "expected host:port" }).optional()
    .describe(
      'Where to connect: "host:port", "192.0.2.1:80" or "[2001:db8::1]:80"; a real server has its own',
    ),
  connect_port: connectPort,
  connect_timeout: connectTimeout,
  ...originFields,
  send: z.string().optional().describe("Text to send once connected"),
  expect: z.string().min(1).optional().describe(
    "Text that the server must send, within its first 4096 bytes",
  ),
});
type Options = z.output<typeof options>;

export const tcp = defineCheck({
  type: "tcp",
  summary: "Passes when the server accepts a connection and, if asked, greets as expected.",
  options,
  target: "address",
  needsPort: true,
  probe,
});

async function probe(context: CheckContext, options: Options, signal: AbortSignal): Promise<void> {
  const endpoint = serviceEndpoint(context, options);
  const connection = await context.host.connect(endpoint, originOf(options), options.connect_timeout, signal);
  await using(connection, signal, async () => {
    if (options.send !== undefined) await writeAll(connection, new TextEncoder().encode(options.send));
    if (options.expect !== undefined) await expectGreeting(connection, options.expect);
  });
}

async function expectGreeting(connection: Stream, expected: string): Promise<void> {
  const buffer = new Uint8Array(greetingLimit);
  for (let length = 0; length < buffer.length;) {
    const count = await connection.read(buffer.subarray(length));
    if (count === null) fail(`the server closed the connection after ${quote(buffer, length)}`);
    length += count;
    if (new TextDecoder().decode(buffer.subarray(0, length)).includes(expected)) return;
  }
  fail(`${JSON.stringify(expected)} is not in the first ${greetingLimit} bytes`);
}

function quote(buffer: Uint8Array, length: number): string {
  return length === 0
    ? "no data"
    : JSON.stringify(new TextDecoder().decode(buffer.subarray(0, Math.min(length, 80))));
}
