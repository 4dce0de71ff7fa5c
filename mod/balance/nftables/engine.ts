/**
 * The engine for kernels without IPVS: services become vipd's own tables of nftables, each change one
 * transaction of the host's nft(8).
 */
import type { Config } from "../../config/schema.ts";
import type { EngineContext, EngineType } from "../engines.ts";
import {
  type Applied,
  type Drift,
  type Engine,
  type Service,
  serviceKey,
  type ServiceReport,
} from "../model.ts";
import type { Json } from "./statements.ts";
import { FLOW_TIMEOUTS, isDirect } from "./direct.ts";
import { flowsOf } from "./flows.ts";
import { hostKernel, type Kernel, missingInKernel } from "./kernel.ts";
import { DirectorParameters, FORWARDING } from "../ipvs/director.ts";
import { countersOf, differences, type Picture, pictureOf } from "./listing.ts";
import type { Counts } from "./connections.ts";
import { destinationName } from "./names.ts";
import { findNft, hostNft, type Nft, NftError } from "./nft.ts";
import { type Family, idOf, TABLE, type Thing } from "./objects.ts";
import { plan, type Present, replace } from "./plan.ts";
import { reportOf } from "./report.ts";
import { type Ruleset, rulesetOf } from "./ruleset.ts";

const FAMILIES: readonly Family[] = ["inet", "netdev"];
const NOBODY: readonly Service[] = [];

export const nftables: EngineType = {
  missing(): Promise<string | null> {
    if (findNft() === null) return Promise.resolve("there is no nft program on this host");
    return Promise.resolve(missingInKernel());
  },
  create(context): Engine {
    return new NftablesEngine(hostNft(findNft() ?? "nft"), hostKernel(), context);
  },
};

/** What the engine takes of its context. */
type Context = Pick<EngineContext, "note"> & { config(): Pick<Config, "balance"> };

export class NftablesEngine implements Engine {
  readonly name = "nftables";
  readonly #nft: Nft;
  readonly #context: Context;
  readonly #kernel: Kernel;
  readonly #director: DirectorParameters;
  /** What we have put there; null before the first time and when something went wrong. */
  #done: Done | null = null;
  /** What was asked for last, and what that comes to. */
  #compile: (services: readonly Service[]) => Ruleset = rulesetOf;
  #asked = { services: NOBODY, around: "", ruleset: rulesetOf(NOBODY) };
  /** Of all rules of the host, when we last looked: while it stays, nobody has changed anything. */
  #generation = -1;
  /** The services whose connections are those that are tracked; null at the start, when nobody knows. */
  #served: readonly Service[] | null = null;
  #connections: ReadonlyMap<string, Counts> | null = null;
  #countAgainMs = 0;
  readonly #noted = new Set<string>();

  constructor(nft: Nft, kernel: Kernel, context: Context) {
    this.#nft = nft;
    this.#kernel = kernel;
    this.#director = new DirectorParameters(kernel.parameters, FORWARDING);
    this.#context = context;
  }

  async apply(services: readonly Service[]): Promise<Applied> {
    let ruleset = this.#rulesetOf(services);
    this.#note(ruleset.notes);
    this.#advise(ruleset.services);
    const { present, drift } = await this.#present();
    const commands = plan(ruleset.things, present);
    const before = this.#kernel.generation();
    let problem = await this.#run(commands, ruleset, present);
    let refused: readonly string[] = [];
    if (problem !== null) {
      const rest = await this.#withoutRefused(ruleset);
      if (rest !== null) [ruleset, refused] = [rest.ruleset, rest.refused];
      if (rest !== null) problem = await this.#run(plan(ruleset.things, present), ruleset, present);
    }
    // Ours was one change. Were there others, nobody knows whether they came before it or after it.
    if (commands.length > 0) this.#generation = this.#kernel.generation() === before + 1 ? before + 1 : -1;
    if (problem === null && commands.length > 0) this.#forget(ruleset.services);
    // Who waits for the last connection of a destination must not see one from before it was told to wait.
    if (commands.length > 0) this.#countAgainMs = 0;
    const picture = commands.length > 0 ? null : this.#done?.picture ?? null;
    // What could not be done has changed nothing.
    if (problem === null) this.#done = { ruleset, picture };
    const { advice } = this.#director;
    const problems = [...ruleset.problems, ...refused, ...problem === null ? [] : [problem]];
    return { drift, problems, ...advice.length === 0 ? {} : { advice } };
  }

  async read(): Promise<readonly ServiceReport[]> {
    if (this.#done === null) return [];
    const { ruleset: { services, things } } = this.#done;
    const families = FAMILIES.filter((name) => things.some(({ family }) => family === name));
    const listings = families.map((family) => this.#nft.list("counters", "table", family, TABLE));
    const counters = countersOf((await Promise.all(listings)).flatMap((listing) => listing ?? []));
    const connections = await this.#count(services);
    return services.map((service) => reportOf(service, counters, connections));
  }

  async stop(keep: boolean): Promise<void> {
    try {
      if (!keep) this.#director.restore();
      if (!keep) await this.#nft.run(plan([], unknown(await this.#picture())));
    } finally {
      this.#kernel.close();
    }
  }

  /** Who was served by a destination that is gone: the next packet is answered with a reset, or scheduled. */
  #forget(services: readonly Service[]): void {
    const names = new Set(namesOf(services));
    const hasLost = this.#served === null || namesOf(this.#served).some((name) => !names.has(name));
    if (hasLost) this.#kernel.forget(services, this.#served ?? []);
    this.#served = services;
  }

  /** Not more often than costs a fiftieth of the time: with many connections each count takes a while. */
  async #count(services: readonly Service[]): Promise<ReadonlyMap<string, Counts> | null> {
    const startedMs = performance.now();
    if (startedMs < this.#countAgainMs) return this.#connections;
    const direct = services.filter(isDirect);
    const flows = direct.length === 0 ? [] : await this.#nft.listElements("netdev", TABLE);
    const tracked = this.#kernel.connections(services.filter((service) => !isDirect(service)));
    this.#connections = tracked && new Map([...tracked, ...flowsOf(direct, flows)]);
    const endedMs = performance.now();
    this.#countAgainMs = endedMs + (endedMs - startedMs) * 50;
    return this.#connections;
  }

  /** The same as the last time, unless something has changed that it depends on. */
  #rulesetOf(services: readonly Service[]): Ruleset {
    const direct = services.filter(isDirect).flatMap(({ destinations }) => destinations);
    const surroundings = this.#kernel.surroundings(direct.map(({ address }) => address));
    const { timeouts = {} } = this.#context.config().balance;
    const around = JSON.stringify([surroundings.devices, ...surroundings.hops, timeouts]);
    if (services === this.#asked.services && around === this.#asked.around) return this.#asked.ruleset;
    this.#compile = (some) =>
      rulesetOf(some, surroundings, {
        tcp: (timeouts.tcp ?? FLOW_TIMEOUTS.tcp * 1000) / 1000,
        tcpfin: (timeouts.tcpfin ?? FLOW_TIMEOUTS.tcpfin * 1000) / 1000,
        udp: (timeouts.udp ?? FLOW_TIMEOUTS.udp * 1000) / 1000,
      });
    this.#asked = { services, around, ruleset: this.#compile(services) };
    return this.#asked.ruleset;
  }

  /** What is there; looks closely only when somebody has changed any rules of this host since we did. */
  async #present(): Promise<{ readonly present: Present; readonly drift: readonly Drift[] }> {
    const generation = this.#kernel.generation();
    const done = this.#done;
    const isOurs = done !== null && generation === this.#generation;
    if (isOurs && done.picture !== null) return { present: thingsOf(done.ruleset), drift: [] };
    // How our own looks is seen at leisure, with the first look after a change: nobody waits for that one.
    const picture = await this.#picture();
    const isSettled = this.#kernel.generation() === generation;
    if (isOurs && isSettled && differences(thingsOf(done.ruleset), null, picture).length === 0) {
      this.#done = { ...done, picture };
      return { present: thingsOf(done.ruleset), drift: [] };
    }
    this.#generation = isSettled ? generation : -1;
    if (done === null) return { present: unknown(picture), drift: [] };
    const things = thingsOf(done.ruleset);
    const drift = differences(things, done.picture, picture);
    return { present: drift.length === 0 && done.picture !== null ? things : unknown(picture), drift };
  }

  /**
   * A sentence when it could not be done. What is there may be of a kind that cannot be changed into ours.
   */
  async #run(commands: readonly Json[], { things }: Ruleset, present: Present): Promise<string | null> {
    if (commands.length === 0) return null;
    const ids = [...things.map(idOf), ...present.keys()];
    const families = FAMILIES.filter((family) => ids.some((id) => id.startsWith(`${family} `)));
    const problem = await this.#attempt(commands);
    return problem === null ? null : await this.#attempt(replace(things, families)) === null ? null : problem;
  }

  /**
   * One service that this kernel cannot do must not keep the others from being done. Null when that is not
   * it: none of them is refused for itself, or all are.
   */
  async #withoutRefused({ services }: Ruleset): Promise<{ ruleset: Ruleset; refused: string[] } | null> {
    const good: Service[] = [];
    const refused: string[] = [];
    for (const service of services) {
      const why = await this.#nft.check(plan(this.#compile([service]).things, new Map()));
      if (why === null) good.push(service);
      else refused.push(`${serviceKey(service.match)}: nft: ${why}`);
    }
    return good.length === 0 || refused.length === 0 ? null : { ruleset: this.#compile(good), refused };
  }

  async #attempt(commands: readonly Json[]): Promise<string | null> {
    try {
      await this.#nft.run(commands);
      return null;
    } catch (error) {
      if (error instanceof NftError) return `nft: ${error.message}`;
      throw error;
    }
  }

  async #picture(): Promise<Picture> {
    const listings = await Promise.all(FAMILIES.map((family) => this.#nft.list("table", family, TABLE)));
    return pictureOf(listings.flatMap((listing) => listing ?? []));
  }

  /** What is translated is forwarded too. */
  #advise(services: readonly Service[]): void {
    const { tune_kernel: tune } = this.#context.config().balance;
    const interfaces = services.length === 0 ? [] : this.#kernel.interfaces();
    for (const sentence of this.#director.advise(services, interfaces, tune)) {
      this.#context.note("warn", sentence);
    }
  }

  /** Each once: the same services are applied again and again. */
  #note(notes: readonly string[]): void {
    for (const note of notes.filter((note) => !this.#noted.has(note))) {
      this.#noted.add(note);
      this.#context.note("warn", note);
    }
  }
}

interface Done {
  readonly ruleset: Ruleset;
  /** How it looked; null until somebody has had the time to look. */
  readonly picture: Picture | null;
}

/** Objects of these names, whatever is in them. */
function unknown(picture: Picture): Present {
  return new Map([...picture.keys()].map((id) => [id, null]));
}

function namesOf(services: readonly Service[]): string[] {
  return services.flatMap(({ match, destinations }) =>
    destinations.map((one) => destinationName(match, one))
  );
}

function thingsOf({ things }: Ruleset): ReadonlyMap<string, Thing> {
  return new Map(things.map((thing) => [idOf(thing), thing]));
}
