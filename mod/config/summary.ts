/** A configuration in a few lines of plain words: what vipd will do with it. */
import { formatPath } from "./document.ts";
import { formatDuration } from "./duration.ts";
import type { CheckConfig, Config, Track, Vip, VirtualRouterConfig } from "./schema.ts";
import { formatListen } from "./values.ts";

export function summarize({ virtual_router, check, api }: Config): string[] {
  return [
    ...Object.entries(virtual_router).flatMap(([name, router]) => routerLines(name, router)),
    ...Object.entries(check).map(([name, check]) => checkLine(name, check)),
    `api: ${api.listen.map(formatListen).join(", ") || "off"}`,
  ];
}

function routerLines(name: string, router: VirtualRouterConfig): string[] {
  const { interface: link, vrid, version, priority, advertisement_interval: interval, preempt } = router;
  const vips = [...router.addresses, ...router.excluded_addresses].map((vip) => vipText(vip, link));
  return [
    `virtual router ${formatPath([name])}: ${vips.join(", ") || "no address"}`,
    `  VRRPv${version} VRID ${vrid} on ${link}, priority ${priority}${preempt ? "" : " (no preemption)"}, ` +
    `every ${formatDuration(interval)}, ${pathOf(router)}`,
    ...(router.track.length === 0 ? [] : [`  tracks ${router.track.map(trackText).join(", ")}`]),
  ];
}

function vipText({ address, prefix, interface: own }: Vip, link: string): string {
  return `${address}/${prefix}${own === undefined || own === link ? "" : ` on ${own}`}`;
}

function pathOf({ unicast_peers, multicast_group }: VirtualRouterConfig): string {
  return unicast_peers === undefined
    ? `multicast ${multicast_group}`
    : `unicast to ${unicast_peers.join(", ")}`;
}

function trackText({ check, weight }: Track): string {
  if (weight === undefined) return `${check} (failing: FAULT)`;
  return weight < 0 ? `${check} (failing: ${weight})` : `${check} (passing: +${weight})`;
}

function checkLine(name: string, { type, interval, timeout, rise, fall }: CheckConfig): string {
  return `check ${formatPath([name])}: ${type} every ${formatDuration(interval)} (timeout ${
    formatDuration(timeout)
  }), ` +
    `up after ${rise}, down after ${fall}`;
}
