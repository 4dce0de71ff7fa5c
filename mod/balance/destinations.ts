/** Where the state of a virtual server sends connections to: its destinations with their weights. PURE. */
import type { RealServerConfig, SorryServerConfig, VirtualServerConfig } from "../config/virtual_server.ts";
import { rampedWeight } from "./arithmetic.ts";
import type { Destination } from "./model.ts";
import { fullWeight, isUp, type RealServerState, type State } from "./state.ts";

/** In the order of the configuration; the first of two that are the same endpoint is the one that counts. */
export function destinationsOf(config: VirtualServerConfig, state: State): Destination[] {
  const servers = config.real_server.flatMap((server) => {
    const weight = weightOf(server, state.realServers[server.name]!, state.sorry === "in");
    return weight === null ? [] : [destination(server, weight)];
  });
  const { sorry_server } = config;
  if (sorry_server === undefined || state.sorry === "out") return servers;
  // A real server may be the sorry server too: then it is what it has to be now.
  return state.sorry === "in" ? [sorry(sorry_server, 1), ...servers] : [...servers, sorry(sorry_server, 0)];
}

/** Null: not in the service at all. */
function weightOf(config: RealServerConfig, server: RealServerState, isSorry: boolean): number | null {
  const { drain, ramp } = server;
  if (drain?.state === "drained") return null;
  const absent = config.on_failure === "quiesce" ? 0 : null;
  if (!isUp(server)) return absent;
  // Its connections go on, whoever gets the new ones.
  if (drain !== null) return 0;
  if (isSorry) return absent;
  const weight = fullWeight(config, server);
  return ramp === null ? weight : rampedWeight(weight, ramp.step);
}

function destination(server: RealServerConfig, weight: number): Destination {
  const { address, port, forward, upper_threshold, lower_threshold } = server;
  return { address, port, weight, forward, upperThreshold: upper_threshold, lowerThreshold: lower_threshold };
}

function sorry({ address, port, forward }: SorryServerConfig, weight: number): Destination {
  return { address, port, weight, forward, upperThreshold: 0, lowerThreshold: 0 };
}
