/** A process of the demo: this program again, in a namespace of the lab, ended when the demo ends. */
import { SIGKILL } from "../../ffi/process.ts";
import { ROLE_OPTION } from "./roles.ts";

const COMPLAINT_CHARACTERS = 2000;

/** This program and what precedes its own arguments: nothing when compiled, else `run` and its options. */
function self(): [program: string, ...before: string[]] {
  const program = Deno.execPath();
  return Deno.build.standalone ? [program] : [program, "run", "-A", "--no-check", Deno.mainModule];
}

export class Child {
  readonly name: string;
  readonly pid: number;
  /** Resolves with its exit code (128 + number of the signal that ended it). */
  readonly ended: Promise<number>;
  readonly #process: Deno.ChildProcess;
  readonly #drained: Promise<void>;
  #running = true;
  #said = "";

  /**
   * `args` as on the command line of vipd. With `onText`, standard output goes there, in whatever pieces;
   * such a process learns of our end from its pipe and ends by itself, every other one is killed with us.
   */
  constructor(name: string, namespace: string, args: readonly string[], onText?: (text: string) => void) {
    const [program, ...before] = self();
    const signal = onText === undefined ? SIGKILL : 0;
    const launch = [...before, "demo", ROLE_OPTION, "enter", String(Deno.pid), String(signal), namespace];
    this.name = name;
    this.#process = new Deno.Command(program, {
      args: [...launch, program, ...before, ...args],
      stdin: "null",
      stdout: onText === undefined ? "null" : "piped",
      stderr: "piped",
      // Away from the terminal's process group: Ctrl-C is for the demo, which then ends its children.
      detached: true,
    }).spawn();
    this.pid = this.#process.pid;
    const texts = [forEach(this.#process.stderr, (text) => this.#hear(text))];
    if (onText !== undefined) texts.push(forEach(this.#process.stdout, onText));
    this.#drained = Promise.all(texts).then(() => undefined);
    this.ended = this.#process.status.then(({ code }) => {
      this.#running = false;
      return code;
    });
  }

  get running(): boolean {
    return this.#running;
  }

  /** The end of what it wrote to standard error. */
  get complaint(): string {
    return this.#said.trim();
  }

  signal(signal: "SIGTERM" | "SIGKILL"): void {
    if (this.#running) this.#process.kill(signal);
  }

  /** Resolves when it is gone for sure and its output has been read. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.ended;
    await this.#drained;
  }

  #hear(text: string): void {
    this.#said = (this.#said + text).slice(-COMPLAINT_CHARACTERS);
  }
}

async function forEach(stream: ReadableStream<Uint8Array>, take: (text: string) => void): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) take(text);
}
