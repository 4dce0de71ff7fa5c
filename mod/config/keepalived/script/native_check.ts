/**
 * Programs that keepalived.conf has run again and again (`killall -0 nginx`, `curl …`, `nc -z …`) as vipd's
 * own checks, which need no process and see a death at once. A table of forms; what fits none is a program.
 */
import { baseName, hostPort, last, type OptionTable, readOptions, seconds } from "./command_line.ts";
import type { Value } from "../draft.ts";
import { fromCurl, fromWget } from "./native_http.ts";

/** Keys of a `[check.*]` table as vipd.toml has them, without those that keepalived's block sets. */
export type CheckDraft = Readonly<Record<string, Value>>;

/** What becomes of a command line: a check of vipd's own, or a program that runs as it is. */
export interface Recognition {
  readonly outcome: "native" | "exec";
  readonly check: CheckDraft;
  /** What behaves otherwise, or what the author may not have known. */
  readonly notes: readonly string[];
}

type Form = (args: readonly string[], program: string) => Recognition | undefined;

/** Program (without directory) -> how its arguments are read. */
const FORMS: Readonly<Record<string, Form>> = {
  killall: fromKillall,
  killall5: () => undefined,
  pidof: fromPidof,
  pgrep: fromPgrep,
  systemctl: fromSystemctl,
  service: ([unit, action]) => action === "status" && unit !== undefined ? unitCheck(unit) : undefined,
  "rc-service": ([unit, action]) => action === "status" && unit !== undefined ? alive(unit) : undefined,
  curl: fromCurl,
  wget: fromWget,
  nc: fromNetcat,
  ncat: fromNetcat,
  netcat: fromNetcat,
  ping: fromPing,
  ping6: fromPing,
  fping: fromFping,
  test: fromTest,
  "[": (args) => args.at(-1) === "]" ? fromTest(args.slice(0, -1)) : undefined,
  mysqladmin: fromMysqladmin,
  "mariadb-admin": fromMysqladmin,
  pg_isready: fromPgIsready,
  "redis-cli": fromRedisCli,
  ip: fromIp,
  ethtool: ([name]) => name === undefined ? undefined : networkInterface(name),
  cat: fromCat,
  true: (_args, program) => ({
    outcome: "exec",
    check: { type: "exec", command: [program] },
    notes: ["it always passes: the check, and what tracks it, can go"],
  }),
};

/** The words that keepalived executes; undefined stays a program. */
export function nativeCheck(words: readonly string[]): Recognition | undefined {
  const [program = "", ...args] = words;
  const tcp = /^<\/dev\/tcp\/([^/]+)\/(\d+)$/.exec(program);
  if (tcp !== null) return native({ type: "tcp", address: hostPort(tcp[1]!, tcp[2]!) });
  if (baseName(program) === "timeout") return limited(args);
  if (baseName(program) === "env" && !/[=-]/.test(args[0] ?? "=")) return nativeCheck(args);
  const form = Object.hasOwn(FORMS, baseName(program)) ? FORMS[baseName(program)] : undefined;
  return form?.(args, program);
}

function native(check: CheckDraft, ...notes: string[]): Recognition {
  return { outcome: "native", check, notes };
}

/** `timeout 3 PROGRAM`: the limit is the check's. */
function limited(args: readonly string[]): Recognition | undefined {
  const limit = limitOf(args);
  const inner = limit && nativeCheck(limit.command);
  return inner && { ...inner, check: { ...inner.check, timeout: limit.timeout } };
}

/** The duration of timeout(1) and what it limits. */
export function limitOf(
  args: readonly string[],
): { readonly timeout: string; readonly command: readonly string[] } | undefined {
  const options: OptionTable = { flags: ["--foreground", "--preserve-status"], values: ["-k", "-s"] };
  const first = args.findIndex((arg, i) => /^\d/.test(arg) && !/^-[ks]$/.test(args[i - 1] ?? ""));
  const timeout = seconds(args[first]);
  if (timeout === undefined || readOptions(args.slice(0, first), options) === undefined) return undefined;
  return { timeout, command: args.slice(first + 1) };
}

/** Programs whose master process is what matters have a check of their own. */
export function alive(name: string): Recognition {
  const comm = baseName(name).replace(/\.service$/, "");
  if (!["nginx", "openresty", "angie"].includes(comm)) return native({ type: "process", process: comm });
  return native(
    { type: "nginx", ...(comm === "angie" ? { name: comm } : {}) },
    "it fails as soon as the master process is gone, even while workers are left",
  );
}

const KILLALL: OptionTable = {
  flags: ["-0", "-q --quiet", "-v --verbose", "-e --exact", "-w --wait"],
  values: ["-s --signal"],
};

function fromKillall(args: readonly string[]): Recognition | undefined {
  const line = readOptions(args, KILLALL);
  const probes = line?.flags.has("-0") || (line !== undefined && last(line, "-s") === "0");
  return line?.rest.length === 1 && probes ? alive(line.rest[0]!) : undefined;
}

function fromPidof(args: readonly string[]): Recognition | undefined {
  const line = readOptions(args, { flags: ["-s", "-x", "-q", "-c"], values: [] });
  return line?.rest.length === 1 ? alive(line.rest[0]!) : undefined;
}

const PGREP: OptionTable = {
  flags: [
    "-x --exact",
    "-f --full",
    "-c --count",
    "-l --list-name",
    "-a --list-full",
    "-o --oldest",
    "-n --newest",
  ],
  values: [],
};

function fromPgrep(args: readonly string[]): Recognition | undefined {
  const line = readOptions(args, PGREP);
  const pattern = line?.rest[0];
  if (line === undefined || pattern === undefined || line.rest.length !== 1) return undefined;
  if (line.flags.has("-f")) return native({ type: "process", match: pattern });
  if (!/^[\w.-]+$/.test(pattern)) return undefined;
  const found = alive(pattern);
  if (line.flags.has("-x")) return found;
  return {
    ...found,
    notes: [
      ...found.notes,
      `pgrep also found processes whose names only contain "${pattern}"; the check does not`,
    ],
  };
}

const SYSTEMCTL: OptionTable = { flags: ["-q --quiet", "--no-pager"], values: [] };

function fromSystemctl(args: readonly string[]): Recognition | undefined {
  const line = readOptions(args, SYSTEMCTL);
  const [verb, unit, ...others] = line?.rest ?? [];
  if (unit === undefined || others.length > 0) return undefined;
  return verb === "is-active" || verb === "status" ? unitCheck(unit) : undefined;
}

/** A unit; of nginx the process is looked at, whose death is seen at once. */
function unitCheck(unit: string): Recognition {
  const name = unit.replace(/\.service$/, "");
  if (name === "nginx") return alive(name);
  return native({ type: "systemd", unit: unit.includes(".") ? unit : `${unit}.service` });
}

const NETCAT: OptionTable = {
  flags: ["-z", "-v", "-n", "-u --udp", "-4", "-6"],
  values: ["-w --wait", "-i", "-G", "-s"],
};

function fromNetcat(args: readonly string[]): Recognition | undefined {
  const line = readOptions(args, NETCAT);
  const [host, port, ...others] = line?.rest ?? [];
  if (line === undefined || host === undefined || others.length > 0 || !/^\d+$/.test(port ?? "")) {
    return undefined;
  }
  if (!line.flags.has("-z") && line.values["-i"] === undefined) return undefined;
  const limit = seconds(last(line, "-w"));
  const source = last(line, "-s");
  const udp = line.flags.has("-u");
  return native(
    {
      ...{ type: udp ? "udp" : "tcp", address: hostPort(host, port!) },
      ...(limit === undefined || udp ? {} : { connect_timeout: limit }),
      ...(source === undefined ? {} : { bind_address: source }),
    },
  );
}

const PING: OptionTable = {
  flags: ["-q", "-n", "-4", "-6", "-A"],
  values: ["-c", "-W", "-w", "-i", "-I", "-s"],
};

function fromPing(args: readonly string[]): Recognition | undefined {
  const line = readOptions(args, PING);
  const [address, ...others] = line?.rest ?? [];
  const count = Number(line && last(line, "-c"));
  if (line === undefined || address === undefined || others.length > 0 || !(count >= 1)) return undefined;
  const [limit, source, size] = [seconds(last(line, "-W")), last(line, "-I"), Number(last(line, "-s") ?? 56)];
  if (size < 16 || size > 1400) return undefined;
  const delay = seconds(last(line, "-i"));
  return native({
    ...{ type: "ping", address },
    ...(source === undefined
      ? {}
      : /[.:]/.test(source)
      ? { bind_address: source }
      : { bind_interface: source }),
    ...(size === 56 ? {} : { size }),
    // ping passes when one of its requests is answered.
    ...(count > 1 ? { attempts: Math.min(count, 100) } : {}),
    ...(count > 1 && delay !== undefined ? { attempt_delay: delay } : {}),
    ...(limit === undefined ? {} : { timeout: limit }),
  });
}

function fromFping(args: readonly string[]): Recognition | undefined {
  const line = readOptions(args, { flags: ["-q", "-a", "-u"], values: ["-c", "-t", "-r"] });
  return line?.rest.length === 1 ? native({ type: "ping", address: line.rest[0]! }) : undefined;
}

/** `-e FILE`, `! -f FILE`. */
function fromTest(args: readonly string[]): Recognition | undefined {
  const negated = args[0] === "!";
  const [operator, path, ...others] = negated ? args.slice(1) : args;
  if (!/^-[ef]$/.test(operator ?? "") || !path?.startsWith("/") || others.length > 0) return undefined;
  return native({ type: "file", path, exists: !negated });
}

const MYSQLADMIN: OptionTable = {
  flags: ["-s --silent"],
  values: [
    ...["-h --host", "-P --port", "-u --user", "-p --password", "-S --socket", "--protocol"],
    ...["--connect-timeout", "--connect_timeout"],
  ],
};

function fromMysqladmin(args: readonly string[]): Recognition | undefined {
  const line = readOptions(args, MYSQLADMIN);
  if (line?.rest.join() !== "ping") return undefined;
  const host = last(line, "-h") ?? "localhost";
  const tcp = hostPort(host === "localhost" ? "127.0.0.1" : host, last(line, "-P") ?? "3306");
  const [socket, username, password] = [last(line, "-S"), last(line, "-u"), last(line, "-p")];
  if (username === undefined && socket !== undefined) return undefined;
  if (username === undefined) {
    return native(
      { type: "tcp", address: tcp },
      'type = "mysql" with a username also asks the server something',
    );
  }
  return native(
    { type: "mysql", address: socket ?? tcp, username, ...(password === undefined ? {} : { password }) },
    "mysqladmin ping passes even if the server refuses the login; the check does not",
  );
}

const PG_ISREADY: OptionTable = {
  flags: ["-q --quiet"],
  values: ["-h --host", "-p --port", "-U --username", "-d --dbname", "-t --timeout"],
};

function fromPgIsready(args: readonly string[]): Recognition | undefined {
  const line = readOptions(args, PG_ISREADY);
  const host = line === undefined ? undefined : last(line, "-h") ?? "127.0.0.1";
  if (line === undefined || host === undefined || line.rest.length > 0 || host.startsWith("/")) {
    return undefined;
  }
  return native(
    { type: "tcp", address: hostPort(host, last(line, "-p") ?? "5432") },
    'type = "postgres" with a username also asks the server something',
  );
}

function fromRedisCli(args: readonly string[]): Recognition | undefined {
  const values = ["-h", "-p", "-s", "-t", "-a --pass", "--user"];
  const line = readOptions(args, { flags: ["--no-auth-warning"], values });
  if (line === undefined || line.rest.join().toLowerCase() !== "ping") return undefined;
  const address = hostPort(last(line, "-h") ?? "127.0.0.1", last(line, "-p") ?? "6379");
  const [username, password] = [last(line, "--user"), last(line, "-a")];
  return native(
    {
      ...{ type: "redis", address: last(line, "-s") ?? address },
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
    },
    "redis-cli ping ends with 0 whatever the server answers; the check wants PONG",
  );
}

function networkInterface(name: string): Recognition {
  return native(
    { type: "interface", interface: name },
    "the command passed whatever the state of the interface was; the check wants it up with carrier. A virtual " +
      "router watches its own interface anyway",
  );
}

/** `ip link show [dev] eth1 [up]`. */
function fromIp(args: readonly string[]): Recognition | undefined {
  const words = args.filter((arg) =>
    !/^-(o|br|4|6|brief|oneline)$/.test(arg) && arg !== "dev" && arg !== "up"
  );
  const [object, verb, name, ...others] = words;
  if (!/^(l|li|link)$/.test(object ?? "") || !/^(s|sh|show|list|ls)$/.test(verb ?? "")) return undefined;
  return name === undefined || others.length > 0 ? undefined : networkInterface(name);
}

function fromCat([path, ...others]: readonly string[]): Recognition | undefined {
  const [, name] = /^\/sys\/class\/net\/([^/]+)\/(operstate|carrier)$/.exec(path ?? "") ?? [];
  return name === undefined || others.length > 0 ? undefined : networkInterface(name);
}
