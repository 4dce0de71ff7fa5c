/** Virtual servers for the tests of the engine haproxy. */
import type { RealServerConfig, VirtualServerConfig } from "../../../mod/config/virtual_server.ts";
import { type Destination, endpointKey } from "../../../mod/balance/model.ts";
import { pathsIn, type Surroundings } from "../../../mod/balance/haproxy/text.ts";
import { realServer, virtualServer as defaultServer } from "../settings.ts";

/** `192.0.2.21:80` and so on, named by its address unless said otherwise. */
export function real(address: string, port: number, more: Partial<RealServerConfig> = {}): RealServerConfig {
  return realServer(endpointKey({ address, port }), { address, port, ...more });
}

export function virtualServer(
  addresses: readonly (readonly [address: string, port: number])[],
  real_server: readonly RealServerConfig[],
  more: Partial<VirtualServerConfig> = {},
): VirtualServerConfig {
  return defaultServer({
    addresses: addresses.map(([address, port]) => ({
      kind: "address",
      family: address.includes(":") ? 6 : 4,
      address,
      port,
    })),
    engine: "haproxy",
    scheduler: "wrr",
    scheduler_is_default: false,
    real_server,
    ...more,
  });
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
