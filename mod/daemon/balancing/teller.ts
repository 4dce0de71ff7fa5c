/** Tells what happens to virtual servers: a line of the log, a message of `/events`, a hook. */
import type { Effect } from "../../balance/server.ts";
import { isUp } from "../../balance/state.ts";
import type { VirtualServer } from "../../balance/virtual_servers.ts";
import { logger } from "../../log.ts";
import type { Transition } from "../../snapshot.ts";
import type { ServerNews } from "../notifying/servers.ts";

const log = logger("balance");

/** Whom it tells. */
export interface Audience {
  publish(transition: Transition): void;
  /** Programs, FIFOs and people. */
  notify(news: ServerNews): void;
}

export class Teller {
  readonly #audience: Audience;

  constructor(audience: Audience) {
    this.#audience = audience;
  }

  /** `isServing`: its virtual router, if it follows one, is ACTIVE here; elsewhere no program runs. */
  tell(server: VirtualServer, effect: Effect, isServing: boolean): void {
    const { name } = server;
    const { notify } = this.#audience;
    switch (effect.type) {
      case "phase": {
        const { realServer, from, to, reason } = effect;
        return this.#transition("real_server", `${name}/${realServer}`, from, to, reason);
      }
      case "health": {
        const { realServer, isUp, reason } = effect;
        if (!isServing) return;
        return notify({ server, realServer, isUp, reason });
      }
      case "weight": {
        const { realServer, from, to } = effect;
        return log.info("weight {name} {from} -> {to}", { name: `${name}/${realServer}`, from, to });
      }
      case "quorum": {
        const [from, to] = effect.isUp ? ["no quorum", "quorum"] : ["quorum", "no quorum"];
        this.#transition("virtual_server", name, from, to, effect.reason);
        if (!isServing) return;
        return notify({ server, isUp: effect.isUp, reason: effect.reason });
      }
    }
  }

  /** An end as after a failure of all of it: what hooks have set up is taken down (`omega`). */
  farewell(server: VirtualServer): void {
    const { notify } = this.#audience;
    const { config, state } = server;
    const gone = { server, isUp: false, reason: "vipd stops" } as const;
    if (state.hasQuorum) notify(gone);
    for (const { name } of config.real_server) {
      if (isUp(state.realServers[name]!)) notify({ ...gone, realServer: name });
    }
  }

  #transition(kind: Transition["kind"], name: string, from: string, to: string, reason: string): void {
    log.info("transition {name} {from} -> {to}", { name, from, to, reason });
    this.#audience.publish({ at: new Date().toISOString(), kind, name, from, to, reason });
  }
}
