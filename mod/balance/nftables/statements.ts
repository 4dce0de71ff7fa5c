/** Statements and expressions of rules in the JSON that nft(8) takes: libnftables-json(5). PURE. */

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** One rule: statements from left to right. */
export type Rule = readonly Json[];

export const SADDR = { 4: header("ip", "saddr"), 6: header("ip6", "saddr") } as const;
export const DADDR = { 4: header("ip", "daddr"), 6: header("ip6", "daddr") } as const;
/** Ports of any protocol that has them where TCP has them: TCP, UDP, SCTP. */
export const SPORT = header("th", "sport");
export const DPORT = header("th", "dport");
export const TCP_FLAGS = header("tcp", "flags");
export const ETHER_TYPE = header("ether", "type");
export const L4PROTO = meta("l4proto");
export const MARK = meta("mark");

/** A packet of a connection that some DNAT rule has redirected. */
export const IS_REDIRECTED: Json = { match: { op: "in", left: { ct: { key: "status" } }, right: "dnat" } };

function header(protocol: string, field: string): Json {
  return { payload: { protocol, field } };
}

export function meta(key: string): Json {
  return { meta: { key } };
}

/** What connection tracking knows of the packet's connection, in one of its directions. */
export function ct(key: string, dir?: "original" | "reply"): Json {
  return { ct: dir === undefined ? { key } : { key, dir } };
}

export function concat(...parts: readonly Json[]): Json {
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : { concat: parts };
}

export function match(left: Json, right: Json, op: "==" | "!=" | "in" = "=="): Json {
  return { match: { op, left, right } };
}

export function anyOf(...members: readonly Json[]): Json {
  return { set: members };
}

/** Which chain for which value of the key; other values go on to the next rule. */
export function dispatch(key: Json, chains: readonly (readonly [value: Json, chain: string])[]): Json {
  return { vmap: { key, data: { set: chains.map(([value, chain]) => [value, goto(chain)]) } } };
}

export function goto(target: string): Json {
  return { goto: { target } };
}

/** Puts the key into a set, or begins its lifetime there anew. */
export function remember(set: string, key: Json, seconds: number): Json {
  return { set: { op: "update", elem: { elem: { val: key, timeout: seconds } }, set: `@${set}` } };
}

/** Takes a key out of a set. */
export function forget(set: string, key: Json): Json {
  return { set: { op: "delete", elem: key, set: `@${set}` } };
}
