/**
 * The engine `ipvs`: the kernel's table, its sync daemon, its timeouts and the parameters that go with it.
 */
import { monotonicMs } from "../../../ffi/clock.ts";
import { openGenetlink } from "../../../ffi/genetlink.ts";
import { findIpvs, getInfo, type Ipvs } from "../../../ffi/ipvs.ts";
import { type Netlink, NetlinkError } from "../../../ffi/netlink.ts";
import { listLinks, openRtnetlink } from "../../../ffi/rtnetlink.ts";
import { type ChangedParameter, type Parameters, PROC_SYS } from "../../kernel/sysctl.ts";
import type { EngineContext, EngineType } from "../engines.ts";
import type { Applied, Engine, Service, ServiceReport, SyncDaemon } from "../model.ts";
import { DirectorParameters } from "./director.ts";
import type { ServiceEntry } from "./plan.ts";
import { NO_IPVS, problemOf } from "./problems.ts";
import { Services } from "./reconcile.ts";
import { SyncDaemons } from "./sync_daemon.ts";
import { Table } from "./table.ts";
import { Timeouts, type TimeoutsMemory } from "./timeouts.ts";
import { entryOf } from "./translate.ts";

export const ipvs: EngineType = {
  missing: () => Promise.resolve(missing()),
  create: (context, memory) => new IpvsEngine(context, memory as IpvsMemory | undefined),
};

/** For whoever goes on in our place. */
export interface IpvsMemory {
  /** Keys of the services that are ours. */
  readonly services: readonly string[];
  readonly daemon: SyncDaemon | null;
  readonly timeouts: TimeoutsMemory;
  readonly parameters: readonly ChangedParameter[];
}

/** How often the kernel's parameters are looked at, though nothing has changed. */
const ADVISE_MS = 10_000;

/** Asking makes the kernel load the module, where there is one. */
function missing(): string | null {
  using netlink = openGenetlink();
  try {
    const found = findIpvs(netlink);
    if (found === null) return NO_IPVS;
    getInfo(found);
    return null;
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    return problemOf(error);
  }
}

/** What the engine stands on. */
export interface IpvsHost {
  readonly netlink: Netlink & Disposable;
  readonly parameters: Parameters;
  /** Names of the interfaces, but for loopback. */
  interfaces(): readonly string[];
  nowMs(): number;
}

export class IpvsEngine implements Engine {
  readonly name = "ipvs";
  readonly #context: EngineContext;
  readonly #host: IpvsHost;
  readonly #services: Services;
  readonly #sync: SyncDaemons;
  readonly #timeouts: Timeouts;
  readonly #director: DirectorParameters;
  /** When the kernel's parameters were looked at last, and for what. */
  #advised: { readonly entries: unknown; readonly tune: boolean; readonly atMs: number } | null = null;
  /** Of services that are told again and again, by all that they are. */
  #entries: ReadonlyMap<string, ServiceEntry> = new Map();
  /** All that a service is, as text: one that is told again is often the same object. */
  readonly #texts = new WeakMap<Service, string>();
  #isFirst: boolean;

  constructor(context: EngineContext, memory?: IpvsMemory, host: IpvsHost = thisHost()) {
    this.#context = context;
    this.#host = host;
    this.#services = new Services(memory?.services);
    this.#sync = new SyncDaemons(memory?.daemon);
    this.#timeouts = new Timeouts(memory?.timeouts);
    this.#director = new DirectorParameters(host.parameters);
    this.#director.inherit(memory?.parameters ?? []);
    this.#isFirst = memory === undefined;
  }

  memory(): IpvsMemory {
    return {
      services: [...this.#services.keys],
      daemon: this.#sync.started,
      timeouts: this.#timeouts.memory,
      parameters: this.#director.changes,
    };
  }

  apply(services: readonly Service[]): Promise<Applied> {
    return settled(() => {
      const ipvs = this.#find();
      const entries = this.#translate(services);
      const { balance } = this.#context.config();
      if (this.#isFirst && balance.flush) this.#removeForeign(ipvs, entries);
      this.#isFirst = false;
      const applied = together([
        () => this.#services.apply(ipvs, entries),
        () => this.#sync.reconcile(ipvs),
        () => ({ drift: this.#timeouts.reconcile(ipvs, balance.timeouts), problems: [] }),
      ]);
      this.#advise(services, balance.tune_kernel);
      const { advice } = this.#director;
      return advice.length === 0 ? applied : { ...applied, advice };
    });
  }

  read(): Promise<readonly ServiceReport[]> {
    return settled(() => {
      const table = new Table(this.#find());
      return [...this.#services.keys].map((key) => table.report(key)).filter((report) =>
        report !== undefined
      );
    });
  }

  sync(daemon: SyncDaemon | null): Promise<Applied> {
    this.#sync.want(daemon);
    return settled(() => this.#sync.reconcile(this.#find()));
  }

  stop(keep: boolean): Promise<void> {
    return settled(() => {
      const { problems } = keep ? { problems: [] } : this.#removeAll();
      for (const problem of problems) this.#context.note("error", problem);
      this.#host.netlink[Symbol.dispose]();
    });
  }

  /** Looked for every time: its number is another one when the module was loaded anew. */
  #find(): Ipvs {
    const found = findIpvs(this.#host.netlink);
    if (found === null) throw new Error(NO_IPVS);
    return found;
  }

  /** What is the same as before is the same object as before, and needs no further look. */
  #translate(services: readonly Service[]): ServiceEntry[] {
    const known = this.#entries;
    const entries = new Map(services.map((service) => {
      const key = this.#texts.get(service) ?? JSON.stringify(service);
      this.#texts.set(service, key);
      return [key, known.get(key) ?? entryOf(service)];
    }));
    const isSame = entries.size === known.size && [...entries.keys()].every((key) => known.has(key));
    if (!isSame) this.#entries = entries;
    return [...this.#entries.values()];
  }

  #removeForeign(ipvs: Ipvs, entries: readonly ServiceEntry[]): void {
    for (const what of this.#services.removeForeign(ipvs, entries)) {
      this.#context.note("info", `${what}: it is not in the configuration (flush in [balance])`);
    }
  }

  /** Parameters are looked at when services may need others, and now and then. */
  #advise(services: readonly Service[], tune: boolean): void {
    const nowMs = this.#host.nowMs();
    const isAsBefore = this.#advised?.entries === this.#entries && this.#advised.tune === tune;
    if (isAsBefore && nowMs - this.#advised!.atMs < ADVISE_MS) return;
    this.#advised = { entries: this.#entries, tune, atMs: nowMs };
    for (const sentence of this.#director.advise(services, this.#host.interfaces(), tune)) {
      this.#context.note("warn", sentence);
    }
  }

  #removeAll(): Applied {
    this.#director.restore();
    const found = findIpvs(this.#host.netlink);
    if (found === null) return { drift: [], problems: [] };
    return together([
      () => ({ drift: [], problems: this.#services.removeAll(found) }),
      () => nothing(this.#sync.stop(found)),
      () => nothing(this.#timeouts.restore(found)),
    ]);
  }
}

function nothing(_done: void): Applied {
  return { drift: [], problems: [] };
}

function thisHost(): IpvsHost {
  return { netlink: openGenetlink(), parameters: PROC_SYS, interfaces: listInterfaces, nowMs: monotonicMs };
}

function listInterfaces(): string[] {
  using netlink = openRtnetlink();
  return listLinks(netlink).filter(({ loopback }) => !loopback).map(({ name }) => name);
}

/** One after the other, and what one cannot do does not hinder the next. */
function together(parts: readonly (() => Applied)[]): Applied {
  const results = parts.map((part): Applied => {
    try {
      return part();
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
      return { drift: [], problems: [problemOf(error)] };
    }
  });
  return {
    drift: results.flatMap(({ drift }) => drift),
    problems: [...new Set(results.flatMap(({ problems }) => problems))],
  };
}

/** What a call of the kernel, which waits for nobody, comes to. */
function settled<T>(call: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    try {
      resolve(call());
    } catch (error) {
      reject(error instanceof NetlinkError ? new Error(problemOf(error), { cause: error }) : error);
    }
  });
}
