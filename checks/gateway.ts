/** gateway: enough of several witnesses answer; without them this node may be the one that is cut off. */
import { isIP } from "node:net";
import * as z from "zod";
import { type CheckContext, defineCheck, describe, fail } from "./check.ts";
import { type Endpoint, parseEndpoint, using } from "./connection.ts";
import { formatMs, within } from "./deadline.ts";
import { connectPort, originFields, originOf } from "./origin.ts";
import { echo } from "./ping.ts";

const defaultTimeoutMs = 1000;
/** Of the time for one look: the rest is for saying who has not answered. */
const patience = 0.9;
/** Octets of an echo request's payload, as ping(8) has them. */
const pingSize = 56;

const options = z.strictObject({
  addresses: z.array(
    z.string().refine((text) => parseEndpoint(text, 1), {
      error: "expected an address, a name, or with a port address:port",
    }),
    { error: 'expected addresses such as ["192.0.2.1", "192.0.2.254"]' },
  ).min(1, { error: "expected at least one address" })
    .refine((all) => new Set(all).size === all.length, { error: "expected each address once" })
    .describe('Whom to ask: a router, a third host; with method = "tcp" also "address:port"'),
  need: z.int({ error: "expected a whole number of at least 1" }).min(1, {
    error: "expected a whole number of at least 1",
  }).default(1).describe("So many of them must answer"),
  method: z.enum(["ping", "arp", "tcp"]).default("ping").describe(
    "ping: an ICMP echo; arp: an ARP request or neighbour solicitation on bind_interface; tcp: a connection",
  ),
  connect_port: connectPort,
  ...originFields,
}).refine(({ addresses, need }) => need <= addresses.length, {
  error: "more than there are addresses: it could never pass",
  path: ["need"],
}).refine(
  ({ method, addresses, connect_port }) =>
    method !== "tcp" || connect_port !== undefined || addresses.every((text) => parseEndpoint(text)),
  {
    error: 'method = "tcp" needs connect_port, or address:port everywhere',
    path: ["method"],
  },
).refine(({ method, addresses }) => method !== "arp" || addresses.every((text) => isIP(text) !== 0), {
  error: 'method = "arp" asks for IP addresses, no names and no ports',
  path: ["addresses"],
}).refine(({ method, bind_interface }) => method !== "arp" || bind_interface !== undefined, {
  error: 'method = "arp" needs bind_interface: the link to ask on',
  path: ["bind_interface"],
});
type Options = z.output<typeof options>;

export const gateway = defineCheck({
  type: "gateway",
  summary: "Passes while enough of these addresses answer: a witness that this node is not the one cut off.",
  options,
  defaults: { interval: "1s", fall: 3 },
  probe,
});

/** Asks all at once, and is content as soon as enough have answered. */
async function probe(context: CheckContext, options: Options, signal: AbortSignal): Promise<string> {
  const { addresses, need } = options;
  const limitMs = (context.timeoutMs ?? defaultTimeoutMs) * patience;
  const enough = new AbortController();
  const forward = (): void => enough.abort(signal.reason);
  signal.addEventListener("abort", forward, { once: true });
  signal.throwIfAborted();
  const answered: string[] = [];
  const silent: string[] = [];
  const asked = addresses.map(async (address) => {
    try {
      const late = `no answer within ${formatMs(limitMs)}`;
      await within(limitMs, late, enough.signal, (limit) => ask(context, options, address, limitMs, limit));
      answered.push(address);
      if (answered.length >= need) enough.abort(new Error("enough have answered"));
    } catch (error) {
      if (!enough.signal.aborted) silent.push(`${address}: ${describe(error)}`);
    }
  });
  await Promise.all(asked);
  signal.removeEventListener("abort", forward);
  signal.throwIfAborted();
  if (answered.length >= need) return `${answered.join(", ")} answered`;
  const counted = addresses.length === 1
    ? ""
    : `${answered.length} of ${addresses.length} answered, ${need} needed: `;
  return fail(`${counted}${silent.join("; ")}`);
}

async function ask(
  { host }: CheckContext,
  options: Options,
  address: string,
  limitMs: number,
  signal: AbortSignal,
): Promise<void> {
  const { method, connect_port, bind_interface = "" } = options;
  const origin = originOf(options);
  const endpoint = endpointOf(address, connect_port);
  if (method === "arp") await host.neighbour(endpoint.host, bind_interface, signal);
  else if (method === "ping") await echo(host, endpoint, origin, pingSize, signal);
  else {
    const connection = await host.connect(endpoint, origin, limitMs, signal);
    await using(connection, signal, () => Promise.resolve());
  }
}

/** ICMP and ARP have no ports: any will do. */
function endpointOf(address: string, port: number | undefined): Endpoint {
  const { host, port: own } = parseEndpoint(address, port ?? 1) ?? fail(`${address} is no address`);
  return { host, port: port ?? own };
}
