/**
 * Everybody who is told but the programs of hooks: FIFOs, webhooks, mail. What a reload leaves as it was goes
 * on.
 */
import type { Host } from "../../checks/check.ts";
import type { Config } from "../config/schema.ts";
import type { FifoConfig, WebhookConfig } from "../config/notify.ts";
import { fingerprint } from "../fingerprint.ts";
import { hookAccount } from "../hook_account.ts";
import type { NotifyStatus, Transition } from "../snapshot.ts";
import { Fifo } from "./fifo.ts";
import { type Mail, Mailer, type MailerParts } from "./mail.ts";
import { Webhook, type WebhookParts } from "./webhook.ts";

/** At a stop, and when a reload has taken a receiver out, what waits has so long. */
const FLUSH_MS = 3_000;
/** A webhook that stands with a virtual router or server has the defaults of the others. */
const DEFAULTS = { events: [], headers: {}, timeout: 5_000, attempts: 5 } as const;

export interface ChannelParts {
  readonly host: Pick<Host, "run">;
  readonly webhook: WebhookParts;
  readonly mail: Omit<MailerParts, "node">;
}

/** What was not delivered, for the next image of the program: by configuration. */
export interface ChannelMemory {
  readonly webhooks: Readonly<Record<string, readonly string[]>>;
  readonly mail: readonly Mail[];
}

export class Channels {
  readonly #parts: ChannelParts;
  readonly #fifos = new Map<string, Fifo>();
  readonly #webhooks = new Map<string, Webhook>();
  #mailer: Mailer | null = null;
  #config: Config | null = null;
  #memory: ChannelMemory;
  #isSuspended = false;

  constructor(parts: ChannelParts, inherited: ChannelMemory = { webhooks: {}, mail: [] }) {
    this.#parts = parts;
    this.#memory = inherited;
  }

  configure(config: Config): void {
    this.#config = config;
    const { notify, mail } = config;
    const fifos = new Map(notify.fifos.map((one) => [fingerprint([one, hookAccount(one, notify)]), one]));
    const webhooks = new Map(webhooksOf(config).map((one) => [fingerprint(one), one]));
    for (const [key, fifo] of this.#fifos) {
      if (fifos.has(key)) continue;
      this.#fifos.delete(key);
      void fifo.stop({ keep: notify.fifos.some(({ path }) => path === fifo.config.path) });
    }
    for (const [key, one] of fifos) if (!this.#fifos.has(key)) this.#fifos.set(key, this.#fifo(one, config));
    for (const [key, webhook] of this.#webhooks) {
      if (webhooks.has(key)) continue;
      this.#webhooks.delete(key);
      void webhook.stop(FLUSH_MS);
    }
    for (const [key, one] of webhooks) if (!this.#webhooks.has(key)) this.#addWebhook(key, one);
    if (fingerprint([this.#mailer?.config ?? null]) !== fingerprint([mail ?? null])) this.#setMailer(config);
  }

  /** keepalived's line to the FIFOs that want to hear of these. */
  line(about: Exclude<FifoConfig["events"], "all">, line: string): void {
    for (const fifo of this.#fifos.values()) {
      if (["all", about].includes(fifo.config.events)) fifo.tell(line);
    }
  }

  /** To the webhooks that want to hear of this kind, and to the one that stands with what it is about. */
  post(kind: Transition["kind"], own: string | undefined, document: () => Promise<string>): void {
    const wanted = [...this.#webhooks.values()].filter(({ config }) =>
      (config.events as readonly string[]).includes(kind) || config.url === own
    );
    if (wanted.length === 0) return;
    const body = document();
    for (const webhook of wanted) webhook.tell(body);
  }

  mail(mail: Mail): void {
    this.#mailer?.tell(mail);
  }

  status(): Omit<NotifyStatus, "hooks"> {
    return {
      fifos: [...this.#fifos.values()].map((fifo) => fifo.status()),
      webhooks: [...this.#webhooks.values()].map((webhook) => webhook.status()),
      mail: this.#mailer?.status() ?? null,
    };
  }

  async stop(): Promise<void> {
    await Promise.all([
      ...[...this.#fifos.values()].map((fifo) => fifo.stop({ keep: false })),
      ...[...this.#webhooks.values()].map((webhook) => webhook.stop(FLUSH_MS)),
      this.#mailer?.stop(FLUSH_MS),
    ]);
  }

  /** Ends what runs and keeps what is not delivered, for `resume` or for the next image of the program. */
  async suspend(): Promise<void> {
    if (this.#isSuspended) return;
    this.#isSuspended = true;
    await Promise.all([
      ...[...this.#fifos.values()].map((fifo) => fifo.stop({ keep: true })),
      ...[...this.#webhooks.values()].map((webhook) => webhook.suspend()),
      this.#mailer?.suspend(),
    ]);
  }

  resume(): void {
    if (!this.#isSuspended || this.#config === null) return;
    this.#memory = this.memory();
    this.#isSuspended = false;
    // One that had something to tell meanwhile has opened its pipe again.
    for (const fifo of this.#fifos.values()) void fifo.stop({ keep: true });
    this.#fifos.clear();
    this.#webhooks.clear();
    this.#mailer = null;
    this.configure(this.#config);
  }

  /** Of what came while all was suspended too: a handover may have been under way. */
  memory(): ChannelMemory {
    if (!this.#isSuspended) return this.#memory;
    const webhooks = [...this.#webhooks].map(([key, { waiting }]) => [key, waiting] as const);
    return { webhooks: Object.fromEntries(webhooks), mail: this.#mailer?.waiting ?? [] };
  }

  #fifo(fifo: FifoConfig, { notify }: Config): Fifo {
    return new Fifo(fifo, hookAccount(fifo, notify), this.#parts.host);
  }

  #addWebhook(key: string, config: WebhookConfig): void {
    const webhook = new Webhook(config, this.#parts.webhook);
    for (const body of this.#memory.webhooks[key] ?? []) webhook.tell(Promise.resolve(body));
    const { [key]: _, ...webhooks } = this.#memory.webhooks;
    this.#memory = { ...this.#memory, webhooks };
    this.#webhooks.set(key, webhook);
  }

  #setMailer({ mail, node }: Config): void {
    void this.#mailer?.stop(FLUSH_MS);
    this.#mailer = mail === undefined ? null : new Mailer(mail, { ...this.#parts.mail, node: node.name });
    for (const one of this.#memory.mail) this.#mailer?.tell(one);
    this.#memory = { ...this.#memory, mail: [] };
  }
}

/** One for each URL that a virtual router, group or server names and that is not among the others. */
function webhooksOf({ notify, virtual_router, sync_group, virtual_server }: Config): WebhookConfig[] {
  const owners = [virtual_router, sync_group, virtual_server].flatMap((table) => Object.values(table));
  const named = new Set(owners.flatMap(({ notify: { webhook } }) => webhook ?? []));
  for (const { url } of notify.webhooks) named.delete(url);
  return [...notify.webhooks, ...[...named].map((url): WebhookConfig => ({ url, ...DEFAULTS, events: [] }))];
}
