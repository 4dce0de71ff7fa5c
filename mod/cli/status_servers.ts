/** Virtual servers in `vipd status`: what carries each, its quorum, and every real server. PURE. */
import { formatAge } from "../age.ts";
import type { DirectRoutingStatus, RealServerStatus, VirtualServerStatus } from "../snapshot.ts";
import { hookRows } from "./status_notify.ts";
import { columns, paint, text, wrap } from "./text.ts";
import { field, stateText, type View } from "./view.ts";

/** Of more real servers than these only the ones that are not simply up are shown. */
const SHOWN_MAX = 64;

export function serverLines(server: VirtualServerStatus, at: string, view: View): string[] {
  const { name, quorum, engine, scheduler, virtual_router, checking, problem } = server;
  const state = quorum.up ? "quorum" : "no quorum";
  const follows = virtual_router === null ? "" : `, with ${text(virtual_router)}`;
  const pauses = checking ? "" : " (not ACTIVE here: checks pause)";
  const head = `${paint(text(name), "bold", view.color)}  ${stateText(state, view.color)} for ${
    formatAge(quorum.since, at)
  }  ${paint(`${text(scheduler)} by ${engine ?? "nothing"}${follows}${pauses}`, "dim", view.color)}`;
  return [
    ...wrap(head, view.width, 2),
    ...field("problem", problem === null ? [] : [paint(text(problem), "red", view.color)], view),
    ...field("warning", server.warnings.map((one) => text(one)), view),
    ...field("services", serviceRows(server, view.color), view),
    ...field("quorum", [quorumText(server)], view),
    ...field("sorry", [sorryText(server, view.color)], view),
    ...field("servers", realServerRows(server, at, view.color), view),
    ...field("healed", [healedText(server, at)], view),
    ...field("hooks", hookRows(server.hooks, at, view.color), view),
  ];
}

/** One of `[direct_routing]`: this host is a real server for these addresses. */
export function directLines(
  { name, interface: device, addresses, problem }: DirectRoutingStatus,
  view: View,
): string[] {
  const head = `${paint(text(name), "bold", view.color)}  ${
    paint(`answers on ${text(device)}, silent in ARP`, "dim", view.color)
  }`;
  const rows = addresses.map(({ address, present, restored }) =>
    `${text(address)}${present ? "" : ` ${paint("MISSING", "red", view.color)}`}${
      restored === 0 ? "" : ` (somebody else removed it ${restored} times)`
    }`
  );
  return [
    ...wrap(head, view.width, 2),
    ...field("problem", problem === null ? [] : [paint(text(problem), "red", view.color)], view),
    ...field("addresses", rows, view),
  ];
}

function serviceRows({ services, engine }: VirtualServerStatus, color: boolean): string[] {
  const shown = services.slice(0, SHOWN_MAX);
  const rows = columns(shown.map(({ service, present, traffic }) => [
    text(service),
    !present && engine !== null
      ? paint("MISSING", "red", color)
      : traffic === null
      ? ""
      : `${traffic.connections} connections`,
  ]));
  return services.length === shown.length ? rows : [...rows, `and ${services.length - shown.length} more`];
}

function quorumText({ quorum: { live_weight: live, required, hysteresis } }: VirtualServerStatus): string {
  return `weight ${live} is healthy, ${required} needed${
    hysteresis === 0 ? "" : ` (hysteresis ${hysteresis})`
  }`;
}

function sorryText({ sorry_server: sorry }: VirtualServerStatus, color: boolean): string {
  if (sorry === null) return "";
  const states = {
    out: "stands by",
    in: paint("SERVES in place of the real servers", "red", color),
    quiesced: "keeps the connections that it has",
  };
  return `${text(sorry.address)} ${states[sorry.state]}`;
}

function realServerRows({ real_servers: all }: VirtualServerStatus, at: string, color: boolean): string[] {
  const shown = all.length <= SHOWN_MAX ? all : all.filter((server) => !isPlain(server));
  const rows = columns(shown.map((server) => [
    text(server.name),
    stateText(server.state, color),
    `for ${formatAge(server.since, at)}`,
    weightText(server),
    server.forward,
    server.active_connections === null ? "" : `${server.active_connections} active`,
    text(reasonOf(server, at)),
  ]));
  return all.length === shown.length ? rows : [...rows, `and ${all.length - shown.length} more that are up`];
}

function isPlain({ state, weight, configured_weight: own }: RealServerStatus): boolean {
  return state === "up" && weight === own;
}

/** The weight that it has, and the one that it would have by itself. */
function weightText(
  { weight, full_weight, configured_weight: own, operator_weight: set }: RealServerStatus,
): string {
  const has = weight === null ? "out" : `weight ${weight}`;
  const why = set === null ? "" : `, set to ${set}`;
  const full = full_weight === own || set !== null ? "" : `, ${full_weight} by its check`;
  return weight === own && why === "" ? has : `${has} (of ${own}${why}${full})`;
}

/** Of a server that is up the checks tell why; what else happens has a reason of its own. */
function reasonOf({ state, reason, checks, drain_until: until }: RealServerStatus, at: string): string {
  if (state === "draining" && until !== null) {
    return `${reason}, out in ${formatAge(at, until)} at the latest`;
  }
  return reason === "" ? checks.map((check) => check.reason).join("; ") : reason;
}

function healedText({ healed, last_healed: last }: VirtualServerStatus, at: string): string {
  if (healed === 0) return "";
  const latest = last === null ? "" : `, ${formatAge(last.at, at)} ago: ${text(last.what)}`;
  return `${healed} ${healed === 1 ? "change" : "changes"} of somebody else undone${latest}`;
}
