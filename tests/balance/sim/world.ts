/** One virtual server through a life of chance: events, reloads and time, judged after each. */
import { assert, assertEquals } from "@std/assert";
import * as destinations from "../../../mod/balance/destinations.ts";
import * as server from "../../../mod/balance/server.ts";
import { servicesOf } from "../../../mod/balance/services.ts";
import * as states from "../../../mod/balance/state.ts";
import type { RealServerConfig, VirtualServerConfig } from "../../../mod/config/virtual_server.ts";
import type { Random } from "../../sim/random.ts";
import { realServer, virtualServer } from "../settings.ts";
import { judge } from "./promises.ts";

/** What is put to the test: the real core, or one with a mistake. */
export interface Core {
  readonly begin: typeof server.begin;
  readonly reconfigure: typeof server.reconfigure;
  readonly step: typeof server.step;
  readonly destinationsOf: typeof destinations.destinationsOf;
  readonly deadlineMs: typeof states.deadlineMs;
}

export const REAL_CORE: Core = {
  begin: server.begin,
  reconfigure: server.reconfigure,
  step: server.step,
  destinationsOf: destinations.destinationsOf,
  deadlineMs: states.deadlineMs,
};

const EVENTS = 60;
const WEIGHTS = [0, 1, 1, 1, 2, 10, 100, 65_535];

/** Lives one life; throws at the first promise that is broken, with all that led there. */
export function live(core: Core, random: Random): void {
  const life = new Life(core, random);
  try {
    life.begin();
    for (let event = 0; event < EVENTS; event++) life.turn();
    life.comeToRest();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new Error(`${error.message}\n${life.trace.slice(-5).join("\n")}`, { cause: error });
  }
}

class Life {
  readonly trace: string[] = [];
  readonly #core: Core;
  readonly #random: Random;
  #config: VirtualServerConfig;
  #state!: states.State;
  #nowMs = 1000;

  constructor(core: Core, random: Random) {
    this.#core = core;
    this.#random = random;
    this.#config = this.#newConfig();
  }

  begin(): void {
    const arrivals: server.Arrivals = ({ initial, check }) => ({
      checks: check.map(() => this.#view(initial === "up")),
    });
    const state = this.#core.begin(this.#config, arrivals, this.#nowMs);
    this.#take(null, { state, effects: [] }, "begin");
  }

  turn(): void {
    if (this.#random.chance(0.5)) this.#wait();
    if (this.#random.chance(0.05)) this.#reload();
    else this.#step(this.#event());
  }

  /** When nothing happens any more and every timer has come true, nothing waits and nothing rises. */
  comeToRest(): void {
    for (let turns = 0; this.#core.deadlineMs(this.#state) < Infinity; turns++) {
      assert(turns < 1000, "timers never end");
      this.#nowMs = Math.max(this.#nowMs, this.#core.deadlineMs(this.#state));
      this.#step({ type: "deadline" });
    }
    for (const { name, slow_start } of this.#config.real_server) {
      const { ramp, drain } = this.#state.realServers[name]!;
      assertEquals(ramp, null, `a rise of ${slow_start} ms never ends`);
      if (drain?.state === "draining") assertEquals(drain.deadlineMs, null, "a drain never ends");
    }
  }

  #step(event: server.Event): void {
    const before = this.#state;
    this.#take(before, this.#core.step(this.#config, before, event, this.#nowMs), JSON.stringify(event));
    if (event.type === "deadline") {
      assert(this.#core.deadlineMs(this.#state) > this.#nowMs, "a deadline comes true and is still there");
    }
    if (event.type !== "check" && event.type !== "weight") return;
    const again = this.#core.step(this.#config, this.#state, event, this.#nowMs);
    assertEquals(again, { state: this.#state, effects: [] }, "the same again changes nothing");
  }

  #reload(): void {
    const old = { config: this.#config, state: this.#state };
    const same = this.#core.reconfigure(
      old,
      old.config,
      ({ name }) => old.state.realServers[name]!,
      this.#nowMs,
    );
    assertEquals(same, { state: old.state, effects: [] }, "a reload of the same changes nothing");
    this.#config = this.#random.chance(0.5) ? this.#newConfig() : this.#changed();
    const arrivals: server.Arrivals = ({ name, check, initial }) => {
      const known = old.state.realServers[name]?.checks ?? [];
      return { checks: check.map((_, index) => known[index] ?? this.#view(initial === "up")) };
    };
    const after = this.#core.reconfigure(old, this.#config, arrivals, this.#nowMs);
    for (const { name, slow_start } of this.#config.real_server) {
      const was = old.state.realServers[name];
      if (was === undefined) continue;
      const is = after.state.realServers[name]!;
      assertEquals(is.weight, was.weight, "a reload forgets the operator's weight");
      const isDrained = is.drain !== null || was.drain === null;
      assert(isDrained, "a reload forgets a drain");
      if (slow_start > 0 && is.ramp === null) {
        assert(was.ramp === null || is.drain !== null || !states.isUp(is), "a reload cuts a rise");
      }
    }
    const newcomers = this.#config.real_server.filter(({ name }) => !(name in old.state.realServers));
    const known = Object.fromEntries(newcomers.map(({ name }) => [name, after.state.realServers[name]!]));
    const before = { ...old.state, realServers: { ...old.state.realServers, ...known } };
    this.#take(before, after, "reload");
  }

  #take(before: states.State | null, after: server.Step, what: string): void {
    this.#state = after.state;
    this.trace.push(`${this.#nowMs} ${what} -> ${JSON.stringify(after)}`);
    const destinations = this.#core.destinationsOf(this.#config, after.state);
    const services = servicesOf(this.#config, destinations);
    judge({ config: this.#config, before, after, destinations, services, nowMs: this.#nowMs });
  }

  /** A little, or to just before, to or beyond the next deadline; who is late fires all of them. */
  #wait(): void {
    const deadlineMs = this.#core.deadlineMs(this.#state);
    const ms = this.#random.pick([1, 20, 500]);
    this.#nowMs = deadlineMs === Infinity ? this.#nowMs + ms : Math.max(this.#nowMs, deadlineMs + ms - 20);
    if (this.#nowMs >= deadlineMs) this.#step({ type: "deadline" });
  }

  #event(): server.Event {
    const random = this.#random;
    const servers = this.#config.real_server;
    const { name: realServer, check } = random.pick(servers);
    const index = random.integer(0, check.length);
    const weight = random.chance(0.3) ? null : random.pick(WEIGHTS);
    return random.pick<() => server.Event>([
      () => ({ type: "check", realServer, index, isUp: random.chance(0.6), reason: "looked" }),
      () => ({ type: "check", realServer, index, isUp: random.chance(0.6), reason: "looked" }),
      () => ({ type: "checkWeight", realServer, index, weight }),
      () => ({ type: "drain", realServer, timeoutMs: random.pick([0, 30, 400]) }),
      () => ({ type: "undrain", realServer }),
      () => ({ type: "weight", realServer, weight }),
      () => ({
        type: "connections",
        counts: Object.fromEntries(servers.map(({ name }) => [name, random.pick([0, 0, 3, null])])),
      }),
      () => ({ type: "deadline" }),
    ])();
  }

  #newConfig(): VirtualServerConfig {
    const random = this.#random;
    const names = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80", "10.0.0.4:80"].filter(() =>
      random.chance(0.7)
    );
    const servers = names.length === 0 ? ["10.0.0.1:80"] : names;
    const sorry = {
      address: random.chance(0.2) ? "10.0.0.1" : "127.0.0.1",
      port: 80,
      forward: { method: "nat" },
      on_failure: random.pick(["remove", "quiesce"] as const),
    } as const;
    return virtualServer({
      quorum: random.pick([0, 1, 1, 2, 3, 100]),
      hysteresis: random.pick([0, 0, 1, 2, 99]),
      real_server: servers.map((name) => this.#realServer(name)),
      ...(random.chance(0.5) ? { sorry_server: sorry } : {}),
    });
  }

  #realServer(name: string): RealServerConfig {
    const random = this.#random;
    return realServer(name, {
      weight: random.pick(WEIGHTS),
      on_failure: random.pick(["remove", "quiesce"]),
      initial: random.pick(["up", "down"]),
      slow_start: random.pick([0, 100, 1000]),
      // What the checks are does not matter here, only how many.
      check: Array.from({ length: random.integer(0, 2) }, () => ({}) as RealServerConfig["check"][number]),
    });
  }

  #changed(): VirtualServerConfig {
    const real_server = this.#config.real_server.map((server) => ({
      ...server,
      weight: this.#random.pick(WEIGHTS),
    }));
    return { ...this.#config, real_server, quorum: this.#random.pick([1, 2, 50]) };
  }

  #view(isUp: boolean): states.CheckView {
    return { isUp, weight: null, reason: "not checked yet" };
  }
}
