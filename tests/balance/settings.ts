/** Virtual servers and real servers for tests: what the configuration's defaults give, with some keys set. */
import type { RealServerConfig, VirtualServerConfig } from "../../mod/config/virtual_server.ts";

export function virtualServer(settings: Partial<VirtualServerConfig>): VirtualServerConfig {
  return {
    addresses: [{ kind: "address", family: 4, address: "192.0.2.10", port: 80 }],
    protocol: "tcp",
    engine: "auto",
    mode: "tcp",
    options: {},
    scheduler: "wlc",
    scheduler_is_default: true,
    flags: [],
    one_packet: false,
    persistence: null,
    quorum: 1,
    hysteresis: 0,
    omega: false,
    drain_timeout: 0,
    notify: { timeout: 30_000 },
    real_server: [],
    ...settings,
  };
}

/** `realServer("10.0.0.1:80")` is called by its address. */
export function realServer(name: string, settings: Partial<RealServerConfig> = {}): RealServerConfig {
  const [address = "", port = "0"] = name.split(":");
  return {
    name,
    address,
    port: Number(port),
    weight: 1,
    forward: { method: "nat" },
    upper_threshold: 0,
    lower_threshold: 0,
    on_failure: "remove",
    initial: "up",
    slow_start: 0,
    check: [],
    ...settings,
  };
}
