/** The virtual servers of this host: checks, operators and virtual routers move them, engines follow. */
import type { Host } from "../../checks/check.ts";
import { monotonicMs } from "../../ffi/clock.ts";
import type { RealServerOrder, RealServerOrderResult } from "../api/context.ts";
import { Balancer, type EngineMemories, type Passenger, type Wish } from "../balance/balancer.ts";
import { remaining, reportedOf } from "../balance/connections.ts";
import type { EngineName } from "../balance/engines.ts";
import { endpointKey, type Service, serviceKey } from "../balance/model.ts";
import type { Arrival, Effect } from "../balance/server.ts";
import { isUp, type State } from "../balance/state.ts";
import { type VirtualServer, VirtualServers } from "../balance/virtual_servers.ts";
import { defaultScheduler, lackingHere } from "../config/engine_features.ts";
import type { Config } from "../config/schema.ts";
import type { RealServerConfig } from "../config/virtual_server.ts";
import { fingerprint } from "../fingerprint.ts";
import type { Memory } from "../health/monitor.ts";
import { logger } from "../log.ts";
import type { RouterState } from "../snapshot.ts";
import { RealServerChecks } from "./balancing/checks.ts";
import { EngineNews } from "./balancing/engine_news.ts";
import { Operator } from "./balancing/operator.ts";
import { type ServerReport, statusOf } from "./balancing/status.ts";
import { syncDaemonOf } from "./balancing/sync.ts";
import { type Audience, Teller } from "./balancing/teller.ts";
import type { StandingOrders } from "./standing_orders.ts";

/** A virtual router does not wait longer for an engine that takes its time. */
const PREPARED_MS = 3_000;
/** How often the connections of what is drained are counted. */
const DRAIN_LOOK_MS = 1_000;
/** How old the counters of the status may be. */
const STATUS_AGE_MS = 1_000;
/** Where nothing carries a virtual server, it is looked again so often: somebody may load a module. */
const CHOOSE_AGAIN_MS = 10_000;

/** Less than this is no clock that was set. */
const CLOCK_SET_MS = 500;

const log = logger("balance");

/** What a running vipd leaves to the next image of the program. */
export interface BalancingEstate {
  readonly states: Readonly<Record<string, State>>;
  readonly checks: Readonly<Record<string, Memory>>;
  readonly engines: EngineMemories;
  readonly routers: Readonly<Record<string, RouterState>>;
  /** What `engine = "auto"` has come to; null: nothing. */
  readonly automatic: EngineName | null;
}

export interface BalancingOptions extends Audience {
  readonly config: Config;
  readonly host: Host;
  readonly inherited: BalancingEstate | null;
  /** What operators have ordered to last. */
  readonly orders: StandingOrders;
}

export class Balancing {
  readonly #balancer: Balancer;
  readonly #servers: VirtualServers;
  readonly #checks: RealServerChecks;
  readonly #operator: Operator;
  readonly #teller: Teller;
  readonly #news = new EngineNews();
  readonly #routers: Map<string, RouterState>;
  /** Engines know what is unchanged by its being the same object. */
  readonly #rescheduled = new WeakMap<readonly Service[], readonly Service[]>();
  #config: Config;
  #drainTimer: number | undefined;
  #chooseTimer: number | undefined;
  /** Whose programs shall run at the end. */
  #leaving: readonly VirtualServer[] = [];
  #isSuspended = false;
  #offsetMs = 0;
  /** What the sync daemon was told last. */
  #synced = fingerprint(null);

  constructor({ config, host, inherited, orders, publish, notify }: BalancingOptions) {
    this.#config = config;
    this.#balancer = new Balancer({
      automatic: inherited?.automatic ?? null,
      context: {
        config: () => this.#config,
        note: (level, message) => log[level]("note {message}", { message }),
      },
      applied: (engine, applied) => this.#news.hear(engine, applied),
      inherited: inherited?.engines ?? {},
    });
    this.#routers = new Map(Object.entries(inherited?.routers ?? {}));
    this.#servers = new VirtualServers({
      nowMs: monotonicMs,
      changed: () => this.#want(),
      effect: (name, effect) => this.#hearEffect(name, effect),
      inherited: inherited?.states ?? {},
    });
    this.#checks = new RealServerChecks({
      host,
      inherited: inherited?.checks ?? {},
      event: (name, event) => this.#servers.dispatch(name, event),
    });
    this.#teller = new Teller({ publish, notify });
    this.#operator = new Operator(orders, (name, event) => this.#servers.dispatch(name, event));
  }

  /**
   * Makes these the virtual servers. Resolves when their services are there, or when an engine has failed or
   * takes too long: a virtual router that becomes ACTIVE shall find them.
   */
  async configure(config: Config): Promise<void> {
    this.#config = config;
    const { virtual_server } = config;
    this.#checks.configure(virtual_server, (name, server) => this.#isUp(name, server));
    this.#servers.configure(virtual_server, (name, server): Arrival => ({
      checks: this.#checks.views(name, server),
      ...this.#operator.standing(name, server.name),
    }));
    this.#followRouters();
    this.#checks.start();
    await this.#choose();
    if (this.#isSuspended) return; // It is stopping.
    await within(PREPARED_MS, this.#balancer.want(this.#wishes()));
    this.#goOn();
  }

  /** A virtual router has another state. */
  hearRouter(name: string, state: RouterState): void {
    this.#routers.set(name, state);
    this.#followRouters();
  }

  order(virtualServer: string, realServer: string, order: RealServerOrder): RealServerOrderResult {
    const server = this.#servers.get(virtualServer);
    if (server === undefined) {
      return { ok: false, kind: "not_found", message: `there is no virtual server ${virtualServer}` };
    }
    const result = this.#operator.carryOut(server, realServer, order);
    this.#watchDrains();
    return result;
  }

  async status(): Promise<ServerReport[]> {
    const servers = this.#servers.all();
    if (servers.length === 0) return [];
    const reports = await this.#balancer.reports(STATUS_AGE_MS);
    const checks = this.#checks.status();
    const keys = new Set(keysOf(servers));
    const offsetMs = this.#clockOffset();
    return servers.map((server) => {
      const carrier = this.#balancer.carrier(server.name);
      const own = keysOf([server]);
      return statusOf(server, {
        carrier,
        problem: "engine" in carrier ? this.#news.problem(carrier.engine, own, keys) : null,
        advice: "engine" in carrier ? this.#news.advice(carrier.engine) : [],
        healed: "engine" in carrier ? this.#news.healed(carrier.engine, own, keys) : 0,
        lastHealed: "engine" in carrier ? this.#news.lastHealed(carrier.engine, own, keys) : null,
        isChecking: this.#isActive(server.config.virtual_router),
        checks,
        reports,
        time: (atMs) => new Date(atMs + offsetMs).toISOString(),
      });
    });
  }

  /** What has to end before the program can be replaced; undefined: nothing. */
  get busy(): string | undefined {
    const { recovering } = this.#checks;
    return recovering === undefined ? undefined : `check ${recovering} is recovering its service`;
  }

  /** Ends what runs, and leaves everything in the engines as it is. `resume` goes on from there. */
  async suspend(): Promise<void> {
    this.#isSuspended = true;
    this.#endTimers();
    await this.#checks.suspend();
    await this.#balancer.stop(true);
  }

  resume(): void {
    this.#isSuspended = false;
    this.#checks.start();
    this.#want();
    this.#goOn();
  }

  estate(): BalancingEstate {
    return {
      states: this.#servers.states(),
      checks: this.#checks.memories(),
      engines: this.#balancer.memories,
      routers: Object.fromEntries(this.#routers),
      automatic: this.#balancer.automatic,
    };
  }

  /** To be called while the virtual routers are what they are, and `stop` when they have let go. */
  prepareStop(): void {
    const isServing = ({ config }: VirtualServer): boolean => this.#isActive(config.virtual_router);
    this.#leaving = this.#servers.all().filter((server) => server.config.omega && isServing(server));
  }

  /** To be called when no virtual router is ACTIVE here any more: what still comes in is lost. */
  async stop(): Promise<void> {
    this.#isSuspended = true;
    this.#endTimers();
    for (const { name } of this.#leaving) {
      const server = this.#servers.get(name);
      if (server !== undefined) this.#teller.farewell(server);
    }
    this.#servers.stop();
    const isSynced = this.#synced !== fingerprint(null);
    if (isSynced) await this.#balancer.sync(null);
    await Promise.all([
      this.#checks.stop(),
      this.#balancer.stop(!this.#config.balance.flush_on_stop),
    ]);
  }

  /** From the monotonic clock to that on the wall: a moment is always told alike, unless it was set. */
  #clockOffset(): number {
    const offsetMs = Date.now() - monotonicMs();
    if (Math.abs(offsetMs - this.#offsetMs) > CLOCK_SET_MS) this.#offsetMs = offsetMs;
    return this.#offsetMs;
  }

  /** After a pause, a start or a reload. */
  #goOn(): void {
    this.#followRouters(true);
    this.#watchDrains();
    this.#lookForEngines();
  }

  #want(): void {
    if (!this.#isSuspended) void this.#balancer.want(this.#wishes());
  }

  #wishes(): Wish[] {
    return this.#servers.all().map(({ name, config, services }): Wish => {
      const carrier = this.#balancer.carrier(name);
      const isOpen = config.scheduler_is_default && "engine" in carrier;
      const scheduled = isOpen ? this.#scheduled(services, defaultScheduler(carrier.engine)) : services;
      return { virtualServer: name, engine: config.engine, services: scheduled };
    });
  }

  /** Who names no scheduler takes the default of the engine that it has come to. */
  #scheduled(services: readonly Service[], scheduler: string): readonly Service[] {
    if (services.every((service) => service.scheduler === scheduler)) return services;
    const known = this.#rescheduled.get(services);
    if (known?.[0]?.scheduler === scheduler) return known;
    const now = services.map((service) => ({ ...service, scheduler }));
    this.#rescheduled.set(services, now);
    return now;
  }

  /** A real server is who it was if its address and port are the same, whatever it is called. */
  #isUp(virtualServer: string, server: RealServerConfig): boolean | undefined {
    const known = this.#servers.get(virtualServer);
    const same = known?.config.real_server.find((one) => endpointKey(one) === endpointKey(server));
    return known === undefined || same === undefined ? undefined : isUp(known.state.realServers[same.name]!);
  }

  #followRouters(again = false): void {
    if (this.#isSuspended) return;
    this.#checks.pause((router) => this.#isActive(router));
    const daemon = syncDaemonOf(this.#config.balance, this.#routers);
    const wanted = fingerprint(daemon);
    if (wanted === this.#synced && (!again || daemon === null)) return;
    this.#synced = wanted;
    void this.#balancer.sync(daemon);
  }

  #isActive(router: string | undefined): boolean {
    return router === undefined || this.#routers.get(router) === "ACTIVE";
  }

  #hearEffect(name: string, effect: Effect): void {
    const server = this.#servers.get(name);
    if (server === undefined) return;
    this.#teller.tell(server, effect, this.#isActive(server.config.virtual_router));
    if (effect.type === "phase" && effect.to === "drained") {
      this.#operator.noteDrained(name, effect.realServer);
    }
  }

  #watchDrains(): void {
    clearTimeout(this.#drainTimer);
    if (this.#draining().length === 0) return;
    this.#drainTimer = setTimeout(() => void this.#countDrains(), DRAIN_LOOK_MS);
  }

  async #countDrains(): Promise<void> {
    const reports = await this.#balancer.reports(DRAIN_LOOK_MS / 2);
    if (this.#isSuspended) return;
    for (const { name, config, services, draining } of this.#draining()) {
      const reported = reportedOf(services, reports);
      const counts = draining.map((server) => [server.name, remaining(config, server, reported)]);
      this.#servers.dispatch(name, { type: "connections", counts: Object.fromEntries(counts) });
    }
    this.#watchDrains();
  }

  #draining(): (VirtualServer & { readonly draining: readonly RealServerConfig[] })[] {
    return this.#servers.all().map((server) => ({
      ...server,
      draining: server.config.real_server.filter(({ name }) =>
        server.state.realServers[name]?.drain?.state === "draining"
      ),
    })).filter(({ draining }) => draining.length > 0);
  }

  async #choose(): Promise<void> {
    const servers = Object.entries(this.#config.virtual_server);
    await this.#balancer.choose(servers.map(([virtualServer, config]): Passenger => ({
      virtualServer,
      engine: config.engine,
      cannot: (engine) => lackingHere(config, engine).map(({ message }) => message).join("; ") || null,
    })));
  }

  #lookForEngines(): void {
    clearTimeout(this.#chooseTimer);
    const carriers = this.#servers.all().map(({ name }) => [name, this.#balancer.carrier(name)] as const);
    const homeless = new Map(
      carriers.flatMap(([name, carrier]) => "problem" in carrier ? [[name, carrier.problem]] : []),
    );
    this.#news.hearHomeless(homeless);
    if (homeless.size > 0) this.#chooseTimer = setTimeout(() => void this.#chooseAgain(), CHOOSE_AGAIN_MS);
  }

  async #chooseAgain(): Promise<void> {
    await this.#choose();
    if (this.#isSuspended) return;
    this.#want();
    this.#lookForEngines();
  }

  #endTimers(): void {
    clearTimeout(this.#drainTimer);
    clearTimeout(this.#chooseTimer);
  }
}

function keysOf(servers: readonly VirtualServer[]): string[] {
  return servers.flatMap(({ services }) => services.map(({ match }) => serviceKey(match)));
}

async function within(ms: number, done: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([done, promise]);
  clearTimeout(timer);
}
