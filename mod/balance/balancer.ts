/** Brings the services of all virtual servers into their engines, and reads back what the engines count. */
import { EngineDriver } from "./driver.ts";
import { chooseEngines, type EngineContext, type EngineName, ENGINES, type EngineTypes } from "./engines.ts";
import type { Applied, Service, ServiceReport, SyncDaemon } from "./model.ts";

/** What one virtual server wants. */
export interface Wish {
  readonly virtualServer: string;
  readonly engine: EngineName | "auto";
  readonly services: readonly Service[];
}

/** Who is to be carried. */
export interface Passenger extends Pick<Wish, "virtualServer" | "engine"> {
  /** What this engine cannot do of what is asked, as a sentence; null: nothing. */
  cannot?(engine: EngineName): string | null;
}

export interface BalancerOptions {
  readonly context: EngineContext;
  readonly types?: EngineTypes;
  /** What "auto" has come to before this image of the program; null: nothing. */
  readonly automatic?: EngineName | null;
  /** A round of an engine has ended. */
  applied(engine: EngineName, applied: Applied): void;
  readonly lookAgainMs?: number;
  /** What the engines before these have left. */
  readonly inherited?: EngineMemories;
}

export type EngineMemories = Readonly<Record<string, unknown>>;

/** Who carries a virtual server, or why nobody does. */
export type Carrier = { readonly engine: EngineName } | { readonly problem: string };

export class Balancer {
  readonly #options: BalancerOptions;
  readonly #types: EngineTypes;
  readonly #drivers = new Map<EngineName, EngineDriver>();
  readonly #memories: Map<string, unknown>;
  #carriers: ReadonlyMap<string, Carrier> = new Map();
  #chosen: Awaited<ReturnType<typeof chooseEngines>> = new Map();

  constructor(options: BalancerOptions) {
    this.#options = options;
    this.#types = options.types ?? ENGINES;
    this.#memories = new Map(Object.entries(options.inherited ?? {}));
    if (options.automatic) this.#chosen = new Map([["auto", options.automatic]]);
  }

  /**
   * Looks which engines this host has for these virtual servers; what `want` does follows it. To be called at
   * the start, on a reload, and now and then while somebody carries nothing: a module may have been loaded.
   */
  async choose(passengers: readonly Passenger[]): Promise<void> {
    const engines = passengers.map(({ engine }) => engine);
    const chosen = await chooseEngines(engines, this.#types, this.#options.context);
    // What carries traffic goes on to carry it, even if another engine would be chosen by now.
    this.#chosen = new Map(
      [...chosen].map(([wish, now]) => {
        const before = this.#chosen.get(wish);
        return [wish, typeof before === "string" ? before : now];
      }),
    );
    this.#carriers = new Map(
      passengers.map((passenger) => [passenger.virtualServer, this.#carrierOf(passenger)]),
    );
  }

  /** What "auto" has come to; null: nothing. */
  get automatic(): EngineName | null {
    const chosen = this.#chosen.get("auto");
    return typeof chosen === "string" ? chosen : null;
  }

  carrier(virtualServer: string): Carrier {
    return this.#carriers.get(virtualServer) ?? { problem: "it is not configured" };
  }

  /** Makes these the services of all engines. Resolves when every engine has tried once. */
  async want(wishes: readonly Wish[]): Promise<void> {
    const byEngine = new Map<EngineName, Service[]>([...this.#drivers.keys()].map((name) => [name, []]));
    for (const { virtualServer, services } of wishes) {
      const carrier = this.carrier(virtualServer);
      if ("problem" in carrier) continue;
      byEngine.set(carrier.engine, [...byEngine.get(carrier.engine) ?? [], ...services]);
    }
    await Promise.all([...byEngine].map(([name, services]) => this.#driver(name).want(services)));
  }

  /** What the engines have, by `serviceKey`, at most so old. */
  async reports(maxAgeMs: number): Promise<ReadonlyMap<string, ServiceReport>> {
    const reports = await Promise.all([...this.#drivers.values()].map((driver) => driver.reports(maxAgeMs)));
    return new Map(reports.flat().map((report) => [report.key, report]));
  }

  /** The kernel's sync daemon; only its IPVS has one. */
  async sync(daemon: SyncDaemon | null): Promise<void> {
    await this.#drivers.get("ipvs")?.sync(daemon);
  }

  /** After a `stop` that has kept all: what the engines have left. */
  get memories(): EngineMemories {
    return Object.fromEntries(this.#memories);
  }

  /** Ends the engines. `keep`: what they have made stays and goes on as it is. */
  async stop(keep: boolean): Promise<void> {
    const drivers = [...this.#drivers];
    this.#drivers.clear();
    await Promise.all(drivers.map(([, driver]) => driver.stop(keep)));
    for (const [name, { memory }] of drivers) if (memory !== undefined) this.#memories.set(name, memory);
  }

  #carrierOf(passenger: Passenger): Carrier {
    const chosen = this.#chosen.get(passenger.engine);
    if (chosen === undefined) return { problem: "no engine has been chosen yet" };
    if (typeof chosen !== "string") return chosen;
    const problem = passenger.cannot?.(chosen) ?? null;
    return problem === null ? { engine: chosen } : { problem };
  }

  #driver(name: EngineName): EngineDriver {
    const driver = this.#drivers.get(name) ?? this.#create(name);
    this.#drivers.set(name, driver);
    return driver;
  }

  #create(name: EngineName): EngineDriver {
    const { context, applied, lookAgainMs } = this.#options;
    return new EngineDriver(name, () => this.#types[name]!.create(context, this.#memories.get(name)), {
      applied,
      note: (engine, message) => context.note("warn", `${engine} ${message}`),
      ...(lookAgainMs === undefined ? {} : { lookAgainMs }),
    });
  }
}
