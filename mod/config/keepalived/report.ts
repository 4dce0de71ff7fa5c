/** What a conversion has to tell: one row for each statement of keepalived.conf, and for what is wrong. */
import type { Place } from "./tree.ts";

/**
 * - converted: it stands in vipd.toml
 * - obsolete: keepalived has a newer word for it, or none
 * - nothing to do: it has no effect, or vipd does it by itself
 * - refused: it is not in the result
 */
export type Outcome = "converted" | "obsolete" | "nothing to do" | "refused";

export interface Row {
  readonly at: Place;
  /** Empty: it is about the text, not about a keyword. */
  readonly keyword: string;
  readonly outcome: Outcome;
  /** What behaves otherwise, what replaces it, or why it is refused; empty: converted as it stands. */
  readonly message: string;
  /** Without it the result would be another service than the file describes: nothing is written. */
  readonly blocks: boolean;
}

/** Tells about one statement. */
export interface Tell {
  /** Converted, with something to know about it. */
  note(message: string): void;
  obsolete(message: string): void;
  nothing(message: string): void;
  /** Not in the result, which is usable all the same. */
  omit(message: string): void;
  /** Not in the result, which must not be used without. */
  refuse(message: string): void;
}

export function teller(rows: Row[], at: Place, keyword: string): Tell {
  const tell = (outcome: Outcome, blocks = false) => (message: string): void => {
    rows.push({ at, keyword, outcome, message, blocks });
  };
  return {
    note: tell("converted"),
    obsolete: tell("obsolete"),
    nothing: tell("nothing to do"),
    omit: tell("refused"),
    refuse: tell("refused", true),
  };
}

/** `keepalived.conf:14:5` */
export function formatPlace({ file, line, column }: Place): string {
  return line === 0 ? file : `${file}:${line}:${column}`;
}
