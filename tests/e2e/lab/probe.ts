/** The client's view: probes of an address from inside a namespace, and the outages they saw. */
import type { Child } from "./child.ts";
import type { Host } from "../lab.ts";
import { helperProgram } from "./compile.ts";
import { PATIENCE_MS, PROGRAM_MS, waitFor } from "./wait.ts";

const ECHO_PORT = 7;

/** A run of unanswered probes, in ms since the epoch. `to` is null while nobody has answered again. */
export interface Outage {
  readonly start_ms: number;
  readonly length_ms: number;
  readonly lost: number;
  readonly from: string;
  readonly to: string | null;
}

export interface ProbeResult {
  readonly sent: number;
  readonly answered: number;
  /** How late the prober itself was at its worst: the resolution of this measurement. */
  readonly worst_send_gap_ms: number;
  readonly slowest_answer_ms: number;
  /** How long the machine itself stood still, on one processor or another. */
  readonly stood_still_ms: number;
  readonly by_node: Readonly<Record<string, number>>;
  readonly outages: readonly SeenOutage[];
}

/** Also tells for how much of it the machine itself stood still, on one processor or another. */
export interface SeenOutage extends Outage {
  readonly stood_still_ms: number;
}

/** Another node answered from this moment on. */
interface NodeEvent {
  readonly node: string;
  readonly at_ms: number;
}

export class Probe {
  readonly #events: NodeEvent[] = [];
  #result: ProbeResult | undefined;

  constructor(readonly child: Child) {
    child.onLine((line) => {
      if (!line.startsWith("{")) return;
      const message = JSON.parse(line) as { event: string };
      if (message.event === "node") this.#events.push(message as unknown as NodeEvent);
      else this.#result = message as unknown as ProbeResult;
    });
  }

  /** The node that answered last, if any did. */
  get node(): string | undefined {
    return this.#events.at(-1)?.node;
  }

  /** Nodes in the order in which they answered. */
  get nodes(): string[] {
    return this.#events.map(({ node }) => node);
  }

  async answeredBy(node: string, timeoutMs = PATIENCE_MS): Promise<void> {
    await waitFor(`${this.child.name} to be answered by ${node}`, () => this.node === node, timeoutMs, 5);
  }

  async stop(): Promise<ProbeResult> {
    const { success } = await this.child.stop("SIGTERM");
    if (!success || this.#result === undefined) {
      throw new Error(`${this.child.name} failed: ${this.child.output}`);
    }
    return this.#result;
  }
}

/** Length in ms of an outage, as far as it is vipd's: while the machine itself stands still nobody serves. */
export function darkMs({ length_ms, stood_still_ms }: SeenOutage): number {
  return length_ms - stood_still_ms;
}

/** The same of every outage, the longest first. */
export function darkTimes({ outages }: ProbeResult): number[] {
  return outages.map(darkMs).toSorted((a, b) => b - a);
}

/** The same of the longest outage, 0 when every probe was answered. */
export function longestOutage(result: ProbeResult): number {
  return Math.max(0, ...darkTimes(result));
}

/**
 * What a move without a gap may take on a machine that runs other tests as well. One that waits for silence
 * takes the active-down interval, 361 ms and more in these tests.
 */
export const HITLESS_MS = 250;

/** One UDP datagram every millisecond. */
export function probeUdp(from: Host, address: string, intervalUs = 1000): Promise<Probe> {
  return startProbe(from, ["udp", address, String(ECHO_PORT), String(intervalUs), "100"]);
}

/**
 * One fresh HTTP connection every 10 ms; a lost SYN's retransmission (1 s) is too late to count as an answer
 * unless said otherwise.
 */
export function probeHttp(
  from: Host,
  address: string,
  intervalUs = 10_000,
  port = 80,
  patienceMs = 800,
): Promise<Probe> {
  return startProbe(from, ["http", address, String(port), String(intervalUs), String(patienceMs)]);
}

/** The UDP echo server that answers with the node's name on each of its addresses. */
export async function startEcho(node: Host): Promise<Child> {
  const child = node.spawn("echo", [await helperProgram("probe"), "echo", node.name, String(ECHO_PORT)]);
  const listening = (): Promise<boolean> =>
    node.exec(["ss", "-Hlun", `sport = ${ECHO_PORT}`]).then((text) => text !== "");
  await waitFor(`the echo server of ${node.name}`, listening, PROGRAM_MS);
  return child;
}

async function startProbe(from: Host, args: readonly string[]): Promise<Probe> {
  return new Probe(from.spawn(`probe ${args[0]} ${args[1]}`, [await helperProgram("probe"), ...args]));
}
