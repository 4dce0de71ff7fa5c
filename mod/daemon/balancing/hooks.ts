/** Runs what operators want to be run when a virtual server changes: one after the other for each of them. */
import { describe, type Host, runAsOf } from "../../../checks/check.ts";
import { formatMs, within } from "../../../checks/deadline.ts";
import { describeEnd } from "../../../checks/exec.ts";
import type { BalanceNotifyConfig } from "../../config/virtual_server.ts";
import { logger } from "../../log.ts";

/** Of a virtual server whose hooks take longer than its changes, the oldest that wait are left out. */
const MAX_WAITING = 32;

const log = logger("notify");

export type Hook = "quorum_up" | "quorum_down" | "up" | "down";

export interface Notice {
  readonly virtualServer: string;
  readonly hook: Hook;
  /** Of `up` and `down`. */
  readonly realServer?: string;
  readonly reason: string;
  readonly config: BalanceNotifyConfig;
}

export class Hooks {
  readonly #host: Host;
  /** By virtual server: what waits, while something runs. */
  readonly #waiting = new Map<string, Notice[]>();
  readonly #running = new Map<string, Promise<void>>();

  constructor(host: Host) {
    this.#host = host;
  }

  /** A virtual server whose hooks run. */
  get busy(): string | undefined {
    return this.#running.keys().next().value;
  }

  notify(notice: Notice): void {
    const { virtualServer, hook, config } = notice;
    if (config[hook] === undefined) return;
    const waiting = [...this.#waiting.get(virtualServer) ?? [], notice];
    const left = waiting.length > MAX_WAITING ? waiting.shift() : undefined;
    if (left !== undefined) log.warn("hook_left_out {name} {hook}", { name: virtualServer, hook: left.hook });
    this.#waiting.set(virtualServer, waiting);
    if (this.#running.has(virtualServer)) return;
    this.#running.set(virtualServer, this.#work(virtualServer));
  }

  /** Resolves when nothing runs and nothing waits. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }

  async #work(virtualServer: string): Promise<void> {
    for (;;) {
      const notice = this.#waiting.get(virtualServer)?.shift();
      if (notice === undefined) break;
      await this.#run(notice, notice.config[notice.hook]!);
    }
    this.#waiting.delete(virtualServer);
    this.#running.delete(virtualServer);
  }

  async #run(notice: Notice, argv: readonly string[]): Promise<void> {
    const { virtualServer, hook, realServer = "", reason, config } = notice;
    const problem = await this.#problem(notice, argv);
    const fields = { name: virtualServer, hook, real_server: realServer, reason, program: argv[0] };
    if (problem === null) log.info("hook {name} {hook}", fields);
    else {log.error("hook_failed {name} {hook}: {problem}", {
        ...fields,
        problem,
        timeout_ms: config.timeout,
      });}
  }

  async #problem(notice: Notice, argv: readonly string[]): Promise<string | null> {
    const { virtualServer, hook, realServer, reason, config } = notice;
    const env = {
      VIPD_VIRTUAL_SERVER: virtualServer,
      VIPD_EVENT: hook,
      VIPD_REASON: reason,
      ...(realServer === undefined ? {} : { VIPD_REAL_SERVER: realServer }),
    };
    const command = { argv, env, ...runAsOf(config) };
    try {
      const late = `not done within ${formatMs(config.timeout)}`;
      const never = new AbortController().signal;
      const result = await within(config.timeout, late, never, (limit) => this.#host.run(command, limit));
      return result.code === 0 ? null : describeEnd(result);
    } catch (error) {
      return describe(error);
    }
  }
}
