/** Options of a subcommand: parsed strictly, because an option that is silently ignored is a lie. */
import { parseArgs } from "@std/cli/parse-args";
import { didYouMean } from "../config/suggest.ts";
import { UsageError } from "../errors.ts";

export interface OptionSpec {
  readonly boolean?: readonly string[];
  readonly string?: readonly string[];
  readonly alias?: Readonly<Record<string, string>>;
  /** May be given several times; see `parseLists`. */
  readonly list?: readonly string[];
}

/**
 * The options by name: `true` for a boolean, text for a string. Throws UsageError for an unknown option, a
 * string option without its value or given twice, and any operand.
 */
export function parseOptions(
  args: readonly string[],
  spec: OptionSpec,
): Readonly<Record<string, string | true>> {
  return parseLists(args, spec).options;
}

/** As `parseOptions`, with the values of each option that may be given several times, in their order. */
export function parseLists(args: readonly string[], spec: OptionSpec): {
  readonly options: Readonly<Record<string, string | true>>;
  readonly lists: Readonly<Record<string, readonly string[]>>;
} {
  const { boolean = [], string = [], alias = {}, list = [] } = spec;
  const known = [...boolean, ...string, ...list];
  const parsed = parseArgs([...args], {
    boolean: [...boolean],
    string: [...string, ...list],
    alias: { ...alias },
    collect: [...string, ...list],
    unknown: (argument: string, key?: string) => {
      if (key === undefined) throw new UsageError(`Unexpected argument "${argument}"`);
      const hint = didYouMean(key, known).replace('"', '"--');
      throw new UsageError(`Unknown option "${argument.split("=", 1)[0]}"${hint}`);
    },
  }) as Readonly<Record<string, unknown>>;

  const operands = parsed["_"];
  if (Array.isArray(operands) && operands.length > 0) {
    throw new UsageError(`Unexpected argument "${operands[0]}"`);
  }

  const options: Record<string, string | true> = {};
  for (const name of boolean) if (parsed[name] === true) options[name] = true;
  for (const name of string) {
    const [value, second] = valuesOf(parsed, name);
    if (second !== undefined) throw new UsageError(`--${name} is given more than once`);
    if (value !== undefined) options[name] = value;
  }
  return { options, lists: Object.fromEntries(list.map((name) => [name, valuesOf(parsed, name)])) };
}

function valuesOf(parsed: Readonly<Record<string, unknown>>, name: string): string[] {
  const values: unknown = parsed[name];
  return (Array.isArray(values) ? values : []).map((value: unknown) => {
    if (typeof value !== "string" || value === "") throw new UsageError(`--${name} needs a value`);
    return value;
  });
}
