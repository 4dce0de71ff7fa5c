/**
 * The daemon: checks, VRRP thread and API put together, and what happens to them on a reload and at the end.
 */
import { type ApiServer, createApi, type ReloadResult, serveApi, type UpgradeResult } from "./api/mod.ts";
import { lockCode, releaseCode, trimHeap } from "../ffi/sched.ts";
import type { Config, VirtualRouterConfig } from "./config/schema.ts";
import { StartError } from "./errors.ts";
import { LinuxHost } from "./health/host.ts";
import { Monitor } from "./health/monitor.ts";
import { configureLogging, logger } from "./log.ts";
import { Balancing } from "./daemon/balancing.ts";
import { DirectRoutings } from "./daemon/direct_routing.ts";
import { type Estate, takeEstate } from "./daemon/estate.ts";
import { Hearing, trackerOf } from "./daemon/hearing.ts";
import { Heartbeat } from "./daemon/heartbeat.ts";
import { load, type Loading } from "./daemon/loading.ts";
import { Notifying } from "./daemon/notifying.ts";
import { Operators } from "./daemon/operators.ts";
import { Reloading, warnOf } from "./daemon/reloading.ts";
import { StandingOrders } from "./daemon/standing_orders.ts";
import { Supervisor } from "./daemon/supervisor.ts";
import { hearMissedSignals, Upgrade } from "./daemon/upgrade.ts";
import { ReadModel } from "./read_model.ts";
import type { NodeStatus } from "./snapshot.ts";
import { sleep } from "./sleep.ts";
import { VERSION } from "./version.ts";
import type { GroupConfigs } from "./vrrp/groups.ts";
import { EngineHandle } from "./vrrp/handle.ts";

/** An orderly stop that takes longer than this is cut short: the leases end what is left. */
const STOP_TIMEOUT_MS = 10_000;
/** After an upgrade the peers stay as patient as in its pause for so long. */
const LANDING_MS = 1_000;
/** After so long the start is over, and with it the use of most code that it needed. */
const SETTLE_MS = 3_000;
/** sysexits(3) EX_SOFTWARE: the VRRP thread failed or stalled, the supervisor shall start anew. */
const EXIT_ENGINE = 70;

const log = logger("main");

export interface DaemonOptions {
  readonly configFile: string;
  readonly workerUrl: URL;
}

export class Daemon {
  /** Resolves with the exit code. */
  readonly ended: Promise<number>;
  readonly #options: DaemonOptions;
  readonly #end = Promise.withResolvers<number>();
  readonly #started = new Date().toISOString();
  readonly #hearing: Hearing;
  readonly #reloading: Reloading;
  readonly #host = new LinuxHost();
  readonly #monitor: Monitor;
  readonly #balancing: Balancing;
  readonly #notifying: Notifying;
  readonly #directRouting: DirectRoutings;
  readonly #engine: EngineHandle;
  readonly #model: ReadModel;
  readonly #flushLog: () => Promise<void>;
  readonly #supervisor = new Supervisor();
  readonly #estate: Estate | null;
  readonly #upgrader: Upgrade;
  readonly #operators: Operators;
  readonly #heartbeat: Heartbeat;
  readonly #orders: StandingOrders;
  #loading: Loading;
  #api: ApiServer | null = null;
  #stopping = false;
  /** Reloads and upgrades one after the other, in the order in which they were asked for. */
  #changes: Promise<unknown> = Promise.resolve();

  /**
   * Rejects with a ConfigError when the file cannot be used, with a StartError when the API cannot listen.
   */
  static async start(options: DaemonOptions): Promise<Daemon> {
    const estate = takeEstate();
    const daemon = new Daemon(options, await load(options.configFile), estate);
    hearMissedSignals(estate);
    await daemon.#begin();
    return daemon;
  }

  private constructor(options: DaemonOptions, loading: Loading, estate: Estate | null) {
    this.#options = options;
    this.#loading = loading;
    this.#estate = estate;
    this.ended = this.#end.promise;
    const { node, log: logging } = loading.config;
    this.#flushLog = configureLogging(logging);
    this.#orders = standingOrders(node.state_file);
    this.#hearing = this.#hear();
    this.#reloading = this.#reloads();
    this.#engine = new EngineHandle({
      workerUrl: options.workerUrl,
      realtime: node.realtime,
      startupDelayMs: estate === null ? node.startup_delay : 0, // For a host that boots.
    }, {
      event: (event) => this.#hearing.engine(event),
      failed: (message) => this.#engineFailed(message),
    });
    this.#monitor = new Monitor({
      host: this.#host,
      onChange: (change) => this.#hearing.check(change),
      onMeasure: (measure) => this.#hearing.measure(measure),
      onNote: (name, message) => this.#hearing.note(name, message),
      inherited: estate?.checks ?? {},
    });
    this.#balancing = new Balancing({
      config: loading.config,
      host: this.#host,
      inherited: estate?.balancing ?? null,
      orders: this.#orders,
      publish: (transition) => this.#hearing.publish(transition),
      notify: (news) => this.#notifying.hearServer(news),
    });
    this.#notifying = new Notifying({
      host: this.#host,
      inherited: estate?.notifying ?? null,
      snapshot: () => this.#model.snapshot(),
    });
    this.#hearing.subscribe((transition) => this.#notifying.hear(transition));
    this.#directRouting = new DirectRoutings(estate?.directRouting ?? null);
    this.#operators = new Operators({
      engine: this.#engine,
      orders: this.#orders,
      inherited: estate?.operators ?? null,
      config: () => this.#loading.config,
      tell: (...told) => this.#hearing.tell(...told),
    });
    this.#heartbeat = new Heartbeat({
      engine: this.#engine,
      operators: this.#operators,
      supervisor: this.#supervisor,
      failed: (message) => this.#engineFailed(message),
    });
    this.#upgrader = new Upgrade({
      operators: this.#operators,
      configFile: options.configFile,
      engine: this.#engine,
      monitor: this.#monitor,
      balancing: this.#balancing,
      notifying: this.#notifying,
      directRouting: this.#directRouting,
      supervisor: this.#supervisor,
      flushLog: this.#flushLog,
      isStopping: () => this.#stopping,
      failed: (reason) =>
        this.#hearing.tell("node", this.#loading.config.node.name, VERSION, VERSION, reason),
    });
    this.#model = this.#reads();
  }

  /** Hands over or resigns, lets go of everything, and ends with exit code 0. */
  async stop(reason: string): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    log.info("stopping reason={reason}", { reason });
    this.#supervisor.tell({ stopping: true });
    const timer = setTimeout(() => void this.#exit(1), STOP_TIMEOUT_MS);
    this.#directRouting.stop();
    this.#balancing.prepareStop();
    await this.#engine.stop(reason);
    await Promise.all([this.#monitor.stop(), this.#api?.stop(), this.#balancing.stop()]);
    clearTimeout(timer);
    await this.#notifying.stop();
    await this.#notifying.shutdown();
    await this.#exit(0);
  }

  /** Transactional: a file that cannot be used changes nothing. */
  reload(): Promise<ReloadResult> {
    const reload = this.#changes.then(() => this.#reloading.run());
    // One that fails is told to whoever asked for it, and is not in the way of the next.
    this.#changes = Promise.allSettled([reload]);
    return reload;
  }

  /**
   * Another program takes this one's place, in this process and without a failover. Resolves with whether it
   * will; whether it did is seen in who answers from then on.
   */
  upgrade(binary?: string): Promise<UpgradeResult> {
    const { promise, resolve } = Promise.withResolvers<UpgradeResult>();
    this.#changes = this.#changes.then(() => this.#upgrader.run(binary, resolve));
    return promise;
  }

  async #begin(): Promise<void> {
    const { config } = this.#loading;
    warnOf(this.#loading);
    this.#api = await this.#serve(config);
    this.#notifying.configure(config);
    if (this.#estate === null) await this.#notifying.startup();
    const begun = this.#apply(config, true);
    this.#changes = begun;
    await begun;
    this.#monitor.start();
    const failed = await Promise.race([this.#hearing.running, this.ended]);
    if (failed !== undefined) return;
    this.#heartbeat.start();
    log.info("ready {version} api={api}", { version: VERSION, api: this.#api.addresses.join(" ") });
    this.#supervisor.tell({ ready: true, status: this.#hearing.statusLine() });
    if (this.#estate !== null) setTimeout(() => this.#engine.goOn(), LANDING_MS);
    setTimeout(() => this.#settle(), SETTLE_MS);
  }

  /** Before anything takes part in VRRP: a daemon that nobody can ask shall not begin and then give up. */
  async #serve({ api }: Config): Promise<ApiServer> {
    const app = createApi({
      snapshot: () => this.#model.snapshot(),
      subscribe: (listener) => this.#hearing.subscribe(listener),
      reload: () => this.reload(),
      upgrade: (binary) => this.upgrade(binary),
      handOver: (...order) => this.#control(this.#operators.handOver(...order)),
      overrideRouter: (...order) => this.#control(this.#operators.override(...order)),
      beginMaintenance: (order) => this.#control(this.#operators.beginMaintenance(order)),
      endMaintenance: () => this.#control(this.#operators.endMaintenance()),
      orderRealServer: (...order) => {
        this.#model.invalidate();
        return this.#balancing.order(...order);
      },
      token: () => this.#loading.token,
      exporterNames: api.exporter_names,
    });
    try {
      return await serveApi(app, api.listen, logger("api"));
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      throw new StartError(error.message);
    }
  }

  /** The start is over: its code and its garbage may go, what runs from now on stays in memory. */
  #settle(): void {
    trimHeap();
    releaseCode();
    const unlocked = this.#loading.config.node.realtime ? lockCode() : null;
    if (unlocked !== null) log.warn("realtime code is not locked in memory: {unlocked}", { unlocked });
  }

  /** Checks and services first, so that a virtual router that is new finds what they know and serve. */
  async #apply(config: Config, isFirst = false): Promise<void> {
    this.#notifying.configure(config);
    this.#directRouting.configure(config.direct_routing);
    const prepared = this.#balancing.configure(config);
    // After an upgrade the services are there, and the peers wait.
    if (!isFirst || this.#estate === null) await prepared;
    if (this.#stopping) return;
    this.#monitor.configure(config.check);
    this.#engine.track(
      this.#monitor.status().map(trackerOf),
    );
    if (isFirst && this.#estate !== null) this.#engine.inherit(this.#estate.engine);
    this.#engine.configure(withoutHooks(config), groupsOf(config));
    this.#hearing.forgetOthers(config);
    this.#operators.forgetOthers();
  }

  /** What the operator has done is in the next snapshot. */
  async #control<T>(done: Promise<T>): Promise<T> {
    this.#model.invalidate();
    const result = await done;
    this.#model.invalidate();
    return result;
  }

  #node(): Omit<NodeStatus, "engine"> {
    const { config, at } = this.#loading;
    return {
      name: config.node.name,
      version: VERSION,
      pid: Deno.pid,
      started: this.#started,
      config_file: this.#options.configFile,
      config_loaded: at,
      last_reload_error: this.#reloading.error,
      state_file: { path: this.#orders.path, problem: this.#orders.problem },
      maintenance: this.#operators.maintenance(),
      last_upgrade: this.#upgrader.last,
      last_upgrade_error: this.#upgrader.error,
      realtime: this.#hearing.realtime,
    };
  }

  #reads(): ReadModel {
    return new ReadModel({
      report: () => this.#engine.report(),
      checks: () => this.#monitor.status(),
      virtualServers: () => this.#balancing.status(),
      directRouting: () => this.#directRouting.status(),
      hooks: (kind, name) => this.#notifying.hooksOf(kind, name),
      notify: () => this.#notifying.status(),
      node: () => this.#node(),
      now: () => Date.now(),
      sleep,
    });
  }

  #hear(): Hearing {
    return new Hearing({
      config: () => this.#loading.config,
      track: (trackers) => this.#engine.track(trackers),
      hearRouter: (name, state) => {
        this.#balancing.hearRouter(name, state);
        this.#operators.hearRouter(name, state);
      },
      news: (event) => this.#notifying.hearEngine(event),
      tookOver: (event) => this.#upgrader.tookOver(this.#estate!, event),
      invalidate: () => this.#model.invalidate(),
      moved: () => this.#supervisor.tellLater(() => ({ status: this.#hearing.statusLine() })),
    });
  }

  #reloads(): Reloading {
    const { configFile } = this.#options;
    return new Reloading({
      configFile,
      loading: () => this.#loading,
      apply: async (loading) => {
        this.#loading = loading;
        await this.#apply(loading.config);
      },
      isStopping: () => this.#stopping,
      begun: () => this.#supervisor.tell({ reloading: true }),
      ended: ({ ok }, reason) => {
        this.#hearing.tell("config", configFile, "loaded", ok ? "reloaded" : "refused", reason);
        if (!this.#stopping) this.#supervisor.tell({ ready: true });
      },
    });
  }

  #engineFailed(message: string): void {
    const hint = message.includes("EPERM") ? " (vipd needs root, or CAP_NET_ADMIN and CAP_NET_RAW)" : "";
    log.fatal("engine_failed {message}{hint}", { message, hint });
    void this.#exit(EXIT_ENGINE);
  }

  async #exit(code: number): Promise<void> {
    this.#heartbeat.stop();
    await this.#flushLog();
    this.#end.resolve(code);
  }
}

function standingOrders(path: string): StandingOrders {
  const orders = new StandingOrders(path);
  if (orders.problem !== null) log.error("state_file {problem}", { problem: orders.problem });
  return orders;
}

/** A program to run is no reason for a virtual router to tell its group anything. */
function withoutHooks({ virtual_router }: Config): Record<string, VirtualRouterConfig> {
  return Object.fromEntries(
    Object.entries(virtual_router).map(([name, { notify: _, ...router }]) => [name, router]),
  );
}

function groupsOf({ sync_group }: Config): GroupConfigs {
  return Object.fromEntries(
    Object.entries(sync_group).map(([name, { members, track }]) => [name, { members, track }]),
  );
}
