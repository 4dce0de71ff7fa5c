/** Many virtual addresses probed by one process: who answers for each, and the outages each of them had. */
import { helperProgram } from "../e2e/lab/compile.ts";
import type { Child } from "../e2e/lab/child.ts";
import type { Outage } from "../e2e/lab/probe.ts";
import type { Host } from "../e2e/lab.ts";

export interface SweepResult {
  /** How late the prober itself was at its worst. */
  readonly worst_send_gap_ms: number;
  readonly targets: readonly SweptTarget[];
}

interface SweptTarget {
  readonly address: string;
  readonly sent: number;
  readonly answered: number;
  readonly outages: readonly Outage[];
}

interface NodeEvent {
  readonly address: string;
  readonly node: string;
}

export class Sweep {
  readonly #nodes = new Map<string, string>();
  #result: SweepResult | undefined;

  constructor(readonly child: Child, readonly addresses: readonly string[]) {
    child.onLine((line) => {
      if (!line.startsWith("{")) return;
      const message = JSON.parse(line) as { event: string };
      if (message.event === "result") this.#result = message as unknown as SweepResult;
      else this.#hear(message as unknown as NodeEvent);
    });
  }

  /** Whether this node was the last to answer for every address. */
  isAnsweredBy(node: string): boolean {
    return this.addresses.every((address) => this.#nodes.get(address) === node);
  }

  /** Whether every address has been answered at least once. */
  get isAnswered(): boolean {
    return this.#nodes.size === this.addresses.length;
  }

  async stop(): Promise<SweepResult> {
    const { success } = await this.child.stop("SIGTERM");
    if (!success || this.#result === undefined) throw new Error(`The sweep failed: ${this.child.output}`);
    return this.#result;
  }

  #hear({ address, node }: NodeEvent): void {
    this.#nodes.set(address, node);
  }
}

/** `udp` tells the node that answers, `icmp` only that one does. */
export async function startSweep(
  from: Host,
  mode: "udp" | "icmp",
  addresses: readonly string[],
  intervalUs: number,
): Promise<Sweep> {
  const argv = [await helperProgram("sweep"), mode, String(intervalUs), "100", ...addresses];
  return new Sweep(from.spawn(`sweep ${mode}`, argv), addresses);
}
