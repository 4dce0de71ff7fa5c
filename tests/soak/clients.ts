/**
 * Everybody who asks the API of one host at the same time: pollers, browsers that come and go, clients that
 * send rubbish, that never finish or never read. Answers are held to what the API promises.
 */
import { Snapshot } from "../../mod/snapshot.ts";
import { sleep } from "../e2e/lab.ts";
import type { Random } from "../sim/random.ts";

interface Question {
  readonly share: number;
  readonly method: string;
  readonly path: string;
  readonly expect: readonly number[];
}

const QUESTIONS: readonly Question[] = [
  { share: 12, method: "GET", path: "/status", expect: [200] },
  { share: 8, method: "GET", path: "/metrics", expect: [200] },
  { share: 4, method: "GET", path: "/healthz", expect: [200] },
  { share: 4, method: "GET", path: "/readyz", expect: [200, 503] },
  { share: 4, method: "GET", path: "/status/virtual_routers/r1", expect: [200] },
  { share: 4, method: "GET", path: "/status/checks/flap", expect: [200] },
  { share: 3, method: "GET", path: "/", expect: [200] },
  { share: 1, method: "GET", path: "/openapi.json", expect: [200] },
  { share: 1, method: "HEAD", path: "/status", expect: [200] },
  { share: 1, method: "HEAD", path: "/events", expect: [200] },
  { share: 1, method: "GET", path: "/nowhere", expect: [404] },
  { share: 1, method: "GET", path: "/status/virtual_routers/none", expect: [404] },
  { share: 1, method: "DELETE", path: "/status", expect: [405] },
];
const HAT = QUESTIONS.flatMap((question) => Array.from({ length: question.share }, () => question));

/** Requests on one connection before the client comes back with a new one. */
const REQUESTS_PER_CONNECTION = 40;
const WORKERS = 3;
/** One in so many statuses is read as the published schema says. */
const PARSE_EVERY = 20;
const HUNG_CLIENTS = 8;
/** While a daemon is replaced there is nobody to connect to. */
const AWAY: readonly (new (...args: never[]) => Error)[] = [
  Deno.errors.NotFound,
  Deno.errors.ConnectionRefused,
  Deno.errors.ConnectionReset,
  Deno.errors.BrokenPipe,
];

export class Clients {
  /** Questions that were answered as promised. */
  answered = 0;
  /** What was not: a status that nobody promised, a body that is none. */
  readonly complaints: string[] = [];
  readonly #hung: Deno.UnixConn[] = [];
  readonly #tasks: Promise<void>[] = [];
  #running = false;

  constructor(readonly socket: string, readonly perSecond: number, readonly random: Random) {}

  start(): void {
    if (this.#running) return;
    this.#running = true;
    for (let i = 0; i < WORKERS; i++) this.#tasks.push(this.#poll());
    this.#tasks.push(this.#browse(), this.#disturb());
  }

  /** Resolves when none of their connections is open any more. */
  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#tasks.splice(0));
    for (const connection of this.#hung.splice(0)) connection.close();
  }

  /** Whoever asks for the status every other moment. */
  async #poll(): Promise<void> {
    while (this.#running) {
      using client = this.#client();
      for (let i = 0; this.#running && i < REQUESTS_PER_CONNECTION; i++) {
        await this.#ask(client, this.random.pick(HAT));
        await sleep(this.random.between(0.5, 1.5) * WORKERS * 1000 / this.perSecond);
      }
    }
  }

  async #ask(client: Deno.HttpClient, { method, path, expect }: Question): Promise<void> {
    try {
      const response = await fetch(`http://vipd${path}`, { method, client });
      const body = await response.text();
      if (!expect.includes(response.status)) {
        this.complaints.push(`${method} ${path}: ${response.status} ${body.slice(0, 200)}`);
      }
      this.answered++;
      if (path === "/status" && method === "GET" && this.answered % PARSE_EVERY === 0) {
        Snapshot.parse(JSON.parse(body));
      }
    } catch (error) {
      this.#complainOf(error, `${method} ${path}`);
    }
  }

  /** Pages that listen to the events for a moment. */
  async #browse(): Promise<void> {
    while (this.#running) {
      using client = this.#client();
      const leave = new AbortController();
      try {
        const response = await fetch("http://vipd/events", { client, signal: leave.signal });
        const reader = response.body!.getReader();
        await reader.read();
        await sleep(this.random.between(50, 800));
        await reader.cancel();
        this.answered++;
      } catch (error) {
        this.#complainOf(error, "events");
      }
      leave.abort();
    }
  }

  /** Rubbish, half a request, listeners that never read: each on a connection of its own. */
  async #disturb(): Promise<void> {
    while (this.#running) {
      await sleep(this.random.between(300, 900));
      try {
        const connection = await Deno.connect({ transport: "unix", path: this.socket });
        const kind = this.random.pick(["rubbish", "half", "deaf"]);
        await connection.write(this.#bytes(kind));
        if (kind === "rubbish") connection.close();
        else this.#hung.push(connection);
        if (this.#hung.length > HUNG_CLIENTS) this.#hung.shift()!.close();
      } catch (error) {
        this.#complainOf(error, "connecting");
      }
    }
  }

  #bytes(kind: string): Uint8Array<ArrayBuffer> {
    if (kind === "rubbish") return crypto.getRandomValues(new Uint8Array(this.random.integer(1, 400)));
    const request = kind === "half" ? "GET /status HT" : "GET /events HTTP/1.1\r\nHost: vipd\r\n\r\n";
    return new TextEncoder().encode(request);
  }

  #client(): Deno.HttpClient {
    return Deno.createHttpClient({ proxy: { transport: "unix", path: this.socket } });
  }

  #complainOf(error: unknown, what: string): void {
    if (!(error instanceof Error)) throw error;
    // fetch says TypeError for every connection that ends; Deno.connect names its reasons.
    if (error instanceof TypeError || AWAY.some((kind) => error instanceof kind)) return;
    this.complaints.push(`${what}: ${error.message}`);
  }
}
