/** Scripts of keepalived.conf: what is run, by whom, and what keepalived makes of how it is written. */
import { splitCommand } from "./lexer.ts";
import type { Tell } from "./report.ts";
import type { Statement } from "./tree.ts";

export interface Script {
  /** Program and arguments; never empty. */
  readonly argv: readonly string[];
  readonly user?: string;
  readonly group?: string;
}

/**
 * The script of `keyword SCRIPT [USER [GROUP]]`; a script with arguments stands in quotes. `takesUser`: false
 * where the user is a keyword of its own.
 */
export function scriptOf(statement: Statement, takesUser: boolean, tell: Tell): Script | undefined {
  const keyword = statement.keyword.text;
  const words = splitCommand(statement.line, true);
  const [, text, user, group, ...more] = words ?? [];
  const argv = text === undefined ? [] : splitCommand(text);
  if (words === null || argv === null) {
    tell.refuse("a quote or a backslash has no end: keepalived runs nothing");
    return undefined;
  }
  if (argv.length === 0) {
    tell.refuse(`${keyword} names no program`);
    return undefined;
  }
  const extra = takesUser ? more : [user, group, ...more].filter((word) => word !== undefined);
  const looksLikeArgument = takesUser &&
    [user, group].some((word) => word !== undefined && /^[-/]|=/.test(word));
  if (extra.length > 0 || looksLikeArgument) {
    tell.refuse(
      takesUser
        ? "what follows the script is its user and group: put it and its arguments into one pair of quotes"
        : `keepalived runs only "${text}": put it and its arguments into one pair of quotes`,
    );
    return undefined;
  }
  return {
    argv,
    ...(takesUser && user !== undefined ? { user } : {}),
    ...(takesUser && group !== undefined ? { group } : {}),
  };
}
