/** Virtual servers and their real servers as families of Prometheus samples. PURE. */
import {
  RealServerState,
  type RealServerStatus,
  type TrafficStatus,
  type VirtualServerStatus,
} from "../snapshot.ts";
import type { Family, Labels, Sample } from "./exposition.ts";

/** A number about something; null leaves it out. */
type Row<T> = readonly [name: string, help: string, value: (status: T) => number | null];

const SERVER_GAUGES: readonly Row<VirtualServerStatus>[] = [
  ["quorum", "Whether the healthy real servers have the quorum.", ({ quorum }) => Number(quorum.up)],
  ["quorum_required", "Weight that the quorum needs.", ({ quorum }) => quorum.required],
  ["live_weight", "Weight of the healthy real servers together.", ({ quorum }) => quorum.live_weight],
  [
    "quorum_since_seconds",
    "When the quorum was reached or lost, Unix time.",
    ({ quorum }) => Date.parse(quorum.since) / 1000,
  ],
  [
    "problem",
    "Whether something keeps it from being as it should be.",
    (one) => Number(one.problem !== null),
  ],
  ["checking", "Whether its checks run here now.", ({ checking }) => Number(checking)],
  [
    "sorry_server",
    "Whether the sorry server serves; absent without one.",
    ({ sorry_server: sorry }) => sorry === null ? null : Number(sorry.state === "in"),
  ],
];

/** Port, weight and what the engine counts of one real server, in all services of its virtual server. */
const REAL_GAUGES: readonly Row<RealServerStatus>[] = [
  ["up", "Whether all checks of the real server pass.", ({ healthy }) => Number(healthy)],
  [
    "since_seconds",
    "When the present state was entered, Unix time.",
    ({ since }) => Date.parse(since) / 1000,
  ],
  ["weight", "Weight in the services; absent while it is not in them.", ({ weight }) => weight],
  ["configured_weight", "Weight of the configuration.", ({ configured_weight: weight }) => weight],
  ["active_connections", "Established connections.", ({ active_connections: active }) => active],
  [
    "inactive_connections",
    "Connections that are ending, or of a protocol without any.",
    ({ inactive_connections: inactive }) => inactive,
  ],
  ["persistent_connections", "Clients that stay with it.", ({ persistent_connections: kept }) => kept],
];

const TRAFFIC: readonly Row<TrafficStatus>[] = [
  ["connections_total", "Connections, as the engine counts them.", ({ connections }) => connections],
  ["received_packets_total", "Packets from clients.", ({ packets_in }) => packets_in],
  [
    "sent_packets_total",
    "Packets to clients, where they come back this way.",
    ({ packets_out }) => packets_out,
  ],
  ["received_bytes_total", "Octets from clients.", ({ bytes_in }) => bytes_in],
  ["sent_bytes_total", "Octets to clients, where they come back this way.", ({ bytes_out }) => bytes_out],
];

export function balanceFamilies(servers: readonly VirtualServerStatus[]): Family[] {
  const reals = servers.flatMap(({ name, real_servers }) =>
    real_servers.map((real): Real => ({ name, real }))
  );
  return [...serverFamilies(servers), ...realServerFamilies(reals), ...checkFamilies(reals)];
}

function serverFamilies(servers: readonly VirtualServerStatus[]): Family[] {
  const services = servers.flatMap(({ name, services }) => services.map((one) => ({ name, ...one })));
  const labels = ({ name }: VirtualServerStatus): Labels => ({ name });
  const ofService = ({ name, service }: typeof services[number]): Labels => ({ name, service });
  const carried = servers.flatMap(({ name, engine }) => engine === null ? [] : [{ name, engine }]);
  return [
    ...SERVER_GAUGES.map(([name, help, value]) =>
      family("gauge", `vipd_virtual_server_${name}`, help, servers, labels, value)
    ),
    family(
      "gauge",
      "vipd_virtual_server_engine",
      "1 for what carries the virtual server; absent while nothing does.",
      carried,
      ({ name, engine }) => ({ name, engine }),
      () => 1,
    ),
    family(
      "counter",
      "vipd_virtual_server_healed_total",
      "Changes of somebody else that were undone.",
      servers,
      labels,
      ({ healed }) => healed,
    ),
    family(
      "gauge",
      "vipd_virtual_server_service_present",
      "Whether the engine has the service.",
      services,
      ofService,
      ({ present }) => Number(present),
    ),
    ...trafficFamilies("vipd_virtual_server", services, ofService),
  ];
}

/** A real server, with the name of its virtual server. */
interface Real {
  readonly name: string;
  readonly real: RealServerStatus;
}

function realLabels({ name, real }: Real): Labels {
  return { virtual_server: name, real_server: real.name };
}

function realServerFamilies(reals: readonly Real[]): Family[] {
  const states = reals.flatMap((one) => RealServerState.options.map((state) => ({ one, state })));
  return [
    family(
      "gauge",
      "vipd_real_server_state",
      "1 for the state that the real server is in, 0 for the others.",
      states,
      ({ one, state }) => ({ ...realLabels(one), state }),
      ({ one, state }) => Number(one.real.state === state),
    ),
    ...REAL_GAUGES.map(([name, help, value]) =>
      family("gauge", `vipd_real_server_${name}`, help, reals, realLabels, ({ real }) => value(real))
    ),
    ...trafficFamilies(
      "vipd_real_server",
      reals.map((one) => ({ ...one, traffic: one.real.traffic })),
      realLabels,
    ),
  ];
}

function trafficFamilies<T extends { readonly traffic: TrafficStatus | null }>(
  prefix: string,
  things: readonly T[],
  labels: (thing: T) => Labels,
): Family[] {
  return TRAFFIC.map(([name, help, value]) =>
    family("counter", `${prefix}_${name}`, help, things, labels, ({ traffic }) => traffic && value(traffic))
  );
}

function checkFamilies(reals: readonly Real[]): Family[] {
  const checks = reals.flatMap((one) => one.real.checks.map((check) => ({ one, check })));
  const labels = ({ one, check }: typeof checks[number]): Labels => ({
    ...realLabels(one),
    check: check.name,
    type: check.type,
  });
  return [
    family(
      "gauge",
      "vipd_real_server_check_up",
      "1 passing, 0 failing; absent until decided.",
      checks,
      labels,
      ({ check: { state } }) => state === "unknown" ? null : Number(state === "up"),
    ),
    family(
      "gauge",
      "vipd_real_server_check_duration_seconds",
      "How long the last run took.",
      checks,
      labels,
      ({ check: { duration_ms } }) => duration_ms === null ? null : duration_ms / 1000,
    ),
    family(
      "counter",
      "vipd_real_server_check_runs_total",
      "Runs of the check.",
      checks,
      labels,
      ({ check }) => check.runs,
    ),
    family(
      "counter",
      "vipd_real_server_check_failures_total",
      "Runs of the check that failed.",
      checks,
      labels,
      ({ check }) => check.failures,
    ),
  ];
}

function family<T>(
  type: "gauge" | "counter",
  name: string,
  help: string,
  things: readonly T[],
  labels: (thing: T) => Labels,
  value: (thing: T) => number | null,
): Family {
  const samples = things.flatMap((thing): Sample[] => {
    const number = value(thing);
    return number === null ? [] : [{ labels: labels(thing), value: number }];
  });
  return { name, type, help, samples };
}
