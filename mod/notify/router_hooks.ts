/** Which programs run when a virtual router or a sync group changes, in which order and with what. PURE. */
import type { Argv, HooksConfig, NotifyConfig } from "../config/notify.ts";
import { hookAccount } from "../hook_account.ts";
import type { HookCall } from "./hooks.ts";
import { argumentsOf, KEEPALIVED_STATES, type KeepalivedState, type Subject } from "./words.ts";

/** What can happen to it: a state begins, or one of these. */
export type RouterNews =
  | { readonly type: "state"; readonly from: RouterStateName; readonly to: RouterStateName }
  | { readonly type: "deleted" }
  /** It is ACTIVE and heard another active router of lower priority; `healed`: and that one has yielded. */
  | { readonly type: "lower_priority" | "healed" };

type RouterStateName = keyof typeof KEEPALIVED_STATES;

/** The programs of one piece of news. */
export interface Told {
  /** Of the configuration. */
  readonly hooks: HooksConfig;
  readonly defaults: Pick<NotifyConfig, "user" | "group">;
  readonly node: string;
  readonly reason: string;
}

/** One word for it: what hooks find in VIPD_EVENT. */
export function eventOf(news: RouterNews): string {
  return news.type === "state" ? HOOK_OF[news.to] : news.type;
}

/** The state that it is told as; null: it is told to nobody but `lower_priority`. */
export function stateOf(news: RouterNews): KeepalivedState | null {
  switch (news.type) {
    case "state":
      return KEEPALIVED_STATES[news.to];
    case "deleted":
      return "DELETED";
    case "healed":
      return "MASTER";
    case "lower_priority":
      return null;
  }
}

const HOOK_OF = { ACTIVE: "active", BACKUP: "backup", FAULT: "fault", INIT: "stop" } as const;

/** The specific program first, then `any`, as keepalived runs them. */
export function callsOf(subject: Subject, news: RouterNews, told: Told): HookCall[] {
  const { hooks } = told;
  const state = stateOf(news);
  const specific = news.type === "healed" ? "active" : news.type === "state" ? HOOK_OF[news.to] : news.type;
  const env = environmentOf(subject, news, told);
  const limits = { env, timeout: hooks.timeout, ...hookAccount(hooks, told.defaults) };
  const call = (hook: "any" | typeof specific, more: readonly string[] = []): HookCall[] => {
    const argv: Argv | undefined = hooks[hook];
    return argv === undefined ? [] : [{ hook, argv: [...argv, ...more], ...limits }];
  };
  return [...call(specific), ...(state === null ? [] : call("any", argumentsOf(subject, state)))];
}

function environmentOf(
  { kind, name, priority }: Subject,
  news: RouterNews,
  { node, reason }: Told,
): Record<string, string> {
  return {
    VIPD_NODE: node,
    [kind === "sync_group" ? "VIPD_SYNC_GROUP" : "VIPD_VIRTUAL_ROUTER"]: name,
    VIPD_EVENT: eventOf(news),
    VIPD_STATE: news.type === "state" ? news.to : news.type === "deleted" ? "INIT" : "ACTIVE",
    ...(news.type === "state" ? { VIPD_FROM: news.from } : {}),
    ...(kind === "sync_group" ? {} : { VIPD_PRIORITY: String(priority) }),
    VIPD_REASON: reason,
  };
}
