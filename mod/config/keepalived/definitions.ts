/** `$NAME` and `${NAME}` of keepalived.conf: what they stand for, and the ones that are always there. */

/** A definition's value: its lines, one unless the definition goes on with a backslash. */
export type Definitions = Map<string, readonly string[]>;

/** What the built-in definitions ask for. */
export interface Surroundings {
  /** `${_INSTANCE}`, and the name that `@id` lines are for. */
  readonly id: string | null;
  /** `${_ENV NAME}` */
  readonly env: (name: string) => string | undefined;
}

/** `$NAME=value`, or null when the line is no definition. */
export function readDefinition(text: string): { readonly name: string; readonly value: string } | null {
  const match = /^\$([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*/.exec(text);
  return match === null ? null : { name: match[1]!, value: text.slice(match[0].length) };
}

export interface Replaced {
  readonly text: string;
  /** The other lines of a definition of several lines, which come after this one. */
  readonly after: readonly string[];
  /** What is wrong with a built-in definition. */
  readonly problems: readonly string[];
}

/**
 * A line may double its length with every definition: this is where that ends, far beyond what any line of a
 * configuration holds.
 */
const LENGTH_MAX = 65_536;
const REPLACEMENTS_MAX = 1_000;

const REFERENCE =
  /\$(?:\{([A-Za-z_][A-Za-z0-9_]*)((?:[ \t]+[A-Za-z0-9_]+)*)\}|([A-Za-z_][A-Za-z0-9_]*)(?=[ \t,)]|$))/g;

/**
 * The line with its definitions put in, and those in what was put in; one that is not defined stays as it
 * stands. `$NAME` needs a blank, a comma or a parenthesis after it. Null: it never ends.
 */
export function replaceDefinitions(
  text: string,
  definitions: Definitions,
  surroundings: Surroundings,
  file: string,
): Replaced | null {
  const problems: string[] = [];
  let after: readonly string[] = [];
  let line = text;
  let from = 0;
  for (let count = 0; count < REPLACEMENTS_MAX && line.length <= LENGTH_MAX;) {
    REFERENCE.lastIndex = from;
    const match = REFERENCE.exec(line);
    if (match === null) return { text: line, after, problems };
    const [whole, braced, params = "", plain] = match;
    const name = braced ?? plain ?? "";
    const end = match.index + whole.length;
    const lines = valueOf(name, params.trim(), definitions, surroundings, file, problems);
    // What has several lines can only stand at the end of one.
    if (lines === null || (lines.length > 1 && end < line.length)) {
      from = match.index + 1;
      continue;
    }
    count++;
    after = [...lines.slice(1), ...after];
    line = line.slice(0, match.index) + (lines[0] ?? "") + line.slice(end);
    from = match.index;
    // Its own variables are put in later, with each value that they take.
    if (/^[ \t]*~(?:SEQ|LST)/.test(lines[0] ?? "")) return { text: line, after, problems };
  }
  return null;
}

function valueOf(
  name: string,
  params: string,
  definitions: Definitions,
  { id, env }: Surroundings,
  file: string,
  problems: string[],
): readonly string[] | null {
  const defined = definitions.get(name);
  if (defined !== undefined) return params === "" ? defined : null;
  switch (name) {
    case "_HASH":
      return ["#"];
    case "_BANG":
      return ["!"];
    case "_PWD":
      return [file.includes("/") ? file.slice(0, file.lastIndexOf("/")) || "/" : "."];
    case "_INSTANCE":
      return [id ?? ""];
    case "_ENV":
      if (params === "") return null;
      if (env(params) === undefined) problems.push(`the environment variable ${params} is not set here`);
      return [env(params) ?? ""];
    case "_RANDOM":
      problems.push("${_RANDOM} is another number at every start: write the one that is meant");
      return ["0"];
    default:
      return null;
  }
}
