/** What the tables of all blocks share while a keepalived.conf is converted. */
import type { Draft, Value } from "./draft.ts";
import type { Files } from "./expand.ts";
import { type Globals, newGlobals } from "./globals.ts";
import type { VrrpInstance } from "./instance.ts";
import type { Row } from "./report.ts";
import type { Tracker } from "./trackers.ts";

export interface Conversion {
  readonly draft: Draft;
  /** The blocks that know a keyword. */
  readonly blocksOf: (keyword: string) => readonly string[];
  readonly rows: Row[];
  /** How many words were no keywords so far. */
  readonly unknown: { count: number };
  /** Where the script files are that it names. */
  readonly files: Files;
  /**
   * What can only be said when all blocks are known, because a later one may matter; called in this order
   * once the last statement is read.
   */
  readonly later: (() => void)[];
  /** What global_defs says, and keepalived's defaults for what it does not. */
  readonly globals: Globals;
  /** Every vrrp_instance, by name. */
  readonly instances: Map<string, VrrpInstance>;
  /** What can be tracked, by kind and name. */
  readonly trackers: Map<string, Tracker>;
  /** Names in vipd.toml by what they stand for: see `nameFor`. */
  readonly names: Map<string, string>;
  /** virtual_server_group: its `addresses`, by name. */
  readonly addressGroups: Map<string, readonly Value[]>;
  /** SSL: what SSL_GET shows of itself. */
  readonly clientCertificate: { cert?: string; key?: string };
}

export function newConversion(rows: Row[], files: Files, blocksOf: Conversion["blocksOf"]): Conversion {
  return {
    ...{ draft: [], rows, unknown: { count: 0 }, files, blocksOf, later: [], globals: newGlobals() },
    ...{ instances: new Map(), trackers: new Map(), names: new Map(), addressGroups: new Map() },
    clientCertificate: {},
  };
}

const NAME_MAX = 64;

/**
 * A name for a table of vipd.toml, the same for the same thing: letters, digits and `_ . -`, not used by
 * another table of that kind. `owner` tells things of the same name apart, as a script and a file.
 */
export function nameFor({ names }: Conversion, table: string, owner: string, wanted: string): string {
  const key = JSON.stringify([table, owner, wanted]);
  const known = names.get(key);
  if (known !== undefined) return known;
  // No table of vipd.toml may be called like an object's prototype.
  const base =
    wanted.replace(/^__proto__$/, "proto").replaceAll(/[^\p{L}\p{N}_.\-]+/gu, "_").slice(0, NAME_MAX - 4) ||
    owner;
  const taken = (name: string): boolean => names.has(JSON.stringify([table, name]));
  let name = base;
  for (let i = 2; taken(name); i++) name = `${base}_${i}`;
  names.set(key, name);
  names.set(JSON.stringify([table, name]), name);
  return name;
}

/** The virtual router that a vrrp_instance becomes. */
export function routerName(conversion: Conversion, instance: string): string {
  return nameFor(conversion, "virtual_router", "vrrp_instance", instance);
}
