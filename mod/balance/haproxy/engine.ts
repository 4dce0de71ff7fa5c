/**
 * The engine haproxy: services become a configuration of its own haproxy, and health, drain and weights
 * reach it over its runtime socket, so that only another set of servers needs a reload.
 */
import type { EngineContext, EngineType } from "../engines.ts";
import { type Applied, endpointKey, type Engine, type Service, type ServiceReport } from "../model.ts";
import { type Counters, parseServersState, parseStat } from "./answers.ts";
import { isOccupied, occupantOf } from "./binding.ts";
import { stampOf } from "./files.ts";
import { EMPTY_LEDGER, enter, type Ledger, reportsOf } from "./ledger.ts";
import { Master } from "./master.ts";
import { type Made, plan, slotKey } from "./plan.ts";
import { findProgram, workersAccount } from "./program.ts";
import { proxiesOf, type Proxy } from "./proxy.ts";
import { ask, askPatiently, order } from "./runtime.ts";
import { bindingsOf, compose, type Composed, markOf, type Paths, pathsIn } from "./text.ts";

export const haproxy: EngineType = {
  missing: (context) => {
    const program = findProgram(context.config().haproxy.binary);
    return Promise.resolve("missing" in program ? program.missing : null);
  },
  create: (context) => new HaproxyEngine(context),
};

/** What drift is about that concerns no single service. */
const WHOLE = "haproxy";

class HaproxyEngine implements Engine {
  readonly name = "haproxy";
  readonly #context: EngineContext;
  /** Created with the first service: until then nothing is looked for and nothing written. */
  #master: Master | null = null;
  #paths: Paths | null = null;
  #proxies: readonly Proxy[] = [];
  #made: Made = new Map();
  #ledger: Ledger = EMPTY_LEDGER;
  /** A haproxy of ours has been up: when none is, somebody has ended it. */
  #wasUp = false;
  #isStopped = false;
  /** Thousands of servers are looked at every two seconds, and change rarely. */
  readonly #proxiesOf = rememberLast(proxiesOf);
  readonly #composeOf = rememberLast(
    (
      proxies: readonly Proxy[],
      paths: Paths,
      global: readonly string[],
      defaults: readonly string[],
      stamp: string,
    ) => compose(proxies, { paths, user: this.#user, global, defaults, stamp }),
  );
  readonly #user = workersAccount();
  /** One after the other, whoever asks: a death may be heard at any moment. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(context: EngineContext) {
    this.#context = context;
  }

  apply(services: readonly Service[]): Promise<Applied> {
    return this.#enqueue(() => this.#apply(services));
  }

  read(): Promise<readonly ServiceReport[]> {
    return this.#enqueue(() => this.#read());
  }

  async stop(keep: boolean): Promise<void> {
    this.#isStopped = true;
    await this.#enqueue(async () => {
      if (keep) this.#master?.release();
      else await this.#master?.stop();
      this.#master = null;
    });
  }

  async #apply(services: readonly Service[]): Promise<Applied> {
    const { virtual_server } = this.#context.config();
    const { proxies: possible, problems: impossible } = this.#proxiesOf(services, virtual_server);
    const master = await this.#masterOfNow(possible.length > 0);
    if (master === null) return { drift: [], problems: impossible };
    const { free: proxies, taken } = sift(possible, master.pid === null ? "" : master.configuration);
    this.#proxies = proxies;
    const problems = [...impossible, ...taken];
    if (proxies.length === 0) {
      master.retire();
      this.#wasUp = false;
      return { drift: [], problems };
    }
    const up = await this.#bringUp(master);
    const driven = master.pid === null ? NOTHING_DONE : await this.#drive();
    return {
      drift: [...up.drift, ...driven.drift],
      problems: [...problems, ...up.problems, ...driven.problems],
    };
  }

  /** One for the directory that the configuration names; what ran in another one ends. */
  async #masterOfNow(isNeeded: boolean): Promise<Master | null> {
    const paths = pathsIn(this.#context.config().haproxy.directory);
    if (this.#master !== null && this.#paths?.configuration !== paths.configuration) {
      await this.#master.stop();
      this.#master = null;
    }
    if (this.#master === null && isNeeded) {
      this.#master = await Master.create(paths, (how) => this.#hearEnd(how));
      this.#paths = paths;
      const { pid } = this.#master;
      if (pid !== null) this.#context.note("info", `haproxy (pid ${pid}) runs already: taken over`);
    }
    return this.#master;
  }

  /** Running with the configuration of now, or with the one before where haproxy does not want this one. */
  async #bringUp(master: Master): Promise<Applied> {
    const { binary } = this.#context.config().haproxy;
    const program = findProgram(binary);
    if ("missing" in program) return { drift: [], problems: [program.missing] };
    const wanted = this.#compose();
    const isUp = master.pid !== null;
    if (isUp && await master.mark() === wanted.mark) {
      this.#wasUp = true;
      return NOTHING_DONE;
    }
    if (!isUp && master.waitMs > 0) {
      const seconds = Math.ceil(master.waitMs / 1000);
      return { drift: [], problems: [`haproxy has ended by itself: it is started again in ${seconds} s`] };
    }
    return await (isUp
      ? this.#reload(master, program.path, wanted)
      : this.#start(master, program.path, wanted));
  }

  async #reload(master: Master, program: string, wanted: Composed): Promise<Applied> {
    const before = master.configuration;
    const problem = await master.accept(program, wanted) ?? await master.reload(wanted.mark, before);
    if (problem === null) this.#made = new Map();
    return problem === null ? NOTHING_DONE : trouble(`the configuration before goes on: ${problem}`);
  }

  /** A configuration that haproxy does not want must not keep down what ran before. */
  async #start(master: Master, program: string, wanted: Composed): Promise<Applied> {
    const refused = await master.accept(program, wanted);
    const mark = markOf(master.configuration);
    if (mark === null) return trouble(refused ?? "it cannot be read");
    const drift = this.#wasUp ? [{ key: WHOLE, what: "haproxy was gone: started anew" }] : [];
    const failed = await master.start(program, mark);
    this.#made = new Map();
    this.#wasUp ||= failed === null;
    const problems = [refused, failed].filter((problem) => problem !== null);
    return { drift, problems: problems.flatMap((problem) => trouble(problem).problems) };
  }

  #compose(): Composed {
    const { global, defaults } = this.#context.config().haproxy;
    const certificates = this.#proxies.flatMap(({ options }) => options.certificate ?? []);
    return this.#composeOf(this.#proxies, this.#paths!, global, defaults, stampOf(certificates));
  }

  /** Makes the state of every server what it shall be. */
  async #drive(): Promise<Applied> {
    const { commands: socket } = this.#paths!;
    const actual = parseServersState(await ask(socket, "show servers state"));
    const { commands, drift } = plan(this.#proxies, actual, this.#made);
    const complaints = await order(socket, commands);
    this.#made = new Map(
      this.#proxies.flatMap(({ name, slots }) =>
        slots.map((slot) => [slotKey(name, slot.name), slot] as const)
      ),
    );
    return { drift, problems: complaints.map((complaint) => `haproxy: ${complaint}`) };
  }

  async #read(): Promise<readonly ServiceReport[]> {
    const master = this.#master;
    if (master === null || master.pid === null) return [];
    const { commands, master: socket } = this.#paths!;
    const { current, old } = await master.workers();
    const readings = new Map<number, Counters[]>();
    readings.set(current, parseStat(await ask(commands, SHOW_STAT)));
    for (const pid of old) {
      const answer = await askPatiently(socket, `@!${pid} ${SHOW_STAT}`);
      // One that has ended meanwhile has said what it had to say.
      if (answer.startsWith("#")) readings.set(pid, parseStat(answer));
    }
    this.#ledger = enter(this.#ledger, readings);
    return reportsOf(this.#ledger, this.#proxies);
  }

  #hearEnd(how: string): void {
    if (this.#isStopped) return;
    this.#context.note("error", `haproxy has ended by itself: ${how}`);
    // Not at the next round: connections are refused until then.
    void this.#enqueue(async () => {
      if (this.#isStopped || this.#master === null || this.#proxies.length === 0) return;
      const { drift, problems } = await this.#bringUp(this.#master);
      for (const { what } of drift) this.#context.note("warn", what);
      for (const problem of problems) this.#context.note("error", problem);
    });
  }

  #enqueue<T>(task: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(task);
    this.#queue = done.catch(() => undefined);
    return done;
  }
}

/**
 * Leaves out what cannot listen because another program does. haproxy would refuse everything for it, and
 * what serves would pause for two seconds while the new worker tries. `running`: the configuration that
 * runs.
 */
function sift(
  proxies: readonly Proxy[],
  running: string,
): { readonly free: readonly Proxy[]; readonly taken: readonly string[] } {
  const ours = bindingsOf(running);
  const isTaken = new Set(proxies.filter((proxy) => !ours.has(endpointKey(proxy)) && isOccupied(proxy)));
  return {
    free: isTaken.size === 0 ? proxies : proxies.filter((proxy) => !isTaken.has(proxy)),
    taken: [...isTaken].map(({ key, port }) =>
      `${key}: ${occupantOf(port)} listens on port ${port} of this address or of all`
    ),
  };
}

/** What the function gave last, as long as it is asked about the very same things. */
function rememberLast<A extends readonly unknown[], R>(of: (...about: A) => R): (...about: A) => R {
  let last: { readonly about: A; readonly result: R } | null = null;
  return (...about) => {
    if (last === null || last.about.some((one, i) => one !== about[i])) {
      last = { about, result: of(...about) };
    }
    return last.result;
  };
}

function trouble(problem: string): Applied {
  return { drift: [], problems: [`haproxy does not take its configuration: ${problem}`] };
}

const NOTHING_DONE: Applied = { drift: [], problems: [] };
/** Frontends (1) and servers (4) of all proxies. */
const SHOW_STAT = "show stat -1 5 -1";
