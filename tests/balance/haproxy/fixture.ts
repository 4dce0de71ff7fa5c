/** Virtual servers for the tests of the engine haproxy. */
import type { RealServerConfig, VirtualServerConfig } from "../../../mod/config/virtual_server.ts";
import type { Destination } from "../../../mod/balance/model.ts";
import { pathsIn, type Surroundings } from "../../../mod/balance/haproxy/text.ts";

const nat = { method: "nat" } as const;

/** `192.0.2.21:80` and so on, named by its address unless said otherwise. */
export function real(address: string, port: number, more: Partial<RealServerConfig> = {}): RealServerConfig {
  return {
    name: address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`,
    address,
    port,
    weight: 1,
    forward: nat,
    upper_threshold: 0,
    lower_threshold: 0,
    on_failure: "remove",
    initial: "up",
    slow_start: 0,
    check: [],
    ...more,
  };
}

export function virtualServer(
  addresses: readonly (readonly [address: string, port: number])[],
  real_server: readonly RealServerConfig[],
  more: Partial<VirtualServerConfig> = {},
): VirtualServerConfig {
  return {
    addresses: addresses.map(([address, port]) => ({
      kind: "address",
      family: address.includes(":") ? 6 : 4,
      address,
      port,
    })),
    protocol: "tcp",
    engine: "haproxy",
    mode: "tcp",
    scheduler: "wrr",
    scheduler_is_default: false,
    flags: [],
    one_packet: false,
    persistence: null,
    quorum: 1,
    hysteresis: 0,
    omega: false,
    drain_timeout: 0,
    options: {},
    notify: { timeout: 30_000 },
    real_server,
    ...more,
  };
}

/** The servers of a configuration as the core gives them to an engine; weights by name where they differ. */
export function destinations(
  { real_server }: VirtualServerConfig,
  weights: Readonly<Record<string, number>> = {},
): Destination[] {
  return real_server.map(({ name, address, port, weight, forward, upper_threshold, lower_threshold }) => ({
    address,
    port,
    weight: weights[name] ?? weight,
    forward,
    upperThreshold: upper_threshold,
    lowerThreshold: lower_threshold,
  }));
}

export const surroundings: Surroundings = {
  paths: pathsIn("/run/vipd/haproxy"),
  user: { uid: 105, gid: 115 },
  global: [],
  defaults: [],
  stamp: "",
};
