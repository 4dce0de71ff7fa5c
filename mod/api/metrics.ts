/**
 * `/metrics`: the snapshot as Prometheus text, in our own names and, when asked, in keepalived-exporter's.
 */
import { Hono } from "hono";
import {
  type CheckStatus,
  type ForeignRouter,
  type Lateness,
  RouterState,
  type Snapshot,
  type SyncGroupStatus,
  type VirtualRouterStatus,
} from "../snapshot.ts";
import type { ApiEnv } from "./context.ts";
import { balanceFamilies } from "./balance_metrics.ts";
import { exporterFamilies } from "./exporter_names.ts";
import { exposition, EXPOSITION_TYPE, type Family, type Labels, type Sample } from "./exposition.ts";
import { offers } from "./negotiate.ts";
import { notifyFamilies } from "./notify_metrics.ts";
import { perSnapshot } from "./source.ts";

/** Mounted at `/metrics`. */
export function metricsRoutes(snapshot: () => Promise<Snapshot>, exporterNames: boolean): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  const text = perSnapshot((current) => renderMetrics(current, exporterNames));
  app.get("/", offers("text/plain"), async (c) => {
    return c.body(text(await snapshot()), 200, {
      "content-type": EXPOSITION_TYPE,
      "cache-control": "no-store",
    });
  });
  return app;
}

/**
 * The whole exposition of a snapshot. Ages are measured at the snapshot's own time; durations are in seconds.
 */
export function renderMetrics(snapshot: Snapshot, exporterNames: boolean): string {
  const families = [
    ...nodeFamilies(snapshot),
    latenessFamily(snapshot.lateness),
    ...routerFamilies(snapshot.virtual_routers, snapshot.at),
    ...counterFamilies(snapshot.virtual_routers),
    ...groupFamilies(snapshot.sync_groups),
    foreignFamily(snapshot.foreign_routers),
    ...checkFamilies(snapshot.checks, snapshot.at),
    ...balanceFamilies(snapshot.virtual_servers),
    ...notifyFamilies(snapshot),
  ];
  return exposition(exporterNames ? [...families, ...exporterFamilies(snapshot)] : families);
}

function nodeFamilies({ node }: Snapshot): Family[] {
  const info = { node: node.name, version: node.version, config_file: node.config_file };
  return [
    gauge("vipd_info", "Always 1; labels say which vipd this is.", [{ labels: info, value: 1 }]),
    gauge("vipd_start_time_seconds", "When the process started, Unix time.", [
      plain(unixSeconds(node.started)),
    ]),
    gauge("vipd_config_load_time_seconds", "When the running configuration was loaded, Unix time.", [
      plain(unixSeconds(node.config_loaded)),
    ]),
    gauge("vipd_config_last_reload_successful", "Whether the last reload was accepted.", [
      plain(Number(node.last_reload_error === null)),
    ]),
    gauge("vipd_maintenance", "Whether the operator has taken this node out.", [
      plain(Number(node.maintenance !== null)),
    ]),
    gauge("vipd_state_file_usable", "Whether what is ordered to outlive a restart can be read and kept.", [
      plain(Number(node.state_file.problem === null)),
    ]),
    gauge("vipd_realtime", "Whether the VRRP thread has real-time scheduling.", [
      plain(Number(node.realtime)),
    ]),
    gauge("vipd_engine_running", "Whether the VRRP engine is running.", [
      plain(Number(node.engine === "running")),
    ]),
  ];
}

function latenessFamily({ buckets, count, sum_ms }: Lateness): Family {
  const bounded = buckets.map((bucket) => ({ le: bucket.le_ms / 1000, value: bucket.count }));
  const samples = [...bounded, { le: "+Inf", value: count }].map(({ le, value }): Sample => ({
    series: "bucket",
    labels: { le },
    value,
  }));
  return {
    name: "vipd_deadline_lateness_seconds",
    type: "histogram",
    help: "How late the VRRP thread kept its deadlines.",
    samples: [
      ...samples,
      { series: "sum", labels: {}, value: sum_ms / 1000 },
      { series: "count", labels: {}, value: count },
    ],
  };
}

/** What is said once for each virtual router: name, help, value; null leaves the router out. */
const ROUTER_GAUGES: readonly (readonly [string, string, (router: VirtualRouterStatus) => number])[] = [
  ["priority", "Configured priority.", (router) => router.base_priority],
  ["effective_priority", "Priority after all tracked checks.", (router) => router.effective_priority],
  [
    "advertisement_interval_seconds",
    "Advertisement interval.",
    (router) => router.advertisement_interval_ms / 1000,
  ],
  [
    "active_down_interval_seconds",
    "Silence after which the active router counts as gone.",
    (router) => router.active_down_interval_ms / 1000,
  ],
  [
    "state_since_seconds",
    "When the present state was entered, Unix time.",
    (router) => unixSeconds(router.since),
  ],
  ["handover", "Whether an orderly handover is under way.", (router) => Number(router.handover)],
  [
    "held_back",
    "Whether it does not take over because the operator has handed it over.",
    (router) => Number(router.held_back !== null),
  ],
  [
    "overridden",
    "Whether the operator has put something in the place of the configured priority.",
    (router) => Number(router.override !== null),
  ],
  [
    "missing_addresses",
    "Addresses that should be bound now (ACTIVE) and are not.",
    (router) => router.state === "ACTIVE" ? router.addresses.filter(({ present }) => !present).length : 0,
  ],
];

function routerFamilies(routers: readonly VirtualRouterStatus[], at: string): Family[] {
  const peers = routers.flatMap((router) => router.peers.map((peer) => ({ router, peer })));
  const peerLabels = ({ router, peer }: typeof peers[number]): Labels => ({
    ...routerLabels(router),
    peer: peer.address,
  });
  return [
    gauge(
      "vipd_virtual_router_state",
      "1 for the state that the virtual router is in, 0 for the others.",
      routers.flatMap((router) =>
        RouterState.options.map((state) => ({
          labels: { ...routerLabels(router), family: router.family, state },
          value: Number(router.state === state),
        }))
      ),
    ),
    ...ROUTER_GAUGES.map(([name, help, value]) =>
      gauge(
        `vipd_virtual_router_${name}`,
        help,
        routers.map((router) => ({ labels: routerLabels(router), value: value(router) })),
      )
    ),
    gauge(
      "vipd_virtual_router_contribution",
      "What a tracked check adds to or takes from the priority.",
      routers.flatMap((router) =>
        router.contributions.map(({ check, contribution }) => ({
          labels: { ...routerLabels(router), check },
          value: contribution,
        }))
      ),
    ),
    gauge(
      "vipd_peer_priority",
      "Priority in the last advertisement of a peer.",
      peers.map((entry) => ({ labels: peerLabels(entry), value: entry.peer.priority })),
    ),
    gauge(
      "vipd_peer_last_seen_age_seconds",
      "Time since the last advertisement of a peer.",
      peers.map((entry) => ({
        labels: peerLabels(entry),
        value: Math.max(0, (Date.parse(at) - Date.parse(entry.peer.last_seen)) / 1000),
      })),
    ),
    gauge(
      "vipd_peer_addresses_match",
      "Whether a peer advertises the same addresses as this node.",
      peers.map((entry) => ({ labels: peerLabels(entry), value: Number(entry.peer.addresses_match) })),
    ),
    counter(
      "vipd_peer_advertisements_received_total",
      "Advertisements received from a peer.",
      peers.map((entry) => ({ labels: peerLabels(entry), value: entry.peer.advertisements })),
    ),
  ];
}

function groupFamilies(groups: readonly SyncGroupStatus[]): Family[] {
  return [
    gauge(
      "vipd_sync_group_state",
      "1 for the state that the sync group is in, 0 for the others.",
      groups.flatMap(({ name, state: current }) =>
        RouterState.options.map((state) => ({
          labels: { name, state },
          value: Number(current === state),
        }))
      ),
    ),
    gauge(
      "vipd_sync_group_state_since_seconds",
      "When the present state was entered, Unix time.",
      groups.map(({ name, since }) => ({ labels: { name }, value: unixSeconds(since) })),
    ),
  ];
}

/** One family for every counter that any router has, so that a new discard reason appears by itself. */
function counterFamilies(routers: readonly VirtualRouterStatus[]): Family[] {
  const names = [...new Set(routers.flatMap((router) => Object.keys(router.counters)))].sort();
  return names.map((name) =>
    counter(
      `vipd_virtual_router_${name.replaceAll(/[^a-zA-Z0-9_]/g, "_")}_total`,
      `Counter ${name} of the virtual router.`,
      routers.flatMap((router) => {
        const value = router.counters[name];
        return value === undefined ? [] : [{ labels: routerLabels(router), value }];
      }),
    )
  );
}

function foreignFamily(foreign: readonly ForeignRouter[]): Family {
  return counter(
    "vipd_foreign_packets_received_total",
    "Packets of routers whose VRID is not configured here.",
    foreign.map(({ interface: device, family, vrid, address, packets }) => ({
      labels: { interface: device, family, vrid, address },
      value: packets,
    })),
  );
}

function checkFamilies(checks: readonly CheckStatus[], at: string): Family[] {
  const family = (value: (check: CheckStatus) => number | null): Sample[] =>
    checks.flatMap((check) => {
      const number = value(check);
      return number === null ? [] : [{ labels: { name: check.name, type: check.type }, value: number }];
    });
  return [
    gauge("vipd_check_up", "1 passing, 0 failing; absent until decided.", family(upOrDown)),
    gauge(
      "vipd_check_since_seconds",
      "When the present state was entered, Unix time.",
      family(({ since }) => unixSeconds(since)),
    ),
    gauge(
      "vipd_check_duration_seconds",
      "How long the last run took.",
      family(({ duration_ms }) => duration_ms === null ? null : duration_ms / 1000),
    ),
    gauge(
      "vipd_check_last_run_age_seconds",
      "Time since the last run.",
      family(({ last_run }) =>
        last_run === null ? null : Math.max(0, (Date.parse(at) - Date.parse(last_run)) / 1000)
      ),
    ),
    counter("vipd_check_runs_total", "Runs of the check.", family(({ runs }) => runs)),
    counter(
      "vipd_check_recoveries_total",
      "Times that the recover command was run.",
      family(({ recoveries }) => recoveries),
    ),
    counter(
      "vipd_check_recoveries_failed_total",
      "Times that the recover command was run and did not help.",
      family(({ recoveries_failed }) => recoveries_failed),
    ),
  ];
}

function upOrDown({ state }: CheckStatus): number | null {
  return state === "unknown" ? null : Number(state === "up");
}

function routerLabels({ name, interface: device, vrid }: VirtualRouterStatus): Labels {
  return { name, interface: device, vrid };
}

function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: "gauge", help, samples };
}

function counter(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: "counter", help, samples };
}

function plain(value: number): Sample {
  return { labels: {}, value };
}

function unixSeconds(time: string): number {
  return Date.parse(time) / 1000;
}
