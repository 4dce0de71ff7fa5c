/**
 * Rules that pick the destination of a new connection: the one that keeps the client, or the next one. PURE.
 */
import type { Match, Persistence, Service } from "../model.ts";
import { formatAddress } from "../../wire/address.ts";
import { stickySet } from "./names.ts";
import { schedule, type Selector } from "./schedule.ts";
import {
  concat,
  DADDR,
  dispatch,
  goto,
  type Json,
  L4PROTO,
  match,
  type Rule,
  SADDR,
  SPORT,
} from "./statements.ts";

/** Any number: two directors must only have the same. */
const HASH_SEED = 0x76697064;

/**
 * `names`: of the destinations; `chains`: where each begins. A destination of weight 0 is not picked, and
 * does not keep its clients either.
 */
export function pick(service: Service, names: readonly string[], chains: readonly string[]): Rule[] {
  const { persistence, destinations, scheduler, flags } = service;
  const live = destinations.flatMap(({ weight }, i) => {
    const [name, chain] = [names[i], chains[i]];
    return weight === 0 || name === undefined || chain === undefined ? [] : [{ name, chain, weight }];
  });
  const rules: Rule[] = persistence === null ? [] : live.map(({ name, chain }) => [
    match(stickyKey(service, persistence), `@${stickySet(name)}`),
    goto(chain),
  ]);
  const { selector, slots } = schedule(scheduler, flags, live) ?? { selector: "counter", slots: [] };
  const rows = slots.map((index, slot): [number, string] => [slot, live[index]?.chain ?? ""]);
  const [first] = rows;
  if (first === undefined) return [];
  const isOnly = rows.every(([, chain]) => chain === first[1]);
  return [...rules, [
    isOnly ? goto(first[1]) : dispatch(selection(selector, service.match, rows.length), rows),
  ]];
}

/** What of a client's address tells it from others. */
export function stickyKey({ match: { family } }: Service, { prefix }: Persistence): Json {
  const bits = family === 4 ? 32 : 128;
  return prefix >= bits ? SADDR[family] : { "&": [SADDR[family], mask(prefix, bits / 8)] };
}

/**
 * A connection that nobody can take is refused at once, where it would reach a server of this host otherwise.
 */
export function fallThrough(service: Match): Rule[] {
  const refused: Rule = [{ reject: { type: "icmpx", expr: "port-unreachable" } }];
  const reset: Rule = [match(L4PROTO, "tcp"), { reject: { type: "tcp reset" } }];
  return service.kind === "address" && service.protocol !== "tcp" ? [refused] : [reset, refused];
}

function selection(selector: Selector, { family }: Match, slots: number): Json {
  switch (selector) {
    case "counter":
      return { numgen: { mode: "inc", mod: slots } };
    case "client":
      return hashOf(SADDR[family], slots);
    case "client and port":
      return hashOf(concat(SADDR[family], SPORT), slots);
    case "destination":
      return hashOf(DADDR[family], slots);
  }
}

function hashOf(expr: Json, mod: number): Json {
  return { jhash: { mod, seed: HASH_SEED, expr } };
}

function mask(prefix: number, octets: number): string {
  const bytes = Uint8Array.from(
    { length: octets },
    (_, i) => 0xff << Math.max(0, Math.min(8, 8 * i + 8 - prefix)),
  );
  return formatAddress(bytes);
}
