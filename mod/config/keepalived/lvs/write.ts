/** A virtual server that has been read as tables of vipd.toml, with what keepalived would have corrected. */
import { addElement, type DraftTable, set, tableAt, type Value } from "../draft.ts";
import type { Tell } from "../report.ts";
import type { Script } from "../scripts.ts";
import { type Check, checksOf } from "./checkers.ts";
import { keepsPort } from "./forwarding.ts";
import type { RealServer } from "./real_server.ts";
import type { VirtualServer } from "./virtual_server.ts";
import { withPort } from "./virtual_server_group.ts";

export function writeVirtualServer(server: VirtualServer, tell: Tell): void {
  const { conversion: { draft }, at, what, keys } = server;
  const name = nameOf(server);
  const table = tableAt(draft, ["virtual_server", name], at);
  setAddresses(server, table, tell);
  set(table, "virtual_router", routerOf(server, tell));
  if (keys["scheduler"] === undefined) tell.note("no lb_algo: keepalived takes wlc, and so does vipd");
  correctQuorum(server, tell);
  const { weight, family, ...others } = keys;
  if (what.kind === "fwmark") set(table, "family", family);
  for (const [key, value] of Object.entries(others)) set(table, key, value);
  set(table, "weight", weight);
  set(table, "initial", server.timing.isAlpha === true ? "down" : undefined);
  set(table, "sorry_server", sorryOf(server));
  set(table, "notify", notifyOf(server, tell));
  const checks = server.realServers.map((one) => realChecks(one, server));
  const [common = []] = checks;
  const isCommon = common.length > 0 && checks.every((one) => JSON.stringify(one) === JSON.stringify(common));
  if (isCommon) set(table, "check", listOf(common));
  explainChecks(table, checks.flat());
  for (const [i, one] of server.realServers.entries()) {
    const element = addElement(draft, ["virtual_server", name, "real_server"], one.at);
    writeRealServer(one, server, element, tell);
    if (!isCommon && checks[i]!.length > 0) set(element, "check", listOf(checks[i]!));
  }
}

/** Its name in vipd.toml, which no other virtual server has. */
function nameOf({ conversion: { draft }, what, keys }: VirtualServer): string {
  const port = what.port === 0 ? "" : `_${what.port}`;
  const protocol = keys["protocol"] === undefined ? "" : `_${keys["protocol"]}`;
  const text = what.kind === "fwmark" ? `fwmark_${what.text}` : what.text.replaceAll(/[^\w.-]/g, "_");
  const base = `${text}${port}${protocol}`;
  const isTaken = (name: string): boolean =>
    draft.some(({ path }) => path[0] === "virtual_server" && path[1] === name);
  let name = base;
  for (let i = 2; isTaken(name); i++) name = `${base}_${i}`;
  return name;
}

function setAddresses({ conversion, what, at }: VirtualServer, table: DraftTable, tell: Tell): void {
  if (what.kind === "fwmark") return set(table, "fwmark", Number(what.text), { at });
  if (what.kind === "address") return set(table, "address", withPort(what.text, what.port), { at });
  const members = conversion.addressGroups.get(what.text);
  if (members === undefined) return tell.refuse(`there is no virtual_server_group "${what.text}"`);
  set(table, "addresses", members, { at });
}

/** The port of all its addresses; 0 where they differ or have none. */
function portOf({ conversion, what }: VirtualServer): number {
  if (what.kind !== "group") return what.port;
  const members = conversion.addressGroups.get(what.text) ?? [];
  const ports = new Set(
    members.map((member) =>
      typeof member === "string"
        ? Number(/:(\d+)$/.exec(member.replace(/^[^\[\]]*:[^\[\]]*:.*$/, ""))?.[1] ?? 0)
        : 0
    ),
  );
  return ports.size === 1 ? [...ports][0]! : 0;
}

/** ha_suspend: the virtual router that brings one of its addresses. */
function routerOf(
  { conversion: { draft }, what, isSuspending }: VirtualServer,
  tell: Tell,
): string | undefined {
  if (isSuspending !== true) return undefined;
  const isOurs = (value: Value): boolean => {
    const address = typeof value === "object" && "address" in value ? value["address"] : value;
    return String(address).split("/")[0] === what.text;
  };
  const found = draft.find(({ path, entries }) =>
    path[0] === "virtual_router" &&
    ["addresses", "excluded_addresses"].some((key) => {
      const list = entries.get(key)?.value;
      return Array.isArray(list) && list.some(isOurs);
    })
  );
  if (found === undefined) {
    tell.omit("ha_suspend: no vrrp_instance brings its address here; it is always checked");
  }
  return found?.path[1];
}

/** keepalived lowers what the weights cannot reach. */
function correctQuorum({ keys, realServers }: VirtualServer, tell: Tell): void {
  const own = typeof keys["weight"] === "number" ? keys["weight"] : 1;
  const sum = realServers.reduce((all, { keys }) => all + Number(keys["weight"] ?? own), 0);
  const quorum = Number(keys["quorum"] ?? 1);
  if (quorum > sum && sum > 0) {
    keys["quorum"] = sum;
    tell.note(
      `quorum ${quorum} is more than all weights together: keepalived takes ${sum}, and so does vipd`,
    );
  }
  const [reached, hysteresis] = [Number(keys["quorum"] ?? 1), Number(keys["hysteresis"] ?? 0)];
  if (hysteresis < Math.max(1, reached)) return;
  keys["hysteresis"] = Math.max(0, reached - 1);
  tell.note(
    `hysteresis ${hysteresis} is not below the quorum: keepalived takes ${
      keys["hysteresis"]
    }, and so does vipd`,
  );
}

function sorryOf({ sorry: { address, port = 0, forward, on_failure } }: VirtualServer): Value | undefined {
  if (address === undefined) return undefined;
  const text = withPort(address, port);
  if (forward === undefined && on_failure === undefined) return text;
  return {
    address: text,
    ...(forward === undefined ? {} : { forward }),
    ...(on_failure === undefined ? {} : { on_failure }),
  };
}

/** Programs of the virtual server, and those that its real servers have in common. */
function notifyOf({ hooks, realServers, isAlerting }: VirtualServer, tell: Tell): Value | undefined {
  const scripts: Record<string, Script> = { ...hooks };
  for (const event of ["up", "down"] as const) {
    const [first, ...others] = [
      ...new Set(realServers.map(({ hooks }) => JSON.stringify(hooks[event] ?? null))),
    ];
    if (first === undefined || (first === "null" && others.length === 0)) continue;
    if (others.length > 0) {
      tell.refuse(
        `notify_${event} differs from real server to real server: give all the same program, which finds the ` +
          "real server in VIPD_REAL_SERVER",
      );
    } else scripts[event] = JSON.parse(first) as Script;
  }
  const accounts = new Set(Object.values(scripts).map(({ user, group }) => JSON.stringify([user, group])));
  if (accounts.size > 1) tell.refuse("its programs run as different users: one user is for all of them");
  const { user, group } = Object.values(scripts)[0] ?? {};
  const mail = realServers.find((one) => one.isAlerting !== undefined)?.isAlerting ?? isAlerting;
  const commands = Object.fromEntries(Object.entries(scripts).map(([event, { argv }]) => [event, argv]));
  const has = Object.keys(commands).length > 0;
  const notify: Record<string, Value> = {
    ...commands,
    ...(has && user !== undefined ? { user } : {}),
    ...(has && group !== undefined ? { group } : {}),
    ...(mail === undefined ? {} : { mail }),
  };
  return Object.keys(notify).length === 0 ? undefined : notify;
}

function realChecks(one: RealServer, server: VirtualServer): Check[] {
  const target = {
    address: one.address,
    port: one.port === 0 ? portOf(server) : one.port,
    virtualHost: one.virtualHost ?? server.virtualHost,
  };
  const port = portOf(server);
  const isMoved = one.port !== 0 && one.port !== port && keepsPort(forwardOf(one, server));
  return one.checkers.flatMap((checker) => checksOf(checker, [one, server], target))
    .map((check) =>
      isMoved && PORTED.includes(String(check["type"])) && check["address"] === undefined
        ? { ...check, connect_port: check["connect_port"] ?? one.port }
        : check
    );
}

/** Checks that go to a port. */
const PORTED = ["tcp", "udp", "dns", "smtp", "http"];

function forwardOf(one: RealServer, server: VirtualServer): Value {
  return one.keys["forward"] ?? server.keys["forward"] ?? "nat";
}

function writeRealServer(one: RealServer, server: VirtualServer, table: DraftTable, tell: Tell): void {
  const port = portOf(server);
  const moves = one.port !== 0 && one.port !== port && keepsPort(forwardOf(one, server));
  if (moves && server.what.kind !== "fwmark") {
    tell.note(
      `${one.address} has port ${one.port}: only NAT changes the port, so keepalived takes the virtual server's, ` +
        "and so does vipd; its checks go to the port that it names",
    );
  }
  set(table, "address", withPort(one.address, moves || one.port === port ? port : one.port), { at: one.at });
  for (const [key, value] of Object.entries(one.keys)) set(table, key, value);
  const { isAlpha } = one.timing;
  set(table, "initial", isAlpha === undefined ? undefined : isAlpha ? "down" : "up");
}

function listOf(checks: readonly Check[]): Value {
  return checks.length === 1 ? checks[0]! : checks;
}

/** What vipd would do by itself, where keepalived's habits have been written down. */
function explainChecks(table: DraftTable, checks: readonly Check[]): void {
  const says: readonly (readonly [boolean, string])[] = [
    [
      checks.some(({ interval }) => interval === "1m"),
      "keepalived's delay_loop is 60 s by itself; vipd's 6 s.",
    ],
    [
      checks.some(({ tls }) => tls !== undefined),
      "keepalived verifies no certificate; vipd does without verify = false.",
    ],
  ];
  for (const [is, text] of says) if (is) table.comments.push(text);
}
