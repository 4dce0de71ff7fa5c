/** Options of a subcommand: parsed strictly, because an option that is silently ignored is a lie. */
import { parseArgs } from "@std/cli/parse-args";
import { didYouMean } from "../config/suggest.ts";
import { UsageError } from "../errors.ts";

export interface OptionSpec {
  readonly boolean?: readonly string[];
  readonly string?: readonly string[];
  readonly alias?: Readonly<Record<string, string>>;
}

/**
 * The options by name: `true` for a boolean, text for a string. Throws UsageError for an unknown option, a
 * string option without its value or given twice, and any operand.
 */
export function parseOptions(
  args: readonly string[],
  spec: OptionSpec,
): Readonly<Record<string, string | true>> {
  const { boolean = [], string = [], alias = {} } = spec;
  const known = [...boolean, ...string];
  const parsed = parseArgs([...args], {
    boolean: [...boolean],
    string: [...string],
    alias: { ...alias },
    collect: [...string],
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
    const values = parsed[name];
    if (!Array.isArray(values) || values.length === 0) continue;
    const [value] = values;
    if (values.length > 1) throw new UsageError(`--${name} is given more than once`);
    if (typeof value !== "string" || value === "") throw new UsageError(`--${name} needs a value`);
    options[name] = value;
  }
  return options;
}
