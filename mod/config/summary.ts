/** A configuration in a few lines of plain words: what vipd will do with it. */
import { formatPath } from "./document.ts";
import { tableOf } from "./dual_stack.ts";
import { formatDuration } from "./duration.ts";
import type { CheckConfig, Config, SyncGroupConfig, Track, Vip, VirtualRouterConfig } from "./schema.ts";
import { formatForward } from "./forward.ts";
import { formatListen } from "./values.ts";
import type { RealServerConfig, VirtualAddressConfig, VirtualServerConfig } from "./virtual_server.ts";

export function summarize(config: Config): string[] {
  const { virtual_router, sync_group, check, api, virtual_server, direct_routing } = config;
  return [
    ...Object.entries(virtual_router).flatMap(([name, router]) => routerLines(name, router)),
    ...Object.entries(sync_group).map(([name, group]) => groupLine(name, group)),
    ...Object.entries(check).map(([name, check]) => checkLine(name, check)),
    ...Object.entries(virtual_server).flatMap(([name, server]) => serverLines(name, server)),
    ...Object.entries(direct_routing).map(([name, { addresses, interface: link }]) =>
      `direct routing ${formatPath([name])}: ${addresses.join(", ")} on ${link}, not announced`
    ),
    `api: ${api.listen.map(formatListen).join(", ") || "off"}`,
  ];
}

function routerLines(name: string, router: VirtualRouterConfig): string[] {
  const { interface: link, vrid, version, priority, advertisement_interval: interval, preempt } = router;
  const vips = [...router.addresses, ...router.excluded_addresses].map((vip) => vipText(vip, link));
  return [
    `virtual router ${name === tableOf(name) ? formatPath([name]) : name}: ${
      vips.join(", ") || "no address"
    }`,
    `  VRRPv${version} VRID ${vrid} on ${link}, priority ${priority}${preempt ? "" : " (no preemption)"}, ` +
    `every ${formatDuration(interval)}, ${pathOf(router)}`,
    ...(router.track.length === 0 ? [] : [`  tracks ${router.track.map(trackText).join(", ")}`]),
  ];
}

function groupLine(name: string, { members, track }: SyncGroupConfig): string {
  const tracks = track.length === 0 ? "" : `, tracks ${track.map(trackText).join(", ")}`;
  return `sync group ${formatPath([name])}: ${members.join(", ")} together or not at all${tracks}`;
}

function vipText({ address, prefix, interface: own }: Vip, link: string): string {
  return `${address}/${prefix}${own === undefined || own === link ? "" : ` on ${own}`}`;
}

function pathOf({ unicast_peers, multicast_group }: VirtualRouterConfig): string {
  return unicast_peers === undefined
    ? `multicast ${multicast_group}`
    : `unicast to ${unicast_peers.join(", ")}`;
}

function trackText({ check, weight, reverse = false }: Track): string {
  if (weight === undefined) return `${check} (${reverse ? "passing" : "failing"}: FAULT)`;
  const effect = reverse ? -weight : weight;
  return `${check} (${weight < 0 ? "failing" : "passing"}: ${effect > 0 ? "+" : ""}${effect})`;
}

function checkLine(name: string, check: CheckConfig): string {
  const { type, interval, timeout, rise, fall, follows } = check;
  if (follows !== undefined) return `check ${formatPath([name])}: ${type} ${shortened(follows.checks)}`;
  return `check ${formatPath([name])}: ${type} every ${formatDuration(interval)} (timeout ${
    formatDuration(timeout)
  }), ` +
    `up after ${rise}, down after ${fall}`;
}

/** A line holds no more than these. */
const SHOWN_MAX = 8;

function serverLines(name: string, server: VirtualServerConfig): string[] {
  const { addresses, protocol, engine, mode, scheduler, persistence, quorum, sorry_server: sorry } = server;
  const kept = persistence === null ? "" : `, a client stays ${formatDuration(persistence.seconds * 1000)}`;
  const router = server.virtual_router === undefined ? "" : `, while ${server.virtual_router} is ACTIVE here`;
  const rest = sorry === undefined ? "" : `, else ${sorry.address}:${sorry.port}`;
  return [
    `virtual server ${formatPath([name])}: ${protocol} ${shortened(addresses.map(addressText))}`,
    `  ${mode === "http" ? "http requests " : ""}by ${scheduler}, engine ${engine}${kept}${router}`,
    `  to ${shortened(server.real_server.map(realServerText))}`,
    `  quorum ${quorum}${rest}; checks: ${checksText(server.real_server)}`,
  ];
}

function shortened(texts: readonly string[]): string {
  const more = texts.length - SHOWN_MAX;
  return texts.slice(0, SHOWN_MAX).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function addressText(one: VirtualAddressConfig): string {
  if (one.kind === "fwmark") return `mark ${one.fwmark} (IPv${one.family})`;
  const host = one.family === 6 ? `[${one.address}]` : one.address;
  return one.port === 0 ? `${host} (every port)` : `${host}:${one.port}`;
}

function realServerText({ name, weight, forward }: RealServerConfig): string {
  return `${name} (${formatForward(forward)}, weight ${weight})`;
}

function checksText(servers: readonly RealServerConfig[]): string {
  const kinds = servers.flatMap(({ check }) =>
    check.map(({ type, interval }) => `${type} every ${formatDuration(interval)}`)
  );
  return [...new Set(kinds)].join(", ") || "none";
}
