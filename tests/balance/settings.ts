/** Virtual servers and real servers for tests: what the configuration's defaults give, with some keys set. */
import type { VirtualServerConfig } from "../../mod/config/virtual_server.ts";

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
