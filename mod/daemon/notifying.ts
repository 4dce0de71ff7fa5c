/**
 * Tells programs, FIFOs, webhooks and people what happens here: what each of them wants to hear, in its own
 * form.
 */
import type { Host } from "../../checks/check.ts";
import { monotonicMs } from "../../ffi/clock.ts";
import type { Argv, HooksConfig } from "../config/notify.ts";
import type { Config } from "../config/schema.ts";
import { hookAccount } from "../hook_account.ts";
import { logger } from "../log.ts";
import { type ChannelMemory, Channels } from "../notify/channels.ts";
import { type HookMemory, Hooks, ownerOf } from "../notify/hooks.ts";
import { callsOf, eventOf, type RouterNews, stateOf } from "../notify/router_hooks.ts";
import { sendMail } from "../notify/smtp.ts";
import { Splits } from "../notify/splits.ts";
import { stateLine, stateMail, type Subject, withReason } from "../notify/words.ts";
import type { HookStatus, NotifyStatus, RouterState, Snapshot, Transition } from "../snapshot.ts";
import { VERSION } from "../version.ts";
import type { EngineEvent } from "../vrrp/messages.ts";
import { type ServerNews, tellServer } from "./notifying/servers.ts";

/** At a stop, a program that has been running since before has so long, and all of them together this. */
const STOP_GRACE_MS = 2_000;
const STOP_LIMIT_MS = 5_000;
/** A snapshot that is not there by then is not waited for. */
const SNAPSHOT_MS = 1_000;

const log = logger("notify");

/** What a running vipd leaves to the next image of the program. */
export interface NotifyingEstate {
  readonly hooks: HookMemory;
  readonly channels: ChannelMemory;
  readonly routers: Readonly<Record<string, Known>>;
}

export interface NotifyingParts {
  readonly host: Pick<Host, "run">;
  readonly inherited: NotifyingEstate | null;
  snapshot(): Promise<Snapshot>;
}

/** What is known of a virtual router or a sync group that has been told of. */
interface Known {
  readonly state: RouterState;
  readonly priority: number;
}

type RouterKind = Subject["kind"];

export class Notifying {
  readonly hooks: Hooks;
  readonly #channels: Channels;
  readonly #splits: Splits;
  readonly #parts: NotifyingParts;
  /** By `virtual_router/VI_1`. */
  readonly #known: Map<string, Known>;
  /** Taken out by a reload and still leaving: what they wanted to be told. */
  readonly #removed = new Map<string, HooksConfig>();
  #config: Config | null = null;

  constructor(parts: NotifyingParts) {
    const { host, inherited } = parts;
    this.#parts = parts;
    this.hooks = new Hooks(host, inherited?.hooks);
    this.#known = new Map(Object.entries(inherited?.routers ?? {}));
    const random = Math.random;
    this.#channels = new Channels({
      host,
      webhook: { fetch, random, version: VERSION },
      mail: {
        now: monotonicMs,
        random,
        send: (...mail) => sendMail(Deno.hostname(), ...mail),
      },
    }, inherited?.channels);
    this.#splits = new Splits({
      began: (news) => this.#hearRival(news, "lower_priority"),
      healed: (news) => this.#hearRival(news, "healed"),
    });
  }

  /** To be called before the virtual routers hear of it: who is taken out is told so when it has left. */
  configure(config: Config): void {
    const before = this.#config;
    this.#config = config;
    this.hooks.configure(programsOf(config));
    this.#channels.configure(config);
    for (const kind of ["virtual_router", "sync_group"] as const) {
      for (const name of Object.keys(config[kind])) this.#removed.delete(ownerOf(kind, name));
      for (const [name, { notify }] of Object.entries(before?.[kind] ?? {})) {
        if (!Object.hasOwn(config[kind], name)) this.#remove(kind, name, notify);
      }
    }
  }

  /** Something has happened, and is published. */
  hear(transition: Transition): void {
    const { kind, name, from, to, reason, priority } = transition;
    if (kind !== "virtual_router" && kind !== "sync_group") return this.#post(transition);
    const owner = ownerOf(kind, name);
    const known = this.#known.get(owner);
    const state = to as RouterState;
    this.#known.set(owner, { state, priority: priority ?? known?.priority ?? 0 });
    if (state !== "ACTIVE") this.#splits.forget(name);
    const removed = this.#removed.get(owner);
    if (removed !== undefined && state === "INIT") {
      this.#removed.delete(owner);
      return this.#delete(kind, name, removed, transition);
    }
    this.#tell(kind, name, { type: "state", from: from as RouterState, to: state }, reason, transition);
  }

  hearEngine(event: EngineEvent & { type: "rival" | "priority" }): void {
    if (event.type === "rival") return this.#splits.hear(event);
    const { name, state, priority } = event;
    const owner = ownerOf("virtual_router", name);
    const known = this.#known.get(owner);
    if (known !== undefined) this.#known.set(owner, { ...known, priority });
    if (this.#config?.notify.priority_changes !== true) return;
    const word = state === "ACTIVE" ? "MASTER_PRIORITY" : "BACKUP_PRIORITY";
    this.#channels.line("virtual_router", stateLine({ kind: "virtual_router", name, priority }, word));
  }

  /** What has happened to a virtual server or to one of its real servers, where that counts. */
  hearServer(news: ServerNews): void {
    if (this.#config === null) return;
    tellServer(news, {
      config: this.#config,
      hooks: this.hooks,
      channels: this.#channels,
      document: () => this.#snapshotOf("virtual_server", news.server.name, news),
    });
  }

  /** Before anything takes part. */
  startup(): Promise<void> {
    return this.#runAlone("startup");
  }

  /** After everything has left. */
  shutdown(): Promise<void> {
    return this.#runAlone("shutdown");
  }

  /** Whose programs run; undefined: nobody's. */
  get busy(): string | undefined {
    const { busy } = this.hooks;
    return busy === undefined ? undefined : `a hook of ${busy} is running`;
  }

  hooksOf(kind: "virtual_router" | "sync_group" | "virtual_server", name: string): HookStatus[] {
    return this.hooks.status(ownerOf(kind, name));
  }

  status(): NotifyStatus {
    return { hooks: this.hooks.status(NODE), ...this.#channels.status() };
  }

  /** The virtual routers have let go. Programs and receivers hear of it, in bounded time. */
  async stop(): Promise<void> {
    this.#splits.stop();
    await Promise.all([this.hooks.stop(STOP_GRACE_MS, STOP_LIMIT_MS), this.#channels.stop()]);
  }

  /** To be called when no program runs. */
  suspend(): Promise<void> {
    return this.#channels.suspend();
  }

  resume(): void {
    this.#channels.resume();
  }

  estate(): NotifyingEstate {
    return {
      hooks: this.hooks.memory(),
      channels: this.#channels.memory(),
      routers: Object.fromEntries(this.#known),
    };
  }

  #remove(kind: RouterKind, name: string, hooks: HooksConfig): void {
    const owner = ownerOf(kind, name);
    const { state = "INIT" } = this.#known.get(owner) ?? {};
    // A group leaves with its members, and has no state of its own any more.
    if (kind === "virtual_router" && state !== "INIT") this.#removed.set(owner, hooks);
    else this.#delete(kind, name, hooks);
  }

  #delete(kind: RouterKind, name: string, hooks: HooksConfig, transition?: Transition): void {
    this.#tell(kind, name, { type: "deleted" }, "removed from the configuration", transition, hooks);
    this.#known.delete(ownerOf(kind, name));
  }

  #hearRival(
    { name, rival, priority }: EngineEvent & { type: "rival" },
    type: "lower_priority" | "healed",
  ): void {
    const owner = ownerOf("virtual_router", name);
    if (this.#known.get(owner)?.state !== "ACTIVE") return;
    const { source, priority: theirs } = rival;
    const who = theirs === null ? source : `${source} (priority ${theirs})`;
    const reason = type === "healed"
      ? `${who} is active no more: the split brain is over`
      : `${who} was active too, with a lower priority than ${priority}`;
    log.info(`${type} {name}: {reason}`, { name, reason });
    if (type === "lower_priority") {
      const line = stateLine({ kind: "virtual_router", name, priority }, "MASTER_RX_LOWER_PRI");
      this.#channels.line("virtual_router", line);
    }
    this.#tell("virtual_router", name, { type }, reason);
  }

  #tell(
    kind: RouterKind,
    name: string,
    news: RouterNews,
    reason: string,
    transition?: Transition,
    removed?: HooksConfig,
  ): void {
    const config = this.#config;
    const hooks = removed ?? config?.[kind][name]?.notify ?? this.#removed.get(ownerOf(kind, name));
    // Of what a reload has replaced under the same name nobody wants to hear.
    if (config === null || hooks === undefined) return;
    const event = eventOf(news);
    const owner = ownerOf(kind, name);
    const subject = { kind, name, priority: this.#known.get(owner)?.priority ?? 0 };
    const document = once(() => this.#snapshotOf(kind, name, transition ?? { kind, name, event, reason }));
    const told = { hooks, defaults: config.notify, node: config.node.name, reason };
    const isState = news.type === "state" || news.type === "deleted";
    this.hooks.tell({
      owner,
      topic: isState ? "state" : news.type,
      outdates: isState ? ["lower_priority", "healed"] : [],
      event,
      calls: callsOf(subject, news, told),
      input: document,
    });
    const state = stateOf(news);
    if (isState && state !== null) {
      this.#channels.line("virtual_router", stateLine(subject, state));
      this.#mail(subject, state, hooks.mail, reason);
    }
    this.#channels.post(kind, hooks.webhook, document);
  }

  #mail(
    subject: Subject,
    state: NonNullable<ReturnType<typeof stateOf>>,
    wanted: boolean | undefined,
    reason: string,
  ): void {
    const { mail, node } = this.#config!;
    if (mail === undefined || !(wanted ?? mail.virtual_routers)) return;
    const text = stateMail(node.name, subject, state);
    if (text !== null) this.#channels.mail(withReason(text, reason, new Date().toISOString()));
  }

  #post(transition: Transition): void {
    const { kind, name } = transition;
    const [server = ""] = name.split("/");
    const table = kind === "virtual_server" || kind === "real_server" ? "virtual_server" : null;
    const own = table === null ? undefined : this.#config?.virtual_server[server]?.notify.webhook;
    this.#channels.post(kind, own, once(() => this.#snapshotOf(table, server, transition)));
  }

  /** What programs read and receivers are sent: who tells, what happened, and how it is now. */
  async #snapshotOf(
    kind: RouterKind | "virtual_server" | null,
    name: string,
    transition: object,
  ): Promise<string> {
    const node = this.#config!.node.name;
    const snapshot = await within(SNAPSHOT_MS, this.#parts.snapshot());
    const tables: Partial<Record<string, readonly { readonly name: string }[]>> = {
      virtual_router: snapshot?.virtual_routers ?? [],
      sync_group: snapshot?.sync_groups ?? [],
      virtual_server: snapshot?.virtual_servers ?? [],
    };
    const found = kind === null ? null : tables[kind]?.find((one) => one.name === name) ?? null;
    return JSON.stringify({ node, transition, ...(kind === null ? {} : { [kind]: found }) });
  }

  async #runAlone(hook: "startup" | "shutdown"): Promise<void> {
    const { notify, node } = this.#config!;
    const argv = notify[hook];
    if (argv === undefined) return;
    const env = { VIPD_NODE: node.name, VIPD_EVENT: hook };
    const call = { hook, argv, env, timeout: notify[`${hook}_timeout`], ...hookAccount({}, notify) };
    this.hooks.tell({ owner: NODE, topic: hook, event: hook, calls: [call] });
    await this.hooks.idle();
  }
}

/** The owner of what the daemon itself runs. */
const NODE = "node";

/** The programs of each owner, by the key that names them. */
function programsOf(config: Config): Map<string, Record<string, Argv>> {
  const { startup, shutdown } = config.notify;
  const own = {
    ...(startup === undefined ? {} : { startup }),
    ...(shutdown === undefined ? {} : { shutdown }),
  };
  const kinds = ["virtual_router", "sync_group", "virtual_server"] as const;
  return new Map([
    [NODE, own],
    ...kinds.flatMap((kind) =>
      Object.entries(config[kind]).map(([name, { notify }]): [string, Record<string, Argv>] => [
        ownerOf(kind, name),
        Object.fromEntries(Object.entries(notify).filter(([, value]) => Array.isArray(value))) as Record<
          string,
          Argv
        >,
      ])
    ),
  ]);
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}

/** Null when it is not there in time, or never will be. */
async function within<T>(ms: number, work: Promise<T>): Promise<T | null> {
  const { promise, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), ms);
  const result = await Promise.race([work.catch(() => null), promise]);
  clearTimeout(timer);
  return result;
}
