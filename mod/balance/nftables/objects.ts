/** What tables are made of: chains, sets, maps, counters, each with a name and its content. PURE. */
import type { Json, Rule } from "./statements.ts";

/** The tables that are vipd's own. Both have the same name; packets meet them at different places. */
export type Family = "inet" | "netdev";
export const TABLE = "vipd";

/** Where a chain hangs in the kernel. */
export interface Hook {
  readonly type: "nat" | "filter";
  readonly hook: "prerouting" | "output" | "postrouting" | "ingress";
  readonly prio: number;
  /** The interface of an ingress hook. */
  readonly dev?: string;
}

interface Named {
  readonly family: Family;
  readonly name: string;
  /** `serviceKey` of the service that it belongs to; null for what all share. */
  readonly owner: string | null;
}

export interface Chain extends Named {
  readonly kind: "chain";
  readonly hook: Hook | null;
  readonly rules: readonly Rule[];
}

/** Filled by packets: what we write leaves its elements alone. */
export interface LearningSet extends Named {
  readonly kind: "set";
  readonly type: Json;
}

/** Filled by us: what counts for which connection, or a set of connections. */
export interface Table extends Named {
  readonly kind: "map" | "table";
  readonly type: Json;
  /** Text of the key -> element. */
  readonly elements: ReadonlyMap<string, Json>;
}

export interface Counter extends Named {
  readonly kind: "counter";
}

export type Thing = Chain | LearningSet | Table | Counter;

/** Tells it from all others. */
export function idOf({ family, kind, name }: Pick<Thing, "family" | "kind" | "name">): string {
  return `${family} ${kind === "table" ? "set" : kind} ${name}`;
}

/** At most so many clients are remembered by one set; the kernel takes memory as they come. */
const LEARNED = 1 << 20;

/** The object of an `add` command, without its content. */
export function declaration(thing: Thing): Json {
  const head = { family: thing.family, table: TABLE, name: thing.name };
  switch (thing.kind) {
    case "chain":
      return { chain: thing.hook === null ? head : { ...head, ...thing.hook, policy: "accept" } };
    case "set":
      return { set: { ...head, type: thing.type, flags: ["timeout"], size: LEARNED } };
    case "table":
      return { set: { ...head, type: thing.type } };
    case "map":
      return { map: { ...head, type: thing.type, map: "counter" } };
    case "counter":
      return { counter: head };
  }
}
