/** Tells what happens to virtual servers: a line of the log, a message of `/events`, a hook. */
import type { Host } from "../../../checks/check.ts";
import type { Effect } from "../../balance/server.ts";
import { isUp } from "../../balance/state.ts";
import type { VirtualServer } from "../../balance/virtual_servers.ts";
import type { VirtualServerConfig } from "../../config/virtual_server.ts";
import { logger } from "../../log.ts";
import type { Transition } from "../../snapshot.ts";
import { type Hook, Hooks } from "./hooks.ts";

const log = logger("balance");

export class Teller {
  readonly hooks: Hooks;
  readonly #publish: (transition: Transition) => void;

  constructor(host: Host, publish: (transition: Transition) => void) {
    this.hooks = new Hooks(host);
    this.#publish = publish;
  }

  /** `isServing`: its virtual router, if it follows one, is ACTIVE here; elsewhere no program runs. */
  tell({ name, config }: VirtualServer, effect: Effect, isServing: boolean): void {
    switch (effect.type) {
      case "phase": {
        const { realServer, from, to, reason } = effect;
        return this.#transition("real_server", `${name}/${realServer}`, from, to, reason);
      }
      case "health": {
        const { realServer, isUp, reason } = effect;
        if (!isServing) return;
        return this.#notify(name, config, isUp ? "up" : "down", reason, realServer);
      }
      case "weight": {
        const { realServer, from, to } = effect;
        return log.info("weight {name} {from} -> {to}", { name: `${name}/${realServer}`, from, to });
      }
      case "quorum": {
        const [from, to] = effect.isUp ? ["no quorum", "quorum"] : ["quorum", "no quorum"];
        this.#transition("virtual_server", name, from, to, effect.reason);
        if (!isServing) return;
        return this.#notify(name, config, effect.isUp ? "quorum_up" : "quorum_down", effect.reason);
      }
    }
  }

  /** An end as after a failure of all of it: what hooks have set up is taken down (`omega`). */
  farewell({ name, config, state }: VirtualServer): void {
    const reason = "vipd stops";
    if (state.hasQuorum) this.#notify(name, config, "quorum_down", reason);
    for (const server of config.real_server) {
      if (isUp(state.realServers[server.name]!)) this.#notify(name, config, "down", reason, server.name);
    }
  }

  #transition(kind: Transition["kind"], name: string, from: string, to: string, reason: string): void {
    log.info("transition {name} {from} -> {to}", { name, from, to, reason });
    this.#publish({ at: new Date().toISOString(), kind, name, from, to, reason });
  }

  #notify(name: string, config: VirtualServerConfig, hook: Hook, reason: string, realServer?: string): void {
    const notice = { virtualServer: name, hook, reason, config: config.notify };
    this.hooks.notify(realServer === undefined ? notice : { ...notice, realServer });
  }
}
