/** Runs the virtual servers: events go in, the services that follow from them come out. */
import type { RealServerConfig, VirtualServerConfig } from "../config/virtual_server.ts";
import type { Wish } from "./balancer.ts";
import { destinationsOf } from "./destinations.ts";
import { fingerprint } from "../fingerprint.ts";
import type { Destination, Service } from "./model.ts";
import { type Arrival, begin, type Effect, type Event, reconfigure, step } from "./server.ts";
import { servicesOf } from "./services.ts";
import { deadlineMs, type State } from "./state.ts";

/** Timers do not reach further (2^31 - 1 ms). */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

export interface VirtualServer {
  readonly name: string;
  readonly config: VirtualServerConfig;
  readonly state: State;
  /** What follows from the two, as do the rest. */
  readonly destinations: readonly Destination[];
  readonly services: readonly Service[];
  readonly deadlineMs: number;
}

export interface VirtualServersOptions {
  /** Monotonic. */
  nowMs(): number;
  /** The services of at least one of them are others now. */
  changed(): void;
  /** After the services are what they have to be. */
  effect(virtualServer: string, effect: Effect): void;
  /** What the image of the program before this one knew, by name. */
  readonly inherited?: Readonly<Record<string, State>>;
}

export class VirtualServers {
  readonly #options: VirtualServersOptions;
  #servers = new Map<string, VirtualServer>();
  #inherited: Readonly<Record<string, State>>;
  #timer: number | undefined;

  constructor(options: VirtualServersOptions) {
    this.#options = options;
    this.#inherited = options.inherited ?? {};
  }

  get(name: string): VirtualServer | undefined {
    return this.#servers.get(name);
  }

  /** In the order of the configuration. */
  all(): VirtualServer[] {
    return [...this.#servers.values()];
  }

  /** What `changed` is about. */
  wishes(): Wish[] {
    return this.all().map(({ name, config, services }) => ({
      virtualServer: name,
      engine: config.engine,
      services,
    }));
  }

  /** For the next image of the program. */
  states(): Record<string, State> {
    return Object.fromEntries(this.all().map(({ name, state }) => [name, state]));
  }

  /** Makes these the virtual servers; those that are known go on as they are. */
  configure(
    configs: Readonly<Record<string, VirtualServerConfig>>,
    arrival: (virtualServer: string, realServer: RealServerConfig) => Arrival,
  ): void {
    const before = this.#servers;
    const effects: [string, Effect][] = [];
    const servers = Object.entries(configs).map(([name, config]): [string, VirtualServer] => {
      const arrivals = (server: RealServerConfig): Arrival => arrival(name, server);
      const known = before.get(name) ?? this.#recall(name, config);
      if (known === undefined) return [name, withServices(name, config, this.#begin(config, arrivals))];
      const step = reconfigure(known, config, arrivals, this.#options.nowMs());
      effects.push(...step.effects.map((effect): [string, Effect] => [name, effect]));
      return [name, withServices(name, config, step.state)];
    });
    this.#inherited = {};
    this.#servers = new Map(servers);
    this.#options.changed();
    for (const [name, effect] of effects) this.#options.effect(name, effect);
    this.#arm();
  }

  /** What happens to a virtual server that is not there any more changes nothing. */
  dispatch(name: string, event: Event): void {
    this.#step(name, event);
    this.#arm();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#servers = new Map();
  }

  #begin(config: VirtualServerConfig, arrivals: (server: RealServerConfig) => Arrival): State {
    return begin(config, arrivals, this.#options.nowMs());
  }

  /** Only what fits this configuration: after an upgrade the file may be another one. */
  #recall(name: string, config: VirtualServerConfig): VirtualServer | undefined {
    const state = this.#inherited[name];
    if (state === undefined) return undefined;
    const isWhole = config.real_server.every(({ name, check }) =>
      state.realServers[name]?.checks.length === check.length
    );
    return isWhole ? withServices(name, config, state) : undefined;
  }

  #step(name: string, event: Event): void {
    const before = this.#servers.get(name);
    if (before === undefined) return;
    const { state, effects } = step(before.config, before.state, event, this.#options.nowMs());
    const after = advance(before, state);
    this.#servers.set(name, after);
    if (before.services !== after.services) this.#options.changed();
    for (const effect of effects) this.#options.effect(name, effect);
  }

  /** The only timer: armed from the states. */
  #arm(): void {
    clearTimeout(this.#timer);
    const first = this.all().reduce((first, { deadlineMs }) => Math.min(first, deadlineMs), Infinity);
    const waitMs = first - this.#options.nowMs();
    if (waitMs === Infinity) return;
    this.#timer = setTimeout(() => this.#expire(), Math.min(Math.max(0, Math.ceil(waitMs)), LONGEST_WAIT_MS));
  }

  #expire(): void {
    const nowMs = this.#options.nowMs();
    for (const { name, deadlineMs } of this.all()) {
      if (deadlineMs <= nowMs) this.#step(name, { type: "deadline" });
    }
    this.#arm();
  }
}

function withServices(name: string, config: VirtualServerConfig, state: State): VirtualServer {
  const destinations = destinationsOf(config, state);
  const services = servicesOf(config, destinations);
  return { name, config, state, destinations, services, deadlineMs: deadlineMs(state) };
}

/** With the very same services where the state makes no difference to them: there may be many. */
function advance({ name, config, destinations, services }: VirtualServer, state: State): VirtualServer {
  const isSame = fingerprint(destinations) === fingerprint(destinationsOf(config, state));
  if (!isSame) return withServices(name, config, state);
  return { name, config, state, destinations, services, deadlineMs: deadlineMs(state) };
}
