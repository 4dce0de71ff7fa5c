/** Services for tests of IPVS, and an engine on a made-up kernel. */
import type { EngineContext } from "../../../mod/balance/engines.ts";
import { IpvsEngine, type IpvsMemory } from "../../../mod/balance/ipvs/engine.ts";
import type { Destination, Forward, Service } from "../../../mod/balance/model.ts";
import type { BalanceConfig } from "../../../mod/config/balance.ts";
import type { Parameters } from "../../../mod/kernel/sysctl.ts";
import { FakeIpvs } from "../../ffi/ipvs_fake.ts";

export const NAT: Forward = { method: "nat" };
export const DR: Forward = { method: "dr" };

/** `192.0.2.21:80`, or `2001:db8::21:80` in brackets. */
export function destination(endpoint: string, settings: Partial<Destination> = {}): Destination {
  const [, address = "", port] = /^\[?(.*?)\]?:(\d+)$/.exec(endpoint) ?? [];
  const thresholds = { upperThreshold: 0, lowerThreshold: 0 };
  return { address, port: Number(port), weight: 1, forward: NAT, ...thresholds, ...settings };
}

/** A service at 192.0.2.10, or as set, with these destinations at port 80. */
export function service(
  destinations: readonly (string | Destination)[],
  settings: Partial<Service> = {},
): Service {
  return {
    match: { kind: "address", family: 4, protocol: "tcp", address: "192.0.2.10", port: 80 },
    scheduler: "rr",
    flags: [],
    onePacket: false,
    persistence: null,
    destinations: destinations.map((one) => typeof one === "string" ? destination(`${one}:80`) : one),
    ...settings,
  };
}

/** The same at another port. */
export function at(port: number, destinations: readonly (string | Destination)[] = ["192.0.2.21"]): Service {
  return service(destinations, {
    match: { kind: "address", family: 4, protocol: "tcp", address: "192.0.2.10", port },
  });
}

/** `/proc/sys` of a table. */
export function parameters(values: Record<string, string>): Parameters {
  return {
    read: (path) => values[path] ?? null,
    write(path, value): null {
      if (path in values) values[path] = value;
      return null;
    },
  };
}

/** All that a director needs, as it should be. */
export function tunedParameters(): Record<string, string> {
  return {
    "net/ipv4/vs/expire_nodest_conn": "1",
    "net/ipv4/vs/expire_quiescent_template": "1",
    "net/ipv4/vs/conn_reuse_mode": "3",
    "net/ipv4/ip_forward": "1",
    "net/ipv4/conf/all/send_redirects": "0",
    "net/ipv4/conf/eth0/send_redirects": "0",
    "net/ipv6/conf/all/forwarding": "1",
    "net/ipv6/conf/eth0/accept_ra": "2",
  };
}

export interface Lab {
  readonly kernel: FakeIpvs;
  readonly engine: IpvsEngine;
  readonly values: Record<string, string>;
  /** What the engine noted. */
  readonly notes: string[];
  /** What the engine did since this was asked last. */
  done(): string[];
  isClosed(): boolean;
}

export function lab(
  balance: Partial<BalanceConfig> = {},
  values = tunedParameters(),
  kernel = new FakeIpvs(),
  memory: IpvsMemory | undefined = undefined,
): Lab {
  const notes: string[] = [];
  let isClosed = false;
  let nowMs = 0;
  const defaults = { tune_kernel: false, flush: false, flush_on_stop: true };
  const context = {
    config: () => ({ balance: { ...defaults, ...balance } }),
    note: (level: string, message: string) => void notes.push(`${level} ${message}`),
  } as unknown as EngineContext;
  const { netlink: real } = kernel;
  // A socket of its own for each engine of the same kernel.
  const netlink = {
    portId: real.portId,
    overrun: false,
    request: real.request.bind(real),
    requestAll: real.requestAll.bind(real),
    receive: () => [],
    [Symbol.dispose]: () => void (isClosed = true),
  };
  const engine = new IpvsEngine(context, memory, {
    netlink,
    parameters: parameters(values),
    interfaces: () => ["eth0"],
    // Every look is one after a while.
    nowMs: () => nowMs += 60_000,
  });
  return {
    kernel,
    engine,
    values,
    notes,
    done: () => kernel.commands.splice(0),
    isClosed: () => isClosed,
  };
}
