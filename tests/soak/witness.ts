/**
 * Two independent accounts of what one daemon did: the lines of its log and its stream of events. Log lines
 * of trouble are sorted by kind; what no kind knows is unexpected.
 */
import type { Child } from "../e2e/lab/child.ts";
import { sleep } from "../e2e/lab.ts";
import { Transition } from "../../mod/snapshot.ts";

/** A JSON line of the log; of a transition it has these fields. */
interface Line {
  readonly level: string;
  readonly logger: string;
  readonly event: string;
  readonly message: string;
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

/** Transitions of virtual routers as one account tells them. */
class Account {
  /** By name and new state: `r1 ACTIVE` -> 17. */
  readonly counts = new Map<string, number>();
  /** Where a router was not in the state that a transition said it left. */
  readonly jumps: string[] = [];
  readonly #states = new Map<string, string>();

  take(name: string, from: string, to: string, place: string): void {
    const state = this.#states.get(name) ?? from;
    if (state !== from) this.jumps.push(`${name} left ${from}, but was ${state}: ${place}`);
    this.#states.set(name, to);
    count(this.counts, `${name} ${to}`);
  }
}

/** What the troubles make a healthy daemon say at level warn or above. */
const EXPECTED: readonly (readonly [kind: string, pattern: RegExp])[] = [
  ["a configuration was refused", /^reload_refused /],
  ["a configuration is doubtful", /^warning .* which is cut to 1$/],
  ["a deadline was late", / a deadline was kept \d+ ms late/],
  ["an address was removed by hand", /: somebody removed .*: added again/],
  ["an address was added by hand", /: somebody added .* although this router is not active: removed/],
  ["a packet was discarded", /: discarded an advertisement from /],
  ["other addresses are advertised", / advertises other addresses than this router has/],
  [
    "an advertisement could not be sent",
    /: cannot send an advertisement: (ENETDOWN|ENODEV|ENETUNREACH|ENXIO|EADDRNOTAVAIL|ENOBUFS)$/,
  ],
  ["an address could not be set", /: .*(ENODEV|EADDRNOTAVAIL|ENETDOWN)/],
  ["sockets were refused", /: cannot listen on \S+: /],
  ["notifications were lost", /netlink notifications were lost/],
  ["an earlier run left addresses", /: removed what an earlier run left behind/],
];

const MAX_LATEST = 100;

export class Witness {
  readonly #log = new Account();
  readonly #events = new Account();
  /** Lines of level warn and above, by kind. */
  readonly troubles = new Map<string, number>();
  readonly unexpected: string[] = [];
  /** The latest transitions as the log told them. */
  readonly latest: string[] = [];
  #open = true;
  #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | null = null;
  #lastId = "";
  #connections = 0;
  readonly #task: Promise<void>;

  constructor(child: Child, readonly socket: string) {
    child.onLine((line) => this.#hear(line));
    this.#task = this.#listen();
  }

  async close(): Promise<void> {
    this.#open = false;
    await this.#reader?.cancel();
    await this.#task;
  }

  /** Both begin at the same moment: from now on. */
  begin(): void {
    this.#log.counts.clear();
    this.#events.counts.clear();
  }

  /** Transitions as the log tells them, by name and new state: `r1 ACTIVE` -> 17. */
  get logged(): ReadonlyMap<string, number> {
    return this.#log.counts;
  }

  get transitions(): number {
    return [...this.logged.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Where the two accounts differ from each other, or from what is possible, in words. */
  differences(): string[] {
    const [log, events] = [this.#log.counts, this.#events.counts];
    const keys = [...new Set([...log.keys(), ...events.keys()])];
    return [
      ...this.#log.jumps.map((jump) => `the log jumps: ${jump}`),
      ...this.#events.jumps.map((jump) => `the events jump: ${jump}`),
      ...keys.filter((key) => log.get(key) !== events.get(key)).map((key) =>
        `${key}: ${log.get(key) ?? 0} in the log, ${events.get(key) ?? 0} in the events`
      ),
    ];
  }

  #hear(text: string): void {
    // What the end of the lab does to a daemon is not its doing.
    if (!this.#open) return;
    if (!text.startsWith("{")) {
      this.unexpected.push(text);
      return;
    }
    const line = JSON.parse(text) as Line;
    const { level, message } = line;
    if (line.logger === "vrrp" && line.event === "transition") {
      this.#log.take(line.name, line.from, line.to, text);
      this.latest.push(text);
      if (this.latest.length > MAX_LATEST) this.latest.shift();
    }
    if (level === "info" || level === "debug") return;
    const kind = EXPECTED.find(([, pattern]) => pattern.test(message))?.[0];
    if (kind === undefined) this.unexpected.push(`${level} ${message}`);
    else count(this.troubles, kind);
  }

  /** Comes back with the id of the last event, as a browser does, so that nothing is missed. */
  async #listen(): Promise<void> {
    while (this.#open) {
      try {
        using client = Deno.createHttpClient({ proxy: { transport: "unix", path: this.socket } });
        const headers: HeadersInit = this.#lastId === "" ? {} : { "last-event-id": this.#lastId };
        this.#connections++;
        const { body } = await fetch("http://vipd/events", { client, headers });
        this.#reader = body!.getReader();
        await this.#read(this.#reader);
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        await sleep(50);
      }
    }
  }

  async #read(reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const messages = (rest + decoder.decode(part.value, { stream: true })).split("\n\n");
      rest = messages.pop() ?? "";
      for (const message of messages) this.#take(message);
    }
  }

  #take(message: string): void {
    const id = /^id: (.*)$/m.exec(message)?.[1];
    const data = /^data: (.*)$/m.exec(message)?.[1];
    if (id === undefined || data === undefined) return;
    const { kind, name, from, to } = Transition.parse(JSON.parse(data));
    const place = `event ${id} after ${this.#lastId}, connection ${this.#connections}`;
    this.#lastId = id;
    if (kind === "virtual_router") this.#events.take(name, from, to, place);
  }
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
