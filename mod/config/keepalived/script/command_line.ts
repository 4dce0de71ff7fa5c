/** Command lines as keepalived.conf and scripts hold them: their options read. */

/** Which options a program knows: long and short names of one option are one entry, `-o --output`. */
export interface OptionTable {
  readonly flags: readonly string[];
  readonly values: readonly string[];
}

/** Options by their first name, and what is no option. */
export interface CommandLine {
  readonly flags: ReadonlySet<string>;
  readonly values: Readonly<Record<string, readonly string[] | undefined>>;
  readonly rest: readonly string[];
}

/** Reads `-sfL -m5 --max-time=5 URL`; undefined when there is an option that the table does not have. */
export function readOptions(args: readonly string[], table: OptionTable): CommandLine | undefined {
  const flags = new Set<string>();
  const values: Record<string, string[]> = {};
  const rest: string[] = [];
  const find = (list: readonly string[], name: string): string | undefined =>
    list.find((entry) => entry.split(" ").includes(name))?.split(" ")[0];
  const queue = [...args];
  for (let arg = queue.shift(); arg !== undefined; arg = queue.shift()) {
    if (!/^-./.test(arg)) {
      rest.push(arg);
      continue;
    }
    const [name, given] = splitOption(arg);
    const flag = find(table.flags, name);
    const valued = find(table.values, name);
    if (flag !== undefined && valued === undefined) {
      flags.add(flag);
      if (given !== undefined && !arg.startsWith("--")) queue.unshift(`-${given}`);
      else if (given !== undefined) return undefined;
    } else if (valued !== undefined) {
      const value = given ?? queue.shift();
      if (value === undefined) return undefined;
      (values[valued] ??= []).push(value);
    } else return undefined;
  }
  return { flags, values, rest };
}

/** `--name=value`, `--name`, or one letter and what follows it. */
function splitOption(arg: string): [name: string, given: string | undefined] {
  const [, long, value] = /^(--[^=]+)(?:=([\s\S]*))?$/.exec(arg) ?? [];
  if (long !== undefined) return [long, value];
  return [arg.slice(0, 2), arg.length > 2 ? arg.slice(2) : undefined];
}

/** The last value that was given: it counts. */
export function last(line: CommandLine, name: string): string | undefined {
  return line.values[name]?.at(-1);
}

/** `/usr/sbin/nginx` is nginx. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Seconds as programs take them: `3`, `0.5`, `3s`, `1m`; as a duration of vipd.toml. */
export function seconds(text: string | undefined): string | undefined {
  const [, number, unit = "s"] = /^(\d+(?:\.\d+)?)([smh]?)$/.exec(text ?? "") ?? [];
  if (number === undefined) return undefined;
  const milliseconds = Math.round(Number(number) * { s: 1000, m: 60_000, h: 3_600_000 }[unit || "s"]!);
  if (milliseconds === 0) return undefined;
  return milliseconds % 1000 === 0 ? `${milliseconds / 1000}s` : `${milliseconds}ms`;
}

/** `host:port`, with brackets around an IPv6 address. */
export function hostPort(host: string, port: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]:${port}` : `${host}:${port}`;
}
