/** The checks of real servers: which runs where, what they say, and when they pause. */
import type { Host } from "../../../checks/check.ts";
import type { Event } from "../../balance/server.ts";
import type { CheckView } from "../../balance/state.ts";
import type { Config } from "../../config/schema.ts";
import type { RealServerConfig, VirtualServerConfig } from "../../config/virtual_server.ts";
import { type Memory, Monitor, type MonitoredCheck } from "../../health/monitor.ts";
import { fingerprint } from "../../fingerprint.ts";
import { logger } from "../../log.ts";
import type { CheckStatus } from "../../snapshot.ts";

const log = logger("check");

/** Whose check it is, and which of them. */
interface Place {
  readonly virtualServer: string;
  readonly realServer: string;
  readonly index: number;
}

/** An event of a check without its place. */
type News =
  | { readonly type: "check"; readonly isUp: boolean; readonly reason: string }
  | { readonly type: "checkWeight"; readonly weight: number | null };

export interface RealServerChecksOptions {
  readonly host: Host;
  readonly inherited: Readonly<Record<string, Memory>>;
  event(virtualServer: string, event: Event): void;
}

export class RealServerChecks {
  readonly #monitor: Monitor;
  #places: ReadonlyMap<string, Place> = new Map();
  /** What each check of a server was at first: a reload does not change it afterwards. */
  #initial: ReadonlyMap<string, "up" | "down"> = new Map();
  #views: ReadonlyMap<string, CheckView> = new Map();
  #virtualServers: Config["virtual_server"] = {};

  constructor({ host, inherited, event }: RealServerChecksOptions) {
    this.#monitor = new Monitor({
      host,
      inherited,
      onChange: ({ name, from, to, reason }) => {
        log.debug("change {name} {from} -> {to}", { name, from, to, reason });
        this.#tell(name, event, { type: "check", isUp: to === "up", reason });
      },
      onWeight: (name, weight) => this.#tell(name, event, { type: "checkWeight", weight: weight ?? null }),
      onNote: (name, message) => log.info("note {name}: {message}", { name, message }),
    });
  }

  /** `isUp`: what is known of a real server so far, which a check that is new to it does not change. */
  configure(
    virtualServers: Config["virtual_server"],
    isUp: (virtualServer: string, realServer: RealServerConfig) => boolean | undefined,
  ): void {
    this.#virtualServers = virtualServers;
    const checks: [string, MonitoredCheck][] = [];
    const places = new Map<string, Place>();
    const initial = new Map<string, "up" | "down">();
    for (const [virtualServer, config] of Object.entries(virtualServers)) {
      for (const server of config.real_server) {
        const known = isUp(virtualServer, server);
        for (const [index, check] of server.check.entries()) {
          const name = nameOf(virtualServer, server, index);
          places.set(name, { virtualServer, realServer: server.name, index });
          const target = { address: server.address, port: targetPort(config, server) };
          const key = `${name} ${fingerprint(target)}`;
          const state = this.#initial.get(key) ?? initialOf(server, check.initial, known);
          initial.set(key, state);
          checks.push([name, { ...check, initial: state, target }]);
        }
      }
    }
    this.#places = places;
    this.#initial = initial;
    this.#monitor.configure(Object.fromEntries(checks));
    this.#views = new Map(this.#monitor.status().map((status) => [status.name, viewOf(status)]));
  }

  /** What the checks of a real server said when they were configured. */
  views(virtualServer: string, server: RealServerConfig): CheckView[] {
    return server.check.map((_, index) => this.#views.get(nameOf(virtualServer, server, index))!);
  }

  /** Those of a virtual server whose virtual router is not ACTIVE here make no look. */
  pause(isActive: (virtualRouter: string) => boolean): void {
    const paused = Object.entries(this.#virtualServers)
      .filter(([, { virtual_router }]) => virtual_router !== undefined && !isActive(virtual_router))
      .flatMap(([name, config]) => config.real_server.flatMap((server) => namesOf(name, server)));
    this.#monitor.pauseOnly(paused);
  }

  /** By name, for the status. */
  status(): ReadonlyMap<string, CheckStatus> {
    return new Map(this.#monitor.status().map((status) => [status.name, status]));
  }

  start(): void {
    this.#monitor.start();
  }

  suspend(): Promise<void> {
    return this.#monitor.suspend();
  }

  get recovering(): string | undefined {
    return this.#monitor.recovering;
  }

  memories(): Record<string, Memory> {
    return this.#monitor.memories();
  }

  stop(): Promise<void> {
    return this.#monitor.stop();
  }

  #tell(name: string, tell: RealServerChecksOptions["event"], news: News): void {
    const place = this.#places.get(name);
    if (place === undefined) return;
    const { virtualServer, ...where } = place;
    tell(virtualServer, { ...where, ...news });
  }
}

/** Names of the checks of a real server: its own, with a number where it has several. */
export function namesOf(virtualServer: string, server: RealServerConfig): string[] {
  return server.check.map((_, index) => nameOf(virtualServer, server, index));
}

function nameOf(virtualServer: string, { name, check }: RealServerConfig, index: number): string {
  return `${virtualServer}/${name}${check.length > 1 ? `#${index + 1}` : ""}`;
}

function initialOf(
  server: RealServerConfig,
  initial: "unknown" | "up" | "down",
  known: boolean | undefined,
): "up" | "down" {
  if (known !== undefined) return known ? "up" : "down";
  return initial === "unknown" ? server.initial : initial;
}

/** One without a port of its own is asked at the port of the first service that has one. */
function targetPort({ addresses }: VirtualServerConfig, { port }: RealServerConfig): number {
  if (port !== 0) return port;
  return addresses.map((one) => one.kind === "address" ? one.port : 0).find((port) => port !== 0) ?? 0;
}

function viewOf({ state, weight, reason }: CheckStatus): CheckView {
  return { isUp: state === "up", weight: weight ?? null, reason };
}
