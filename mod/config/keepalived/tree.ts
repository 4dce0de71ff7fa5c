/** What a keepalived.conf says once it is read: statements, their words, and where each stands. */

export interface Place {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based; of the whole line where a word came out of a definition. */
  readonly column: number;
}

export interface Word {
  readonly text: string;
  /** It stood in double quotes. */
  readonly quoted: boolean;
  readonly at: Place;
}

/** A keyword with what follows it. */
export interface Statement {
  readonly keyword: Word;
  readonly args: readonly Word[];
  /** Null: no braces. */
  readonly block: readonly Statement[] | null;
  /** The lines of a block that holds values, as `virtual_ipaddress` does; null: no braces. */
  readonly raw: readonly (readonly Word[])[] | null;
  /** All of it on one line, without comments: what has quotes of its own is split anew from here. */
  readonly line: string;
}

/** A line as keepalived sees it: without comments, with its definitions put in, never empty. */
export interface Line {
  readonly text: string;
  readonly at: Place;
  /** It stands in the file as it is: columns can be counted. */
  readonly isVerbatim: boolean;
}
