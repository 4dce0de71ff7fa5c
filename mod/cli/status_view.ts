/** `vipd status` for people: a snapshot as text for a terminal of some width. PURE. */
import { recoveryText } from "../recovery_text.ts";
import { formatAge } from "../age.ts";
import type { CheckStatus, ForeignRouter, Snapshot, VirtualRouterStatus } from "../snapshot.ts";
import { groupLines, trackerRows } from "./status_groups.ts";
import { hookRows, notifyLines } from "./status_notify.ts";
import { directLines, serverLines } from "./status_servers.ts";
import { columns, paint, text, wrap } from "./text.ts";
import { field, stateText, type View } from "./view.ts";

/** The whole status, without a line break at the end. */
export function renderStatus(snapshot: Snapshot, view: View): string {
  const { node, virtual_routers, sync_groups, virtual_servers, direct_routing } = snapshot;
  const { foreign_routers, checks, at } = snapshot;
  return [
    ...nodeLines(snapshot, view),
    ...maintenanceLines(snapshot, view),
    ...overrideLines(snapshot, view),
    ...stateFileLines(snapshot, view),
    ...virtual_routers.flatMap((router) => ["", ...routerLines(router, at, view)]),
    ...(virtual_routers.length + virtual_servers.length + direct_routing.length === 0
      ? ["", "No virtual router is configured."]
      : []),
    ...sync_groups.flatMap((group) => ["", ...groupLines(group, at, view)]),
    ...virtual_servers.flatMap((server) => ["", ...serverLines(server, at, view)]),
    ...direct_routing.flatMap((one) => ["", ...directLines(one, view)]),
    ...(checks.length === 0
      ? []
      : ["", paint("Checks", "bold", view.color), ...checkLines(checks, at, view)]),
    ...notifyLines(snapshot, view),
    ...(foreign_routers.length === 0 ? [] : [
      "",
      paint("Other virtual routers on our links", "bold", view.color),
      ...foreignLines(foreign_routers, at, view),
    ]),
    ...(node.last_reload_error === null ? [] : [
      "",
      paint("Last reload failed; the configuration before it is in force:", "red", view.color),
      ...node.last_reload_error.split("\n").flatMap((line) => wrap(text(line), view.width, 2)),
    ]),
  ].join("\n");
}

function nodeLines({ node, at }: Snapshot, { color, width }: View): string[] {
  const engine = paint(`engine ${node.engine}`, node.engine === "running" ? "plain" : "red", color);
  const realtime = node.realtime ? "" : ", no real-time scheduling";
  return wrap(
    `${paint(text(node.name), "bold", color)}  vipd ${text(node.version)}, ${engine}${realtime}, up ${
      formatAge(node.started, at)
    }, ${text(node.config_file)} loaded ${formatAge(node.config_loaded, at)} ago`,
    width,
    0,
  );
}

function maintenanceLines({ node: { maintenance } }: Snapshot, { color, width }: View): string[] {
  if (maintenance === null) return [];
  const until = maintenance.until === null ? "until it is ended" : `until ${maintenance.until}`;
  const kept = maintenance.persisted ? ", also after a restart" : "";
  const line = `MAINTENANCE ${until}${kept}: this node stays out ("vipd maintenance off" ends it)`;
  return wrap(paint(line, "red", color), width, 2);
}

function overrideLines({ virtual_routers }: Snapshot, { color, width }: View): string[] {
  return virtual_routers.flatMap(({ name, base_priority, override }) => {
    if (override === null) return [];
    const { by, priority, until, suspended, persisted } = override;
    const what = by === "prefer" ? "preferred here" : `priority ${priority} instead of ${base_priority}`;
    const end = `vipd ${by === "prefer" ? `prefer ${text(name)} --off` : `priority ${text(name)} auto`}`;
    const term = `${until === null ? "" : ` until ${until}`}${persisted ? ", also after a restart" : ""}`;
    const now = suspended === null ? "" : `, but not now: ${text(suspended)}`;
    return wrap(
      paint(`OVERRIDE ${text(name)} ${what}${term}${now} ("${end}" ends it)`, "red", color),
      width,
      2,
    );
  });
}

function stateFileLines({ node: { state_file: { problem } } }: Snapshot, { color, width }: View): string[] {
  return problem === null ? [] : wrap(paint(`STATE FILE ${text(problem)}`, "red", color), width, 2);
}

function routerLines(router: VirtualRouterStatus, at: string, view: View): string[] {
  const { name, state, since, vrid, version, family, interface: device, handover, sync_group } = router;
  const group = sync_group === null ? "" : `, in ${text(sync_group)}`;
  const head = `${paint(text(name), "bold", view.color)}  ${stateText(state, view.color)} for ${
    formatAge(since, at)
  }${handover ? ", handing over" : ""}  ${
    paint(`vrid ${vrid}, VRRPv${version} ${family} on ${text(device)}${group}`, "dim", view.color)
  }`;
  return [
    ...wrap(head, view.width, 2),
    ...field("why", [text(router.reason)], view),
    ...field("held back", router.held_back === null ? [] : [text(router.held_back)], view),
    ...field("priority", [priorityText(router)], view),
    ...field("trackers", trackerRows(router.contributions, view.color), view),
    ...field("addresses", router.addresses.map((address) => addressText(address, state, view.color)), view),
    ...field("MAC", [virtualMacText(router)], view),
    ...field("active", [activeText(router)], view),
    ...field("peers", peerRows(router, at, view.color), view),
    ...field("counters", [counterText(router.counters)], view),
    ...field("conflicts", conflictRows(router, at, view.color), view),
    ...field("rejected", rejectedRows(router, at, view.color), view),
    ...field("hooks", hookRows(router.hooks, at, view.color), view),
  ];
}

function priorityText(
  { base_priority, effective_priority, contributions, preempt, override }: VirtualRouterStatus,
): string {
  if (override?.by === "prefer" && override.suspended === null) {
    return `${effective_priority}, preferred by the operator (configured: ${base_priority})`;
  }
  const weighted = contributions.filter(({ weight }) => weight !== null);
  const base = override?.by === "priority" && override.suspended === null
    ? `${override.priority} by the operator (configured: ${base_priority})`
    : `${base_priority}`;
  const sum = weighted.length === 0 && override === null
    ? ""
    : ` = ${base}${
      weighted.map(({ check, contribution }) =>
        ` ${contribution < 0 ? "-" : "+"} ${Math.abs(contribution)} ${text(check)}`
      )
        .join("")
    }`;
  return `${effective_priority}${sum}${preempt ? "" : ", does not preempt"}`;
}

function addressText(
  { address, interface: device, advertised, present }: VirtualRouterStatus["addresses"][number],
  state: VirtualRouterStatus["state"],
  color: boolean,
): string {
  const missing = !present && state === "ACTIVE";
  const bound = present ? `bound on ${text(device)}` : missing ? "MISSING" : "not bound here";
  return `${text(address)} ${paint(bound, missing ? "red" : "dim", color)}${
    advertised ? "" : " (not advertised)"
  }`;
}

function virtualMacText({ virtual_mac }: VirtualRouterStatus): string {
  if (virtual_mac === null) return "";
  const { mac, interface: device, advertise_from } = virtual_mac;
  const base = advertise_from === "base" ? ", advertises from the interface's own" : "";
  return `${mac} on ${text(device)}${base}`;
}

function activeText({ active_router, primary_address, state }: VirtualRouterStatus): string {
  if (state === "ACTIVE") return `this node${primary_address === null ? "" : ` (${text(primary_address)})`}`;
  return active_router === null ? "none heard" : text(active_router);
}

function peerRows({ peers, state }: VirtualRouterStatus, at: string, color: boolean): string[] {
  // A backup advertises nothing, so silence is what an active router without rivals hears.
  if (peers.length === 0) return [state === "ACTIVE" ? "none heard (a backup is silent)" : "none heard"];
  return columns(peers.map((peer) => [
    text(peer.address),
    `priority ${peer.priority}`,
    `VRRPv${peer.version}`,
    `every ${peer.advertisement_interval_ms} ms`,
    `seen ${formatAge(peer.last_seen, at)} ago`,
    peer.addresses_match
      ? ""
      : paint(`advertises other addresses: ${peer.addresses.map(text).join(", ")}`, "yellow", color),
  ]));
}

function counterText(counters: VirtualRouterStatus["counters"]): string {
  return Object.entries(counters)
    .filter(([, value]) => value > 0)
    .map(([name, value]) => `${text(name)}=${value}`)
    .join(" ");
}

function conflictRows({ state, conflicts }: VirtualRouterStatus, at: string, color: boolean): string[] {
  const too = state === "ACTIVE" ? " as well" : "";
  return columns(conflicts.map(({ address, interface: device, mac, last_seen }) => [
    paint(`${text(address)} is in use by ${text(mac)}${too}`, "red", color),
    `on ${text(device)}`,
    `seen ${formatAge(last_seen, at)} ago`,
  ]));
}

function rejectedRows({ rejected }: VirtualRouterStatus, at: string, color: boolean): string[] {
  return columns(rejected.map((packet) => [
    `${formatAge(packet.at, at)} ago`,
    `from ${text(packet.source)}`,
    paint(text(packet.reason), "yellow", color),
    text(packet.detail),
  ]));
}

function checkLines(checks: readonly CheckStatus[], at: string, { width, color }: View): string[] {
  const rows = checks.map((check) => [
    text(check.name),
    text(check.type),
    stateText(check.state, color),
    `for ${formatAge(check.since, at)}`,
    check.duration_ms === null ? "" : `${check.duration_ms.toFixed(1)} ms`,
    text(check.reason + recoveryText(check, at)),
  ]);
  return columns(rows).flatMap((row) => wrap(`  ${row}`, width, 4));
}

function foreignLines(foreign: readonly ForeignRouter[], at: string, { width }: View): string[] {
  const rows = foreign.map((router) => [
    `vrid ${router.vrid}`,
    router.family,
    `on ${text(router.interface)}`,
    `from ${text(router.address)}`,
    `seen ${formatAge(router.last_seen, at)} ago`,
  ]);
  return columns(rows).flatMap((row) => wrap(`  ${row}`, width, 4));
}
