/**
 * The soak: rounds of trouble and quiet, at 100 ms, under load. In every quiet moment each address is where
 * it belongs, nothing moves, and what the daemons hold is what they held before.
 */
import { type Lab, sleep } from "../e2e/lab.ts";
import { status } from "../e2e/lab/vipd.ts";
import { Random } from "../sim/random.ts";
import { Clients } from "./clients.ts";
import { kindsOfDescriptors, type Resources, resourcesOf } from "./resources.ts";
import {
  openSite,
  restartKeepalived,
  restartNginx,
  restartWorker,
  setMood,
  settled,
  type Site,
  type Station,
} from "./site.ts";
import { CALM, MEASURED, type Mood, PLANS } from "./topology.ts";
import { draw } from "./troubles.ts";
import { Witness } from "./witness.ts";

export interface SoakOptions {
  readonly seconds: number;
  readonly seed: number;
  /** One line of progress now and then. */
  say(line: string): void;
}

/** What one measured host held at a moment. */
export interface Sample extends Resources {
  readonly minutes: number;
  /** Nobody asked and nothing was wrong. */
  readonly quiet: boolean;
}

/** The account of one measured host. */
export interface Account {
  readonly name: string;
  readonly samples: Sample[];
  readonly witness: Witness;
  readonly clients: Clients;
  /** How often the link under its metronome went down. */
  beats: number;
  /** Descriptors by kind at the first and at the last quiet moment. */
  readonly descriptors: Record<string, number>[];
}

export interface Outcome {
  readonly seconds: number;
  readonly seed: number;
  readonly accounts: readonly Account[];
  readonly rounds: number;
  readonly reloads: number;
  readonly troubles: ReadonlyMap<string, number>;
  /** Everything that must not be, in words. */
  readonly problems: string[];
  /** What would be a problem, had the machine itself not stood still. */
  readonly excused: readonly string[];
  /** Everything that the daemons said. */
  readonly logs: string;
}

const TROUBLE_MS = 12_000;
/** Version 2 at 1 s, cut off just before: 3.6 s of silence, and once more for the higher priority. */
const SETTLE_MS = 20_000;
/** What a reload took out hands over for a second and is told after it. */
const HANDOVER_MS = 1_500;
const BEGIN_MS = 1_000;
const CALM_MS = 2_000;
/** What a client has left behind is gone after this. */
const LINGER_MS = 1_500;
/** Whoever gets no processor for so long makes others take over, and should. */
const STARVED_MS = 100;
const SAMPLE_MS = 5_000;
const BEAT_MS = 1_000;
const REQUESTS_PER_SECOND = 100;

class Soak {
  readonly #random: Random;
  readonly #startMs = performance.now();
  readonly #accounts: Account[] = [];
  readonly #troubles = new Map<string, number>();
  readonly #problems: string[] = [];
  readonly #excused: string[] = [];
  #reloads = 0;
  #rounds = 0;
  #serial = 0;

  constructor(readonly site: Site, readonly options: SoakOptions) {
    this.#random = new Random(options.seed);
  }

  async run(): Promise<Outcome> {
    await settled(this.site, SETTLE_MS);
    for (const station of this.#measured()) this.#accounts.push(this.#open(station));
    for (const { witness } of this.#accounts) await beginQuietly(witness);
    const sampling = setInterval(() => void this.#sampleAll(false), SAMPLE_MS);
    try {
      await this.#calm();
      while (this.#elapsedMs() < this.options.seconds * 1000) await this.#round();
    } finally {
      clearInterval(sampling);
      await Promise.all(this.#accounts.flatMap(({ clients, witness }) => [clients.stop(), witness.close()]));
    }
    return {
      seconds: this.#elapsedMs() / 1000,
      seed: this.options.seed,
      accounts: this.#accounts,
      rounds: this.#rounds,
      reloads: this.#reloads,
      troubles: this.#troubles,
      problems: this.#problems,
      excused: this.#excused,
      logs: this.site.lab.logs(),
    };
  }

  #measured(): Station[] {
    return this.site.stations.filter(({ name }) => (MEASURED as readonly string[]).includes(name));
  }

  #elapsedMs(): number {
    return performance.now() - this.#startMs;
  }

  #open({ name, vipd: { child, socket } }: Station): Account {
    return {
      name,
      samples: [],
      witness: new Witness(child, socket),
      clients: new Clients(socket, REQUESTS_PER_SECOND, this.#random),
      beats: 0,
      descriptors: [],
    };
  }

  async #round(): Promise<void> {
    this.#rounds++;
    for (const { clients } of this.#accounts) clients.start();
    const endMs = performance.now() + TROUBLE_MS;
    const loops = [
      ...this.site.stations.map((station) => this.#beat(station, endMs)),
      ...this.#measured().map((station) => this.#reload(station, endMs)),
      this.#trouble(endMs),
    ];
    await Promise.all(loops);
    await this.#mend();
    await this.#calm();
    const { length } = this.#problems;
    this.options.say(
      `${(this.#elapsedMs() / 60_000).toFixed(1)} min, round ${this.#rounds}: ${length} problems`,
    );
  }

  /** The link below the metronome goes down and up again, a second each. */
  async #beat({ name, host }: Station, endMs: number): Promise<void> {
    const account = this.#accounts.find((one) => one.name === name);
    while (performance.now() < endMs) {
      await host.ip("link", "set", "flap0", "down");
      await sleep(BEAT_MS * this.#random.between(0.8, 1));
      await host.ip("link", "set", "flap0", "up");
      if (account !== undefined) account.beats++;
      await sleep(BEAT_MS * this.#random.between(0.8, 1));
    }
  }

  async #trouble(endMs: number): Promise<void> {
    while (performance.now() < endMs) {
      const trouble = draw(this.#random);
      this.#troubles.set(trouble.name, (this.#troubles.get(trouble.name) ?? 0) + 1);
      await trouble.run(this.site, this.#random.pick(this.site.stations), this.#random);
      await sleep(this.#random.between(100, 500));
    }
  }

  /** Valid configurations, and now and then one that is not; names that were never there before. */
  async #reload(station: Station, endMs: number): Promise<void> {
    while (performance.now() < endMs) {
      await sleep(this.#random.between(500, 3000));
      this.#reloads++;
      if (this.#random.chance(0.2)) await this.#breakFile(station);
      else await setMood(station, this.#mood());
    }
  }

  async #breakFile({ vipd }: Station): Promise<void> {
    const rubbish = this.#random.pick(["[virtual_router.r1", "vrid = 300\n", "[node]\nnaem = 1\n", ""]);
    await Deno.writeTextFile(vipd.configFile, rubbish);
    vipd.child.signal("SIGHUP");
  }

  #mood(): Mood {
    const some = (chance: number): Set<string> =>
      new Set(PLANS.filter(() => this.#random.chance(chance)).map(({ name }) => name));
    const extra = Array.from({ length: this.#random.integer(0, 4) }, () => `x${++this.#serial}`);
    return { demoted: some(0.2), widened: some(0.1), extra, garpRepeat: this.#random.integer(1, 5) };
  }

  async #mend(): Promise<void> {
    await this.site.lab.healAll();
    await restartKeepalived(this.site);
    for (const station of this.site.stations) {
      restartWorker(station);
      await restartNginx(station);
      await setMood(station, CALM);
    }
  }

  /** Everything comes home, then nothing moves; who asked is gone, and what is held is measured. */
  async #calm(): Promise<void> {
    try {
      await settled(this.site, SETTLE_MS);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#problems.push(`round ${this.#rounds}: ${error.message}`);
    }
    await Promise.all(this.#accounts.map(({ clients }) => clients.stop()));
    const restlessMs = await longestStall(HANDOVER_MS);
    const before = this.#accounts.map(({ witness }) => witness.transitions);
    const stallMs = Math.max(restlessMs, await longestStall(CALM_MS));
    for (const [i, { name, witness }] of this.#accounts.entries()) {
      const moved = witness.transitions - before[i]!;
      if (moved === 0) continue;
      const told = witness.latest.slice(-moved).join("; ");
      const what = `round ${this.#rounds}: ${name} made ${moved} transitions in the quiet: ${told}`;
      if (stallMs < STARVED_MS) this.#problems.push(what);
      else this.#excused.push(`${what} (this machine stood still for ${Math.round(stallMs)} ms)`);
    }
    await sleep(LINGER_MS);
    await this.#sampleAll(true);
    await this.#describe();
  }

  async #sampleAll(quiet: boolean): Promise<void> {
    const stations = this.#measured();
    await Promise.all(this.#accounts.map(async ({ samples }, i) => {
      const minutes = this.#elapsedMs() / 60_000;
      samples.push({ minutes, quiet, ...await resourcesOf(stations[i]!.vipd.child.pid) });
    }));
  }

  async #describe(): Promise<void> {
    const stations = this.#measured();
    for (const [i, { descriptors, witness, name }] of this.#accounts.entries()) {
      const { vipd } = stations[i]!;
      descriptors[descriptors.length === 0 ? 0 : 1] = await kindsOfDescriptors(vipd.child.pid);
      const { virtual_routers } = await status(vipd);
      for (const { name: router, counters } of virtual_routers) {
        const logged = witness.logged.get(`${router} ACTIVE`) ?? 0;
        this.#compare(`${name} ${router}`, counters["became_active"]!, logged);
      }
    }
  }

  /** The counter's own past, before the witness began, is subtracted. */
  readonly #offsets = new Map<string, number>();

  #compare(what: string, counted: number, logged: number): void {
    const offset = this.#offsets.get(what) ?? counted - logged;
    this.#offsets.set(what, offset);
    if (counted - logged === offset) return;
    this.#problems.push(
      `round ${this.#rounds}: ${what} counted ${counted - offset} promotions, logged ${logged}`,
    );
    this.#offsets.set(what, counted - logged);
  }
}

/** Log and events come on different ways: what is on its way at the beginning must not count in one alone. */
async function beginQuietly(witness: Witness): Promise<void> {
  for (let before = -1; witness.transitions !== before;) {
    before = witness.transitions;
    await sleep(BEGIN_MS);
  }
  witness.begin();
}

/** How long this process, which nobody prefers, had to wait for the processor at worst. */
async function longestStall(forMs: number): Promise<number> {
  const endMs = performance.now() + forMs;
  let longestMs = 0;
  for (let nowMs = performance.now(); nowMs < endMs;) {
    await sleep(5);
    const laterMs = performance.now();
    longestMs = Math.max(longestMs, laterMs - nowMs - 5);
    nowMs = laterMs;
  }
  return longestMs;
}

/** Runs for so long, in a lab of its own. Throws only when the lab itself breaks. */
export async function soak(options: SoakOptions): Promise<Outcome> {
  const site = await openSite();
  try {
    return await new Soak(site, options).run();
  } catch (error) {
    options.say(endOfLogs(site.lab));
    throw error;
  } finally {
    await site.lab[Symbol.asyncDispose]();
  }
}

function endOfLogs(lab: Lab): string {
  return lab.logs().slice(-20_000);
}
