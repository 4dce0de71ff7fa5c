/** What is allowed but hardly meant in virtual servers: warnings about their intent, never errors. */
import { formatPath, type Path } from "./document.ts";
import type { Config } from "./schema.ts";
import { weighs } from "./schedulers.ts";
import type { VirtualServerConfig } from "./virtual_server.ts";

type Warn = (path: Path, message: string) => void;
type IsSet = (path: Path) => boolean;

/** A rule looks at one virtual server. */
type Rule = (server: VirtualServerConfig, path: Path, warn: Warn, isSet: IsSet) => void;

const RULES: readonly Rule[] = [
  lintMarks,
  lintLoop,
  lintChecks,
  lintWeights,
  lintSlowStart,
  lintQuorum,
  lintOmega,
];

export function lintBalance(config: Config, warn: Warn, isSet: IsSet): void {
  for (const [name, server] of Object.entries(config.virtual_server)) {
    const path = ["virtual_server", name];
    for (const rule of RULES) rule(server, path, warn, isSet);
    lintAddresses(config, server, path, warn, isSet);
  }
  lintBalanceTable(config, warn);
  lintDirectRouting(config, warn);
}

function lintMarks({ addresses }: VirtualServerConfig, path: Path, warn: Warn, isSet: IsSet): void {
  if (addresses.some(({ kind }) => kind === "address") || !isSet([...path, "protocol"])) return;
  warn([...path, "protocol"], "has no effect: packets with the mark may be of any protocol");
}

function lintLoop(
  { addresses, real_server, sorry_server }: VirtualServerConfig,
  path: Path,
  warn: Warn,
): void {
  const isItself = ({ address, port }: { readonly address: string; readonly port: number }): boolean =>
    addresses.some((one) =>
      one.kind === "address" && one.address === address && (port === 0 || port === one.port)
    );
  const told = "is the virtual server itself: connections, and its checks, come back to where they came from";
  for (const [i, server] of real_server.entries()) {
    if (isItself(server)) warn([...path, "real_server", i, "address"], told);
  }
  if (sorry_server !== undefined && isItself(sorry_server)) warn([...path, "sorry_server"], told);
}

function lintChecks({ real_server }: VirtualServerConfig, path: Path, warn: Warn): void {
  const unchecked = real_server.filter(({ check }) => check.length === 0);
  if (unchecked.length === 0) return;
  const who = unchecked.length === real_server.length
    ? "its real servers are"
    : `${unchecked.map(({ name }) => name).join(", ")} is`;
  warn([...path, "check"], `without a check ${who} taken for healthy, dead or alive`);
}

function lintWeights(
  { real_server, scheduler }: VirtualServerConfig,
  path: Path,
  warn: Warn,
  isSet: IsSet,
): void {
  const weights = new Set(real_server.map(({ weight }) => weight));
  if (weights.size === 1 && weights.has(0)) {
    warn([...path, "weight"], "all real servers have weight 0: none of them gets a connection");
  }
  const shares = [...weights].filter((weight) => weight !== 0);
  if (weighs(scheduler) || shares.length < 2) return;
  const at = isSet([...path, "scheduler"]) ? [...path, "scheduler"] : path;
  const weighing = scheduler === "rr" || scheduler === "lc" ? `: w${scheduler} does` : "";
  warn(at, `scheduler ${scheduler} does not look at weights other than 0${weighing}`);
}

/** A weight rises in whole steps. */
function lintSlowStart({ real_server, scheduler }: VirtualServerConfig, path: Path, warn: Warn): void {
  const slow = real_server.filter(({ slow_start }) => slow_start > 0);
  if (slow.length === 0) return;
  const at = [...path, "slow_start"];
  if (!weighs(scheduler)) warn(at, `has no effect: scheduler ${scheduler} does not look at weights`);
  else if (slow.every(({ weight }) => weight <= 1)) {
    warn(at, "has no effect: a weight of 1 cannot rise in steps; give larger weights");
  }
}

function lintQuorum(server: VirtualServerConfig, path: Path, warn: Warn): void {
  const { quorum, sorry_server: sorry, notify: { quorum_up, quorum_down } } = server;
  if (quorum <= 1 || sorry !== undefined || quorum_up !== undefined || quorum_down !== undefined) return;
  warn(
    [...path, "quorum"],
    "decides nothing: there is no sorry_server, and no program that would hear of it",
  );
}

function lintOmega(
  { omega, notify: { down, quorum_down } }: VirtualServerConfig,
  path: Path,
  warn: Warn,
): void {
  if (!omega || down !== undefined || quorum_down !== undefined) return;
  warn([...path, "omega"], "has no effect: there is no program in notify.down or notify.quorum_down");
}

/** An address that no virtual router brings here has to come by other means. */
function lintAddresses(
  { virtual_router }: Config,
  server: VirtualServerConfig,
  path: Path,
  warn: Warn,
  isSet: IsSet,
): void {
  const routers = Object.entries(virtual_router);
  if (routers.length === 0) return;
  const at = isSet([...path, "addresses"]) ? [...path, "addresses"] : [...path, "address"];
  const lost: string[] = [];
  for (const one of server.addresses) {
    if (one.kind === "fwmark") continue;
    const owner = routers.find(([, { addresses, excluded_addresses }]) =>
      [...addresses, ...excluded_addresses].some(({ address }) => address === one.address)
    )?.[0];
    if (owner === undefined) lost.push(one.address);
    else if (server.virtual_router !== undefined && server.virtual_router !== owner) {
      warn(
        [...path, "virtual_router"],
        `${one.address} is an address of ${formatPath(["virtual_router", owner])}`,
      );
    }
  }
  if (lost.length === 0) return;
  const [first] = lost;
  const more = lost.length === 1 ? "is" : `and ${lost.length - 1} more are`;
  warn(
    at,
    `${first} ${more} no address of a virtual router here: something else has to bring it to this host`,
  );
}

function lintBalanceTable({ balance, virtual_server }: Config, warn: Warn): void {
  const engines = Object.values(virtual_server).map(({ engine }) => engine);
  if (engines.some((engine) => engine === "ipvs" || engine === "auto")) return;
  const useless = [["sync", balance.sync], ["timeouts", balance.timeouts]] as const;
  for (const [key, value] of useless) {
    if (value !== undefined) warn(["balance", key], "has no effect: no virtual server here uses IPVS");
  }
}

/** On a host that answers for the address as a director, it must be asked for. */
function lintDirectRouting({ direct_routing, virtual_router }: Config, warn: Warn): void {
  for (const [name, { addresses }] of Object.entries(direct_routing)) {
    for (const [i, address] of addresses.entries()) {
      const owner = Object.entries(virtual_router).find(([, { addresses, excluded_addresses }]) =>
        [...addresses, ...excluded_addresses].some((vip) => vip.address === address)
      );
      if (owner === undefined) continue;
      warn(
        ["direct_routing", name, "addresses", i],
        `${address} is also an address of ${
          formatPath(["virtual_router", owner[0]])
        }: a host is one of the two, ` +
          "director or real server",
      );
    }
  }
}
