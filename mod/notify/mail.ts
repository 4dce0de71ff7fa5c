/**
 * Mail by SMTP: one each as long as they are few; when much happens they are gathered into one, which says
 * how many it stands for.
 */
import type { MailConfig } from "../config/notify.ts";
import { logger } from "../log.ts";
import type { MailStatus } from "../snapshot.ts";
import { sleep } from "../../checks/deadline.ts";
import { Deliveries } from "./deliveries.ts";
import type { SmtpOptions } from "./smtp.ts";

const CAPACITY = 500;
const ATTEMPTS = 12;
const BACKOFF = { firstMs: 2_000, maxMs: 300_000 } as const;
/** So many mails go out at once, and another one every so often. */
const BURST = 20;
const REFILL_MS = 30_000;
/** What a summary tells in lines; the rest is a number. */
const SUMMARY_LINES = 100;

const log = logger("notify");

export interface Mail {
  readonly subject: string;
  readonly body: string;
}

export interface MailerParts {
  /** Sends one; rejects with an Undeliverable when it never will be. */
  send(options: SmtpOptions, mail: Mail, signal: AbortSignal): Promise<void>;
  readonly node: string;
  /** Milliseconds; never goes back. */
  now(): number;
  random(): number;
}

export class Mailer {
  readonly config: MailConfig;
  readonly #parts: MailerParts;
  readonly #deliveries: Deliveries<Mail>;
  #tokens = BURST;
  #refilledMs: number;
  /** Dropped since the last mail: the next one tells. */
  #unsaid = 0;
  #isFailing = false;

  constructor(config: MailConfig, parts: MailerParts) {
    this.config = config;
    this.#parts = parts;
    this.#refilledMs = parts.now();
    this.#deliveries = new Deliveries<Mail>({
      capacity: CAPACITY,
      attempts: ATTEMPTS,
      backoff: BACKOFF,
      take: (waiting) => this.#take(waiting),
      deliver: (batch, signal) => this.#deliver(batch, signal),
      dropped: () => this.#unsaid++,
      failed: (problem, isFinal) => this.#failed(problem, isFinal),
      random: parts.random,
    });
  }

  tell(mail: Mail): void {
    this.#deliveries.push(mail);
  }

  status(): MailStatus {
    const { server: { hostname, port }, to } = this.config;
    return {
      server: port === undefined ? hostname : `${hostname}:${port}`,
      to: [...to],
      ...this.#deliveries.counts(),
    };
  }

  stop(limitMs: number): Promise<void> {
    return this.#deliveries.stop(limitMs);
  }

  suspend(): Promise<void> {
    return this.#deliveries.suspend();
  }

  /** What is not delivered, for whoever takes over. */
  get waiting(): readonly Mail[] {
    return this.#deliveries.waiting;
  }

  /** One while there are few; when there are more than may go, all of them together. */
  async #take(waiting: Mail[]): Promise<Mail[]> {
    for (this.#refill(); this.#tokens < 1 && !this.#deliveries.hurry.aborted; this.#refill()) {
      await sleep(this.#refilledMs + REFILL_MS - this.#parts.now(), this.#deliveries.hurry);
    }
    const mayGo = Math.max(1, Math.floor(this.#tokens));
    this.#tokens--;
    return waiting.splice(0, waiting.length <= mayGo && this.#unsaid === 0 ? 1 : waiting.length);
  }

  #refill(): void {
    const more = Math.floor((this.#parts.now() - this.#refilledMs) / REFILL_MS);
    this.#refilledMs += more * REFILL_MS;
    this.#tokens = Math.min(BURST, this.#tokens + more);
  }

  async #deliver(batch: readonly Mail[], signal: AbortSignal): Promise<void> {
    const unsaid = this.#unsaid;
    const [first] = batch;
    const mail = batch.length === 1 && unsaid === 0 ? first! : summaryOf(this.#parts.node, batch, unsaid);
    await this.#parts.send(this.#options(), mail, signal);
    this.#unsaid -= unsaid;
    if (this.#isFailing) log.info("mail_recovered", {});
    this.#isFailing = false;
  }

  #failed(problem: string, isFinal: boolean): void {
    if (isFinal) log.warn("mail_failed {problem}, given up", { problem });
    else if (!this.#isFailing) log.warn("mail_failed {problem}, will be tried again", { problem });
    this.#isFailing = true;
  }

  /** Secrets are read each time: what is renewed is taken up. */
  #options(): SmtpOptions {
    const { password_file, ca, ...config } = this.config;
    return {
      ...config,
      ...(password_file === undefined ? {} : { password: readSecret(password_file, "password_file") }),
      ...(ca === undefined ? {} : { ca: readSecret(ca, "ca") }),
    };
  }
}

function readSecret(path: string, key: string): string {
  try {
    return Deno.readTextFileSync(path).trim();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new Error(`cannot read ${key}: ${error.message}`);
  }
}

/** The newest are the ones that count. */
function summaryOf(node: string, batch: readonly Mail[], unsaid: number): Mail {
  const told = batch.slice(-SUMMARY_LINES);
  const count = batch.length + unsaid;
  const left = count - told.length;
  const lines = told.map(({ subject, body }) => `${subject}  ${body.split("\n")[0]}`);
  const head = `${count} things happened in a short time.` +
    (left === 0 ? "" : ` ${left} of them are left out here.`);
  return { subject: `[${node}] ${count} events`, body: [head, "", ...lines].join("\n") };
}
