/** The demo's stage: builds the lab, starts everything in it, plays every scenario, measures, cleans up. */
import { monotonicMs } from "../../ffi/clock.ts";
import { sleep } from "../sleep.ts";
import { Child } from "./child.ts";
import type { Io } from "../cli/io.ts";
import { judge, limitMs } from "./judge.ts";
import { Lab } from "./lab.ts";
import { Node } from "./node.ts";
import { isNode, type NodeName, NODES, PRIORITIES, VIRTUAL_ADDRESS } from "./plan.ts";
import { ROLE_OPTION } from "./roles.ts";
import { type Asked, outageSince, parseReport, type Report, steadilyAnsweredBy } from "./samples.ts";
import { type Handles, type Scenario, SCENARIOS, type Step } from "./scenarios.ts";
import { holdersAmong, type NodeScene, type Result, type Scene } from "./scene.ts";

const OBSERVE_MS = 40;
/** After an event: long enough to see it, and for the last page asked before its end to be decided. */
const DWELL_MS = 1200;
const UNHURRIED_DWELL_MS = 2500;
const STEADY_MS = 300;
const START_TIMEOUT_MS = 15_000;
/** Beyond the intervals of the protocol: starting a process, the lease of at least 3 s, a busy machine. */
const SETTLE_TIMEOUT_MS = 12_000;
/** Probes that the live view and the next event look back to. */
const KEPT_MS = 20_000;

/** Something that is not the outcome of a scenario went wrong; the message is for the operator. */
export class DemoError extends Error {
  override readonly name = "DemoError";
}

/** Whoever shows the demo. */
export interface Audience {
  /** Called many times a second. */
  see(scene: Scene): void;
  /** Called once for every event, when its outcome is clear. */
  hear(result: Result): void;
}

export interface StageOptions {
  readonly intervalMs: number;
  readonly io: Io;
  /** Aborting it makes {@link Stage.play} reject with its reason. */
  readonly signal: AbortSignal;
  /** Time to look after every event: somebody watches. */
  readonly unhurried: boolean;
}

export class Stage implements AsyncDisposable {
  readonly #options: StageOptions;
  readonly #lab: Lab;
  readonly #directory: string;
  readonly #nodes: ReadonlyMap<NodeName, Node>;
  readonly #startedMs = monotonicMs();
  readonly #results: Result[] = [];
  readonly #samples: { probes: Asked[]; pages: Asked[] } = { probes: [], pages: [] };
  #client: Child | null = null;
  #audience: Audience | null = null;
  #now = "starting two nodes, two web servers and a client";

  /** Throws SyscallError (EPERM) where namespaces cannot be made. */
  constructor(options: StageOptions) {
    this.#options = options;
    this.#lab = new Lab();
    this.#directory = makeDirectory(this.#lab);
    const around = {
      lab: this.#lab,
      io: options.io,
      directory: this.#directory,
      intervalMs: options.intervalMs,
    };
    this.#nodes = new Map(NODES.map((name) => [name, new Node(name, around)]));
  }

  /** Every scenario, in order; one result for each event. */
  async play(audience: Audience): Promise<readonly Result[]> {
    this.#audience = audience;
    await this.#start();
    for (const scenario of SCENARIOS) {
      await this.#playStep(scenario, scenario.breaks);
      await this.#playStep(scenario, scenario.mends);
    }
    return this.#results;
  }

  /** Everything is gone when it resolves: processes, namespaces, files. */
  async [Symbol.asyncDispose](): Promise<void> {
    // The client first: it would clean up after a demo that was killed.
    await this.#client?.kill();
    await Promise.all([...this.#nodes.values()].map((node) => node.kill()));
    this.#lab[Symbol.dispose]();
    await Deno.remove(this.#directory, { recursive: true });
  }

  async #start(): Promise<void> {
    this.#startClient();
    for (const node of this.#nodes.values()) {
      node.startWeb();
      await node.startDaemon();
    }
    const [first] = NODES;
    const { settled } = await this.#until(
      START_TIMEOUT_MS,
      (nodes) => this.#isSettled(nodes, first, [first]),
    );
    if (settled) return;
    const complaints = [...this.#nodes.values()].flatMap(({ complaints }) => complaints);
    const client = this.#client?.complaint ?? "";
    throw new DemoError(
      [`${first} did not come to serve the client within ${START_TIMEOUT_MS / 1000} s`, ...complaints, client]
        .filter((line) => line !== "").join("\n"),
    );
  }

  #startClient(): void {
    let rest = "";
    const hear = (text: string): void => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#add(parseReport(line));
    };
    const args = ["demo", ROLE_OPTION, "probe", VIRTUAL_ADDRESS, this.#directory];
    this.#client = new Child("client", this.#lab.namespacePath("client"), args, hear);
  }

  #add({ probes, pages }: Report): void {
    this.#samples.probes.push(...probes);
    this.#samples.pages.push(...pages);
    const fromMs = (this.#samples.probes.at(-1)?.sentMs ?? 0) - KEPT_MS;
    const old = this.#samples.probes.findIndex(({ sentMs }) => sentMs >= fromMs);
    // In larger pieces than it grows, so that it is not copied each time.
    if (old > KEPT_MS / 4) this.#samples.probes.splice(0, old);
  }

  async #playStep({ name, mends: mending }: Scenario, step: Step): Promise<void> {
    const loser = NODES.find((node) => node !== step.servedBy) ?? step.servedBy;
    const { intervalMs, unhurried } = this.#options;
    const dwellMs = unhurried ? UNHURRIED_DWELL_MS : DWELL_MS;
    this.#now = step.event;
    const eventMs = monotonicMs();
    await step.run(this.#handles);
    let releasedMs: number | null = null;
    const { settled, nodes } = await this.#until(SETTLE_TIMEOUT_MS + 5 * intervalMs, (nodes) => {
      const holds = nodes.find((node) => node.name === loser)?.holdsAddress === true;
      releasedMs = holds ? null : releasedMs ?? monotonicMs() - eventMs;
      return monotonicMs() - eventMs >= dwellMs && this.#isSettled(nodes, step.servedBy, step.holders);
    });
    const outage = outageSince(this.#samples, eventMs, step.servedBy);
    const lastNode = this.#samples.probes.at(-1)?.node ?? "";
    const facts = {
      ...outage,
      scenario: name,
      event: step.event,
      mends: step === mending,
      limitMs: limitMs(step.pace, intervalMs, PRIORITIES[step.servedBy]),
      servedBy: isNode(lastNode) ? lastNode : null,
      reason: nodes.find((node) => node.name === step.servedBy)?.router?.reason ?? "",
      holders: holdersAmong(nodes),
      releasedMs,
      tellsRelease: step.tellsRelease ?? false,
    };
    const result = { ...facts, problems: judge(facts, step, settled) };
    this.#results.push(result);
    this.#audience?.hear(result);
  }

  get #handles(): Handles {
    const node = (name: NodeName): Node => {
      const found = this.#nodes.get(name);
      if (found === undefined) throw new RangeError(`no node ${name}`);
      return found;
    };
    return {
      killWeb: (name) => node(name).killWeb(),
      startWeb: (name) => node(name).startWeb(),
      stopDaemon: (name) => node(name).signalDaemon("SIGTERM"),
      killDaemon: (name) => node(name).signalDaemon("SIGKILL"),
      startDaemon: (name) => node(name).startDaemon(),
      setCable: (name, plugged) => node(name).setCable(plugged),
      setForwarding: (name, on) => node(name).setForwarding(on),
    };
  }

  #isSettled(nodes: readonly NodeScene[], servedBy: NodeName, holders: readonly NodeName[]): boolean {
    const active = nodes.filter(({ router }) => router?.state === "ACTIVE").map(({ name }) => name);
    return steadilyAnsweredBy(this.#samples.probes, servedBy, STEADY_MS) &&
      holdersAmong(nodes).join() === holders.join() && active.join() === holders.join();
  }

  /** Observes until the condition holds, at most `timeoutMs`: whether it does, of what was seen last. */
  async #until(
    timeoutMs: number,
    condition: (nodes: readonly NodeScene[]) => boolean,
  ): Promise<{ readonly settled: boolean; readonly nodes: readonly NodeScene[] }> {
    const endMs = monotonicMs() + timeoutMs;
    while (true) {
      const nodes = await this.#observe();
      const settled = condition(nodes);
      if (settled || monotonicMs() >= endMs) return { settled, nodes };
      await sleep(OBSERVE_MS);
    }
  }

  async #observe(): Promise<NodeScene[]> {
    const { signal, intervalMs } = this.#options;
    signal.throwIfAborted();
    if (this.#client?.running === false) {
      const { complaint } = this.#client;
      throw new DemoError(`the client ended before the demo did${complaint === "" ? "" : `: ${complaint}`}`);
    }
    const nodes = await Promise.all([...this.#nodes.values()].map((node) => node.observe()));
    this.#audience?.see({
      intervalMs,
      elapsedMs: monotonicMs() - this.#startedMs,
      nodes,
      probes: this.#samples.probes,
      now: this.#now,
      events: EVENTS,
      results: this.#results,
    });
    return nodes;
  }
}

/** For the nodes' configuration files and sockets. */
function makeDirectory(lab: Lab): string {
  try {
    return Deno.makeTempDirSync({ prefix: "vipd-demo-" });
  } catch (error) {
    lab[Symbol.dispose]();
    throw new DemoError(
      `cannot make a temporary directory: ${error instanceof Error ? error.message : error}`,
      {
        cause: error,
      },
    );
  }
}

const EVENTS = SCENARIOS.flatMap(({ breaks, mends }) => [
  { event: breaks.event, mends: false },
  { event: mends.event, mends: true },
]);
