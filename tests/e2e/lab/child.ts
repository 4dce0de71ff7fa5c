/** A long-running process that a test started: its pid, its output, and a sure way to end it. */
import { PROGRAM_MS } from "./wait.ts";

/** All that a process wrote has been read so long after its end, unless an heir holds its pipes open. */
const OUTPUT_MS = 2000;

export class Child {
  readonly pid: number;
  readonly exited: Promise<Deno.CommandStatus>;
  #running = true;
  #output = "";
  readonly #lineListeners = new Set<(line: string) => void>();
  /** Resolves when it and every heir of its output are gone, and the output has been read. */
  readonly drained: Promise<unknown>;
  readonly #process: Deno.ChildProcess;

  constructor(readonly name: string, argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const [program = "", ...args] = argv;
    this.#process = new Deno.Command(program, { args, env, stdin: "null", stdout: "piped", stderr: "piped" })
      .spawn();
    this.pid = this.#process.pid;
    this.exited = this.#process.status.then((status) => {
      this.#running = false;
      return status;
    });
    this.drained = Promise.all([
      this.exited,
      this.#collect(this.#process.stdout),
      this.#collect(this.#process.stderr),
    ]);
  }

  get running(): boolean {
    return this.#running;
  }

  /** Everything it has printed, stdout and stderr as they came. */
  get output(): string {
    return this.#output;
  }

  /** Calls the listener with every later line of output. */
  onLine(listener: (line: string) => void): void {
    this.#lineListeners.add(listener);
  }

  signal(signal: Deno.Signal): void {
    if (this.#running) this.#process.kill(signal);
  }

  /** Asks it to end, insists after `timeoutMs`, and returns when it is gone and its output is complete. */
  async stop(signal: Deno.Signal = "SIGTERM", timeoutMs = PROGRAM_MS): Promise<Deno.CommandStatus> {
    this.signal(signal);
    const waiting = new AbortController();
    const insisting = sleepUnless(waiting.signal, timeoutMs).then(() => {
      if (!waiting.signal.aborted) this.signal("SIGKILL");
    });
    const status = await this.exited;
    waiting.abort();
    await insisting;
    // A grandchild may hold the pipe open: its output is not ours to wait for.
    const patience = new AbortController();
    await Promise.race([this.drained, sleepUnless(patience.signal, OUTPUT_MS)]);
    patience.abort();
    return status;
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.#output += text;
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        for (const listener of this.#lineListeners) listener(line);
      }
    }
  }
}

function sleepUnless(signal: AbortSignal, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
