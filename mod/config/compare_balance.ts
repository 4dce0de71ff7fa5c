/**
 * The virtual servers of several hosts side by side: whoever takes the address over shall balance it in the
 * same way, and know the connections.
 */
import type { Node, NodeFinding } from "./compare.ts";
import { formatForward } from "./forward.ts";
import type { VirtualServerConfig } from "./virtual_server.ts";

/** One address and port, or mark, of a host. */
interface Entry {
  readonly name: string;
  readonly server: VirtualServerConfig;
}

export function compareBalance(nodes: readonly Node[]): NodeFinding[] {
  const [first, ...others] = nodes;
  if (first === undefined) return [];
  return others.flatMap((other, i) => [
    ...compareServers(first, other, i + 1),
    ...missing(first, other, i + 1),
    ...missing(other, first, 0),
    ...compareSync(first, other, i + 1),
  ]);
}

/** What must agree, as the first host has it. */
const MUST_AGREE: readonly { key: string; show: (server: VirtualServerConfig) => string; why: string }[] = [
  {
    key: "scheduler",
    show: ({ scheduler, flags }) => [scheduler, ...flags].join(" "),
    why: "after a failover clients would be shared in another way",
  },
  {
    key: "persistence",
    show: ({ persistence }) =>
      persistence === null ? "none" : `${persistence.seconds}s /${persistence.prefix}`,
    why: "after a failover clients would leave their real server",
  },
  {
    key: "real_server",
    show: ({ real_server }) =>
      real_server.map(({ address, port, forward }) =>
        `${address.includes(":") ? `[${address}]` : address}:${port} (${formatForward(forward)})`
      ).sort().join(", "),
    why: "after a failover connections to the others would end",
  },
];

function compareServers(first: Node, other: Node, node: number): NodeFinding[] {
  const known = entriesOf(first);
  const found = [...entriesOf(other)].flatMap(([key, { name, server }]) => {
    const before = known.get(key);
    return before === undefined ? [] : MUST_AGREE.flatMap(({ key, show, why }) => {
      const [mine, theirs] = [show(server), show(before.server)];
      if (mine === theirs) return [];
      return [{
        path: ["virtual_server", name, key],
        message: `${mine}, but ${theirs} in ${first.file}: ${why}`,
      }];
    });
  });
  // A virtual server of several addresses is one all the same.
  const distinct = new Map(found.map((finding) => [finding.path.join(" ") + finding.message, finding]));
  return [...distinct.values()].map((finding) => ({ node, finding }));
}

/** Of an address that both hosts may have, only one of them balances the connections. */
function missing(here: Node, there: Node, node: number): NodeFinding[] {
  const known = entriesOf(there);
  return [...entriesOf(here)].flatMap(([key, { name, server }]): NodeFinding[] => {
    if (known.has(key)) return [];
    const address = server.addresses.find((one) => keyOf(one, server.protocol) === key);
    const router = Object.entries(there.config.virtual_router).find(([, { addresses, excluded_addresses }]) =>
      address?.kind === "address" &&
      [...addresses, ...excluded_addresses].some((vip) => vip.address === address.address)
    );
    if (router === undefined) return [];
    const message = `${key} is virtual_server.${name} in ${here.file}, but no virtual server here: ` +
      "after a failover nobody would share its connections";
    return [{ node, finding: { path: ["virtual_router", router[0], "addresses"], message } }];
  });
}

function compareSync(first: Node, other: Node, node: number): NodeFinding[] {
  const [theirs, mine] = [first.config.balance.sync, other.config.balance.sync];
  if (theirs === undefined && mine === undefined) return [];
  const warn = (
    message: string,
  ): NodeFinding[] => [{ node, finding: { path: ["balance", "sync"], message } }];
  if (mine === undefined) {
    return warn(`there is none, but one in ${first.file}: connections end with a failover`);
  }
  if (theirs === undefined) return warn(`there is none in ${first.file}: connections end with a failover`);
  if (mine.id === theirs.id && mine.port === theirs.port && mine.group === theirs.group) return [];
  return warn(`id, port or group differ from those in ${first.file}: neither director hears the other`);
}

function entriesOf({ config }: Node): Map<string, Entry> {
  return new Map(
    Object.entries(config.virtual_server).flatMap(([name, server]) =>
      server.addresses.map((one): [string, Entry] => [keyOf(one, server.protocol), { name, server }])
    ),
  );
}

function keyOf(one: VirtualServerConfig["addresses"][number], protocol: string): string {
  if (one.kind === "fwmark") return `mark ${one.fwmark} (IPv${one.family})`;
  return `${protocol} ${one.family === 6 ? `[${one.address}]` : one.address}:${one.port}`;
}
