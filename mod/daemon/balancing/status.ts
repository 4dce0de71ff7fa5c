/** The status of a virtual server, put together from its state, its checks and what its engine reports. */
import { effectiveQuorum } from "../../balance/arithmetic.ts";
import type { Carrier } from "../../balance/balancer.ts";
import { connectionsOf, type Reported, reportedOf } from "../../balance/connections.ts";
import {
  endpointKey,
  type Service,
  serviceKey,
  type ServiceReport,
  type Traffic,
} from "../../balance/model.ts";
import { fullWeight, isUp, liveWeight, phaseOf } from "../../balance/state.ts";
import type { VirtualServer } from "../../balance/virtual_servers.ts";
import { defaultScheduler } from "../../config/engine_features.ts";
import type { RealServerConfig } from "../../config/virtual_server.ts";
import type { CheckStatus, RealServerStatus, TrafficStatus, VirtualServerStatus } from "../../snapshot.ts";
import { namesOf } from "./checks.ts";

export interface Sources {
  readonly carrier: Carrier;
  /** What the engine said last that keeps it from its work; null: nothing. */
  readonly problem: string | null;
  readonly advice: readonly string[];
  readonly healed: number;
  readonly lastHealed: VirtualServerStatus["last_healed"];
  readonly isChecking: boolean;
  readonly checks: ReadonlyMap<string, CheckStatus>;
  readonly reports: ReadonlyMap<string, ServiceReport>;
  /** RFC 3339 of a moment of the monotonic clock. */
  time(atMs: number): string;
}

/** Its programs are others' affair. */
export type ServerReport = Omit<VirtualServerStatus, "hooks">;

export function statusOf(server: VirtualServer, sources: Sources): ServerReport {
  const { name, config, state, services } = server;
  const { carrier, reports, time } = sources;
  const reported = reportedOf(services, reports);
  const required = effectiveQuorum(config, config.real_server.map(({ weight }) => weight));
  const { sorry_server: sorry } = config;
  return {
    name,
    services: services.map(({ match }) => {
      const report = reports.get(serviceKey(match));
      const traffic = trafficOf(report?.traffic ?? null);
      return { service: serviceKey(match), present: report !== undefined, traffic };
    }),
    engine: "engine" in carrier ? carrier.engine : null,
    problem: "problem" in carrier ? carrier.problem : sources.problem,
    warnings: [...sources.advice],
    scheduler: config.scheduler_is_default && "engine" in carrier
      ? defaultScheduler(carrier.engine)
      : config.scheduler,
    virtual_router: config.virtual_router ?? null,
    checking: sources.isChecking,
    quorum: {
      up: state.hasQuorum,
      since: time(state.sinceMs),
      required: required.quorum,
      hysteresis: required.hysteresis,
      live_weight: liveWeight(config, state),
    },
    sorry_server: sorry === undefined ? null : { address: endpointKey(sorry), state: state.sorry },
    real_servers: config.real_server.map((real) => realServer(server, real, reported, sources)),
    healed: sources.healed,
    last_healed: sources.lastHealed,
  };
}

function realServer(
  server: VirtualServer,
  config: RealServerConfig,
  reported: Reported,
  { checks, time }: Sources,
): RealServerStatus {
  const { name, services } = server;
  const state = server.state.realServers[config.name]!;
  const { drain } = state;
  const found = namesOf(name, config).flatMap((check) => checks.get(check) ?? []);
  const connections = connectionsOf(config, reported);
  const until = drain?.state === "draining" ? drain.deadlineMs : null;
  return {
    name: config.name,
    address: endpointKey(config),
    forward: config.forward.method,
    state: phaseOf(state),
    since: time(state.sinceMs),
    reason: drain === null ? latest(found) ?? state.reason : state.reason,
    healthy: isUp(state),
    checks: found,
    weight: weightIn(services, config),
    full_weight: fullWeight(config, state),
    configured_weight: config.weight,
    operator_weight: state.weight,
    drain_until: until === null ? null : time(until),
    active_connections: connections.active,
    inactive_connections: connections.inactive,
    persistent_connections: connections.persistent,
    traffic: trafficOf(connections.traffic),
  };
}

/** What decides: the first check that fails, else the first of all. */
function latest(checks: readonly CheckStatus[]): string | undefined {
  return (checks.find(({ state }) => state === "down") ?? checks[0])?.reason;
}

/** All services of a virtual server have the same real servers. */
function weightIn([service]: readonly Service[], { address, port }: RealServerConfig): number | null {
  const found = service?.destinations.find((one) =>
    one.address === address && (port === 0 || one.port === port)
  );
  return found?.weight ?? null;
}

function trafficOf(traffic: Traffic | null): TrafficStatus | null {
  return traffic && {
    connections: traffic.connections,
    packets_in: traffic.packetsIn,
    packets_out: traffic.packetsOut,
    bytes_in: traffic.bytesIn,
    bytes_out: traffic.bytesOut,
  };
}
