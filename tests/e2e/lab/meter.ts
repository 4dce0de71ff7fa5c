/**
 * How long the machine kept everybody waiting during a scenario. A round in which that was too long proves
 * nothing: a failure in it may be the machine's.
 */
import { Child } from "./child.ts";
import { helperProgram } from "./compile.ts";
import { waitFor } from "./wait.ts";

/** The longest wait for a processor, milliseconds. */
export interface Waits {
  /** Of those above everything that is tested: while that lasts, the machine itself stands still. */
  readonly machine_ms: number;
  /** Of ordinary processes: of keepalived, of what runs checks, of the test itself. */
  readonly ordinary_ms: number;
}

/** A router of 100 ms is taken for dead after 300, one of 20 ms after 60. */
const MACHINE_MS_MAX = 20;
const ORDINARY_MS_MAX = 100;

/** So often a scenario is played while the machine keeps everybody waiting. */
const ATTEMPTS = 3;

/**
 * Plays a scenario. When it fails while the machine had no time for us, that proves nothing, and it is played
 * again, from its beginning; the last time it counts all the same.
 */
export async function replayed(play: () => Promise<void>): Promise<void> {
  for (let attempt = 1;; attempt++) {
    const meter = await Meter.start();
    const failure = await play().then(() => null, (error: unknown) => ({ error }));
    const reason = excuse(await meter.stop());
    if (failure === null) return;
    if (reason === null || attempt === ATTEMPTS) throw failure.error;
    const { error } = failure;
    say(
      `    played again, as ${reason}: ${error instanceof Error ? error.message.split("\n", 1)[0] : error}`,
    );
  }
}

function say(line: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
}

class Meter {
  readonly #child: Child;
  #waits: Waits | undefined;

  private constructor(child: Child) {
    this.#child = child;
    child.onLine((line) => {
      const message = JSON.parse(line) as Waits | { event: string };
      if (!("event" in message)) this.#waits = message;
    });
  }

  static async start(): Promise<Meter> {
    const meter = new Meter(new Child("meter", [await helperProgram("meter")]));
    await waitFor("the meter", () => meter.#child.output.includes("watching"), 20_000, 5);
    return meter;
  }

  async stop(): Promise<Waits> {
    await this.#child.stop();
    if (this.#waits === undefined) throw new Error(`the meter failed: ${this.#child.output}`);
    return this.#waits;
  }
}

/** Why what happened meanwhile may be the machine's fault, as a sentence; null when it is not. */
export function excuse({ machine_ms, ordinary_ms }: Waits): string | null {
  if (machine_ms > MACHINE_MS_MAX) return `the machine itself stood still for ${machine_ms.toFixed(0)} ms`;
  if (ordinary_ms > ORDINARY_MS_MAX) {
    return `an ordinary process had to wait for ${ordinary_ms.toFixed(0)} ms`;
  }
  return null;
}
