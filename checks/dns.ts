/** dns: a name server answers a query, over UDP or TCP, with the expected code and record. */
import * as z from "zod";
import { type CheckContext, defineCheck, fail } from "./check.ts";
import { type Endpoint, parseEndpoint, serviceEndpoint, type Stream, using, writeAll } from "./connection.ts";
import {
  decodeResponse,
  DnsMessageError,
  type DnsResponse,
  encodeName,
  encodeQuery,
  isResponseTo,
  type RecordType,
  recordTypes,
} from "./dns_message.ts";
import { connectPort, connectTimeout, originFields, originOf } from "./origin.ts";

const usualPort = 53;

const expectation = z.strictObject({
  rcode: z.string().regex(/^[A-Z]+$|^\d+$/, {
    error: 'expected a response code such as "NOERROR" or "REFUSED"',
  })
    .default("NOERROR").describe("Response code"),
  answer: z.string().min(1).optional().describe(
    "Data that one of the answers must have, as in a zone file: an address, a name, the text of a TXT record",
  ),
});

const options = z.strictObject({
  address: z.string().refine((text) => parseEndpoint(text, usualPort), {
    error: "expected host or host:port",
  })
    .optional().describe('Server to ask: "host" (port 53) or "host:port"; a real server has its own address'),
  connect_port: connectPort,
  connect_timeout: connectTimeout,
  ...originFields,
  protocol: z.enum(["udp", "tcp"]).default("udp").describe("How to ask"),
  name: z.string().refine((text) => encodeName(text) !== undefined, { error: "expected a domain name" })
    .default(".").describe("Name to ask for"),
  query: z.enum(Object.keys(recordTypes) as [RecordType, ...RecordType[]]).default("SOA")
    .describe("Type of the records to ask for"),
  expect: expectation.prefault({}).describe("What the response must say"),
});
type Options = z.output<typeof options>;

export const dns = defineCheck({
  type: "dns",
  summary: "Passes when the name server answers a query with the expected code, and record if one is given.",
  options,
  target: "address",
  probe,
});

async function probe(context: CheckContext, options: Options, signal: AbortSignal): Promise<string> {
  const endpoint = serviceEndpoint(context, options, usualPort);
  const [id = 0] = crypto.getRandomValues(new Uint16Array(1));
  const query = encodeQuery(id, options.name, options.query);
  const ask = options.protocol === "udp" ? askByUdp : askByTcp;
  return judge(await ask(context, endpoint, options, query, signal), options);
}

async function askByUdp(
  { host }: CheckContext,
  endpoint: Endpoint,
  options: Options,
  query: Uint8Array,
  signal: AbortSignal,
): Promise<DnsResponse> {
  const socket = await host.datagrams("udp", endpoint, originOf(options), signal);
  return await using(socket, signal, async () => {
    socket.send(query);
    for (;;) {
      // A response to an earlier query, or a forged one, is no answer: the right one may still come.
      const message = await socket.receive();
      if (isResponseTo(message, query)) return decode(message);
    }
  });
}

async function askByTcp(
  { host }: CheckContext,
  endpoint: Endpoint,
  options: Options,
  query: Uint8Array,
  signal: AbortSignal,
): Promise<DnsResponse> {
  const connection = await host.connect(endpoint, originOf(options), options.connect_timeout, signal);
  return await using(connection, signal, async () => {
    await writeAll(connection, Uint8Array.of(query.length >> 8, query.length & 0xff, ...query));
    const size = await readExactly(connection, 2);
    const message = await readExactly(connection, (size[0] ?? 0) << 8 | (size[1] ?? 0));
    return isResponseTo(message, query) ? decode(message) : fail("the answer is not for the query");
  });
}

async function readExactly(stream: Stream, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size;) {
    const count = await stream.read(bytes.subarray(at));
    if (count === null) return fail("the server closed the connection in the middle of its answer");
    at += count;
  }
  return bytes;
}

function decode(message: Uint8Array): DnsResponse {
  try {
    return decodeResponse(message);
  } catch (error) {
    if (error instanceof DnsMessageError) return fail(`the answer is malformed: ${error.message}`);
    throw error;
  }
}

function judge({ rcode, truncated, answers }: DnsResponse, { name, query, expect }: Options): string {
  const question = `${name} ${query}`;
  if (rcode !== expect.rcode) return fail(`${question} is answered with ${rcode}, expected ${expect.rcode}`);
  if (expect.answer === undefined) return `${question}: ${rcode}, ${count(answers.length)}`;
  if (truncated) return fail(`the answer to ${question} does not fit; ask with protocol = "tcp"`);
  const wanted = plain(expect.answer);
  const found = answers.find(({ data }) => plain(data) === wanted);
  if (found !== undefined) return `${question}: ${found.data}`;
  const given = answers.slice(0, 3).map(({ data }) => data).join(", ");
  return fail(`${question} is ${given === "" ? "empty" : given}, expected ${expect.answer}`);
}

/** Names and addresses compare in lower case and without a dot at their end. */
function plain(data: string): string {
  return data.toLowerCase().replace(/\.$/, "");
}

function count(answers: number): string {
  return answers === 1 ? "1 answer" : `${answers} answers`;
}
