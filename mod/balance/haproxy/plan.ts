/** From the state of haproxy's servers to the commands that make it what it shall be. PURE. */
import type { Drift } from "../model.ts";
import type { ServerState } from "./answers.ts";
import type { Proxy, Slot } from "./proxy.ts";

export interface Plan {
  /** For the runtime socket, in this order. */
  readonly commands: readonly string[];
  /** What somebody else has changed. */
  readonly drift: readonly Drift[];
}

/** What was made so last, by `slotKey`; anything else that is found there is somebody else's doing. */
export type Made = ReadonlyMap<string, Pick<Slot, "state" | "weight">>;

/** Servers that haproxy does not have are left out: the configuration with them is yet to come. */
export function plan(proxies: readonly Proxy[], actual: readonly ServerState[], made: Made): Plan {
  const there = new Map(actual.map((server) => [slotKey(server.proxy, server.server), server]));
  const commands: string[] = [];
  const drift: Drift[] = [];
  for (const proxy of proxies) {
    for (const slot of proxy.slots) {
      const key = slotKey(proxy.name, slot.name);
      const server = there.get(key);
      if (server === undefined) continue;
      commands.push(...commandsFor(key, slot, server));
      const before = made.get(key);
      if (before !== undefined) drift.push(...driftOf(proxy, slot, before, server));
    }
  }
  return { commands, drift };
}

export function slotKey(proxy: string, slot: string): string {
  return `${proxy}/${slot}`;
}

/** The weight first: a server that begins to serve begins with its own. */
function commandsFor(key: string, slot: Slot, server: ServerState): string[] {
  return [
    ...(slot.state === "ready" && slot.weight !== server.weight
      ? [`set server ${key} weight ${slot.weight}`]
      : []),
    ...(slot.state === server.state ? [] : [`set server ${key} state ${slot.state}`]),
  ];
}

function driftOf(
  { key }: Proxy,
  { name }: Slot,
  before: Pick<Slot, "state" | "weight">,
  server: ServerState,
): Drift[] {
  if (server.state !== before.state) {
    return [{ key, what: `server ${name} was set to ${server.state}, not ${before.state}` }];
  }
  if (before.state === "ready" && server.weight !== before.weight) {
    return [{ key, what: `server ${name} had weight ${server.weight} instead of ${before.weight}` }];
  }
  return [];
}
