/**
 * `/events`: transitions as server-sent events, for any number of them but a bounded number of clients and
 * bytes.
 */
import { type Context, Hono } from "hono";
import type { Transition } from "../snapshot.ts";
import { type ApiContext, type ApiEnv, connectionOf } from "./context.ts";
import { offers } from "./negotiate.ts";
import { problem } from "./problem.ts";

export interface EventLimits {
  readonly clients: number;
  /**
   * Bytes waiting for one client; a client that lets more pile up is dropped and may come back with
   * Last-Event-ID.
   */
  readonly bufferedBytes: number;
  /** Transitions kept for clients that reconnect. */
  readonly replay: number;
  readonly heartbeatMs: number;
}

export const EVENT_LIMITS: EventLimits = {
  clients: 64,
  bufferedBytes: 65_536,
  replay: 256,
  heartbeatMs: 15_000,
};

const EVENT_STREAM = "text/event-stream";
const HEADERS = {
  "content-type": EVENT_STREAM,
  "cache-control": "no-store, no-transform",
  "x-accel-buffering": "no",
};

/** Mounted at `/events`. Each message is `event: transition`, an id and the transition as JSON. */
export function eventRoutes(
  subscribe: ApiContext["subscribe"],
  limits: EventLimits = EVENT_LIMITS,
): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  const hub = new EventHub(subscribe, limits);
  app.get("/", offers(EVENT_STREAM), (c) => {
    // The router answers HEAD with this handler and throws the body away: a stream opened here would never be
    // closed.
    if (c.req.raw.method === "HEAD") return c.body(null, 200, HEADERS);
    const stream = hub.open(c.req.header("last-event-id"), connectionOf(c).stopping);
    return stream === null ? tooMany(c, limits.clients) : c.body(stream, 200, HEADERS);
  });
  return app;
}

function tooMany(c: Context, clients: number): Response {
  return problem(c, {
    status: 503,
    kind: "too-many-clients",
    title: "Too many event clients",
    detail: `${clients} clients are listening already`,
    headers: { "retry-after": "5" },
  });
}

interface Message {
  readonly number: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

type Controller = ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;

/**
 * Encodes each transition once and hands it to every client; identity: its clients and the numbering of its
 * events.
 */
class EventHub {
  readonly #limits: EventLimits;
  /** Each with the way to let it go. */
  readonly #clients = new Map<Controller, () => void>();
  readonly #recent: Message[] = [];
  readonly #encoder = new TextEncoder();
  /** Numbers start anew with the process, so the id names the process as well. */
  readonly #epoch = Date.now().toString(36);
  #count = 0;
  #heartbeat: ReturnType<typeof setInterval> | undefined;

  constructor(subscribe: ApiContext["subscribe"], limits: EventLimits) {
    this.#limits = limits;
    subscribe((transition) => this.#publish(transition));
  }

  /** A stream that starts with what the client missed; null when there is no room for another client. */
  open(
    lastEventId: string | undefined,
    stopping: AbortSignal,
  ): ReadableStream<Uint8Array<ArrayBuffer>> | null {
    if (this.#clients.size >= this.#limits.clients) return null;
    let leave = (): void => {};
    return new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        start: (client) => {
          const end = (): void => {
            leave();
            client.close();
          };
          // However it ends, the listener must not wait for the server's stop with all that it refers to.
          leave = () => {
            stopping.removeEventListener("abort", end);
            this.#clients.delete(client);
            this.#beat();
          };
          client.enqueue(this.#encoder.encode("retry: 1000\n: connected\n\n"));
          for (const message of this.#missedSince(lastEventId)) client.enqueue(message.bytes);
          this.#clients.set(client, leave);
          this.#beat();
          stopping.addEventListener("abort", end, { once: true });
          if (stopping.aborted) end();
        },
        cancel: () => leave(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: this.#limits.bufferedBytes }),
    );
  }

  #publish(transition: Transition): void {
    const number = ++this.#count;
    const text = `id: ${this.#epoch}-${number}\nevent: transition\ndata: ${JSON.stringify(transition)}\n\n`;
    const message = { number, bytes: this.#encoder.encode(text) };
    this.#recent.push(message);
    if (this.#recent.length > this.#limits.replay) this.#recent.shift();
    this.#broadcast(message.bytes);
  }

  #broadcast(bytes: Uint8Array<ArrayBuffer>): void {
    for (const [client, leave] of [...this.#clients]) {
      if ((client.desiredSize ?? 0) < bytes.byteLength) {
        leave();
        client.error(new Error("The client reads too slowly"));
      } else {
        client.enqueue(bytes);
      }
    }
  }

  #missedSince(lastEventId: string | undefined): Message[] {
    const [epoch, number] = lastEventId?.split("-") ?? [];
    return epoch === this.#epoch ? this.#recent.filter((message) => message.number > Number(number)) : [];
  }

  /** The heartbeat tells proxies and clients that the line is alive, and us that a client is gone. */
  #beat(): void {
    if (this.#clients.size === 0) {
      clearInterval(this.#heartbeat);
      this.#heartbeat = undefined;
    } else {
      const comment = this.#encoder.encode(": heartbeat\n\n");
      this.#heartbeat ??= setInterval(() => this.#broadcast(comment), this.#limits.heartbeatMs);
    }
  }
}
