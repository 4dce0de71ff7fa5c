/** The virtual servers of this host: their services in the engines, and how both follow the configuration. */
import { Balancer, type Wish } from "../balance/balancer.ts";
import type { EngineName } from "../balance/engines.ts";
import type { Applied, Destination } from "../balance/model.ts";
import { servicesOf } from "../balance/services.ts";
import type { Config } from "../config/schema.ts";
import type { RealServerConfig } from "../config/virtual_server.ts";
import { logger } from "../log.ts";

/** A virtual router must not wait longer for an engine that takes its time. */
const PREPARED_MS = 3_000;

const log = logger("balance");

export class Balancing {
  readonly #balancer: Balancer;
  /** By engine: what it said last, because the same problem every few seconds is worth one line. */
  readonly #problems = new Map<EngineName, string>();
  #config: Config;

  constructor(config: Config) {
    this.#config = config;
    this.#balancer = new Balancer({
      context: {
        config: () => this.#config,
        note: (level, message) => log[level]("note {message}", { message }),
      },
      applied: (engine, applied) => this.#hearEngine(engine, applied),
    });
  }

  /**
   * Makes these the virtual servers. Resolves when their services are there, or when an engine has failed or
   * takes too long: a virtual router that becomes ACTIVE shall find them.
   */
  async configure(config: Config): Promise<void> {
    this.#config = config;
    const wishes = Object.entries(config.virtual_server).map(([name, server]): Wish => ({
      virtualServer: name,
      engine: server.engine,
      services: servicesOf(server, server.real_server.map(destinationOf)),
    }));
    await this.#balancer.choose(wishes);
    await within(PREPARED_MS, this.#balancer.want(wishes));
  }

  /** To be called when no virtual router is ACTIVE here any more: what still comes in is lost. */
  async stop(): Promise<void> {
    await this.#balancer.stop(!this.#config.balance.flush_on_stop);
  }

  #hearEngine(engine: EngineName, { drift, problems }: Applied): void {
    for (const { key, what } of drift) log.warn("healed {key}: {what}", { key, what, engine });
    const told = problems.join("; ");
    if (told === (this.#problems.get(engine) ?? "")) return;
    this.#problems.set(engine, told);
    if (told === "") log.info("applied {engine}", { engine });
    else log.error("not_applied {engine}: {problems}", { engine, problems: told });
  }
}

function destinationOf(server: RealServerConfig): Destination {
  const { address, port, weight, forward, upper_threshold, lower_threshold } = server;
  return { address, port, weight, forward, upperThreshold: upper_threshold, lowerThreshold: lower_threshold };
}

async function within(ms: number, done: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([done, promise]);
  clearTimeout(timer);
}
