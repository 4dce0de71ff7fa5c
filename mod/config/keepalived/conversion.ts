/** What the tables of all blocks share while a keepalived.conf is converted. */
import type { Draft, Value } from "./draft.ts";
import type { Files } from "./expand.ts";
import type { Row } from "./report.ts";
import type { Tracker } from "./trackers.ts";

export interface Conversion {
  readonly draft: Draft;
  readonly rows: Row[];
  /** Where the script files are that it names. */
  readonly files: Files;
  /**
   * What can only be said when all blocks are known, because a later one may matter; called in this order
   * once the last statement is read.
   */
  readonly later: (() => void)[];
  /** What can be tracked, by kind and name. */
  readonly trackers: Map<string, Tracker>;
  /** Names in vipd.toml by what they stand for: as the table and what it is for, in JSON. */
  readonly names: Map<string, string>;
  /** virtual_server_group: its `addresses`, by name. */
  readonly addressGroups: Map<string, readonly Value[]>;
}

export function newConversion(rows: Row[], files: Files): Conversion {
  return {
    draft: [],
    rows,
    files,
    later: [],
    trackers: new Map(),
    names: new Map(),
    addressGroups: new Map(),
  };
}
