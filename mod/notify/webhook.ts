/** Tells a receiver by POST, in JSON: in order, again when it did not work, never for ever. */
import type { WebhookConfig } from "../config/notify.ts";
import { logger } from "../log.ts";
import type { WebhookStatus } from "../snapshot.ts";
import { Deliveries, TryLater, Undeliverable } from "./deliveries.ts";

const CAPACITY = 1_000;
const BACKOFF = { firstMs: 1_000, maxMs: 60_000 } as const;
/** Request Timeout, Too Early, Too Many Requests: the same request may be welcome later. */
const WELCOME_LATER: readonly number[] = [408, 425, 429];

const log = logger("notify");

export interface WebhookParts {
  fetch(url: string, init: RequestInit & { client?: Deno.HttpClient }): Promise<Response>;
  random(): number;
  readonly version: string;
}

/** A document on its way, and its text once it is there. */
interface Body {
  readonly coming: Promise<string>;
  text: string | null;
}

export class Webhook {
  readonly config: WebhookConfig;
  readonly #parts: WebhookParts;
  readonly #deliveries: Deliveries<Body>;
  readonly #name: string;
  #client: Deno.HttpClient | undefined;
  #isFailing = false;

  constructor(config: WebhookConfig, parts: WebhookParts) {
    this.config = config;
    this.#parts = parts;
    this.#name = withoutSecrets(config.url);
    this.#deliveries = new Deliveries({
      capacity: CAPACITY,
      attempts: config.attempts,
      backoff: BACKOFF,
      take: (waiting) => waiting.splice(0, 1),
      deliver: ([body], signal) => this.#post(body!.coming, signal),
      dropped: () => this.#failed(`more than ${CAPACITY} events wait: the oldest are dropped`),
      failed: (problem) => this.#failed(problem),
      random: parts.random,
    });
  }

  tell(coming: Promise<string>): void {
    const body: Body = { coming, text: null };
    // That there is none is told by the attempt to deliver it.
    coming.then((text) => body.text = text, () => {});
    this.#deliveries.push(body);
  }

  status(): WebhookStatus {
    return { url: this.#name, events: [...this.config.events], ...this.#deliveries.counts() };
  }

  async stop(limitMs: number): Promise<void> {
    await this.#deliveries.stop(limitMs);
    this.#client?.close();
  }

  async suspend(): Promise<void> {
    await this.#deliveries.suspend();
    this.#client?.close();
    await Promise.all(this.#deliveries.waiting.map(({ coming }) => coming));
  }

  /** What is not delivered, for whoever takes over. */
  get waiting(): string[] {
    return this.#deliveries.waiting.flatMap(({ text }) => text ?? []);
  }

  /** Once for each time that it begins to fail. */
  #failed(problem: string): void {
    if (!this.#isFailing) log.warn("webhook_failed {url}: {problem}", { url: this.#name, problem });
    this.#isFailing = true;
  }

  async #post(body: Promise<string>, end: AbortSignal): Promise<void> {
    const { url, headers, timeout } = this.config;
    const limit = AbortSignal.timeout(timeout);
    const response = await this.#parts.fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "user-agent": `vipd/${this.#parts.version}`,
        ...this.#authorization(),
        ...headers,
      },
      body: await body,
      redirect: "manual",
      signal: AbortSignal.any([limit, end]),
      ...this.#clientInit(),
    }).catch((error: unknown) => {
      throw limit.aborted ? new Error(`no answer within ${timeout} ms`) : withoutUrl(error);
    });
    await response.body?.cancel();
    judge(response);
    if (this.#isFailing) log.info("webhook_recovered {url}", { url: this.#name });
    this.#isFailing = false;
  }

  /** Read each time: a token that is renewed is taken up. */
  #authorization(): Record<string, string> {
    const { token_file } = this.config;
    return token_file === undefined
      ? {}
      : { authorization: `Bearer ${Deno.readTextFileSync(token_file).trim()}` };
  }

  #clientInit(): { client?: Deno.HttpClient } {
    const { ca } = this.config;
    if (ca === undefined) return {};
    this.#client ??= Deno.createHttpClient({ caCerts: [Deno.readTextFileSync(ca)] });
    return { client: this.#client };
  }
}

function judge({ status, headers }: Response): void {
  if (status >= 200 && status < 300) return;
  const problem = `answered ${status}`;
  if (status >= 300 && status < 400) {
    throw new Undeliverable(`${problem}: give the URL that it leads to`);
  }
  const waitMs = retryAfterMs(headers.get("retry-after"), Date.now());
  const mayWork = status >= 500 || WELCOME_LATER.includes(status);
  if (!mayWork) throw new Undeliverable(problem);
  throw waitMs === null ? new Error(problem) : new TryLater(problem, waitMs);
}

/** RFC 9110 §10.2.3: seconds, or a date. Null when there is nothing that can be read. */
export function retryAfterMs(value: string | null, nowMs: number): number | null {
  if (value === null) return null;
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1000;
  const atMs = Date.parse(value);
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
}

/** The runtime names the whole URL. */
function withoutUrl(error: unknown): unknown {
  return error instanceof Error ? new Error(error.message.replace(/ for url \(.*?\)(?=:|$)/, "")) : error;
}

/** Paths, queries and passwords of such URLs are often the only secret that protects them. */
export function withoutSecrets(url: string): string {
  const { origin, pathname, search } = new URL(url);
  return pathname.length > 1 || search !== "" ? `${origin}/…` : origin;
}
