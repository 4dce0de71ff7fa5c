/** Command lines of curl and wget as http checks; what these cannot say remains a command line. */
import { type CommandLine, last, type OptionTable, readOptions, seconds } from "./command_line.ts";
import type { CheckDraft, Recognition } from "./native_check.ts";

/** The first name of each is what the code below asks for. */
const CURL: OptionTable = {
  flags: [
    ...["-s --silent", "-S --show-error", "-f --fail --fail-with-body", "-k --insecure", "-L --location"],
    ...["-I --head", "-v --verbose", "-i --include", "-g --globoff", "-N --no-buffer", "-# --progress-bar"],
    ...["-0 --http1.0", "--http1.1", "-G --get", "--no-keepalive", "-q --disable", "-4 --ipv4", "-6 --ipv6"],
  ],
  values: [
    ...["-m --max-time", "--connect-timeout", "-o --output", "-w --write-out", "-H --header", "-u --user"],
    ...["-X --request", "-A --user-agent", "-b --cookie", "-e --referer", "-d --data", "--resolve"],
    ...["--cacert", "-E --cert", "--key", "--interface", "--noproxy", "--url", "-y --speed-time"],
  ],
};

const WGET: OptionTable = {
  flags: [
    ...["-q --quiet", "--spider", "-S --server-response", "-nv --no-verbose", "--no-check-certificate"],
    ...["--no-proxy", "-4 --inet4-only", "-6 --inet6-only"],
  ],
  values: [
    ...["-O --output-document", "-T --timeout", "--connect-timeout", "-t --tries", "--header"],
    ...["-U --user-agent", "--user", "--password"],
  ],
};

/** Without one of these, curl says yes to any answer. */
const ANY_STATUS = "200-599";

type Check = CheckDraft;

/** What `-w %{http_code}` prints for `-o /dev/null` is judged where the output is read (meaning.ts). */
export function fromCurl(args: readonly string[]): Recognition {
  const line = readOptions(args, CURL);
  const [url, ...others] = line === undefined ? [] : [...(line.values["--url"] ?? []), ...line.rest];
  const target = url === undefined ? undefined : httpUrl(url);
  if (line === undefined || target === undefined || others.length > 0 || !isPlain(line)) {
    return {
      outcome: "native",
      check: { type: "curl", args: [...args] },
      notes: ["vipd runs the host's curl for it: the command line has what the http check does not"],
    };
  }
  const fails = line.flags.has("-f");
  const check: Check = {
    ...{ type: "http", url: target },
    ...methodOf(line),
    ...headersOf(line.values["-H"] ?? [], {
      "User-Agent": last(line, "-A"),
      Cookie: last(line, "-b"),
      Referer: last(line, "-e"),
    }),
    ...credentials(last(line, "-u")),
    ...resolved(target, last(line, "--resolve")),
    ...tlsOf(line),
    ...origin(last(line, "--interface")),
    ...(line.flags.has("-L") ? { follow_redirects: true } : {}),
    ...timesOf(last(line, "--connect-timeout"), last(line, "-m")),
    ...(fails ? {} : { expect: { status: ANY_STATUS } }),
  };
  const note = "without -f curl passes on every answer, an error page included; the check does the same: " +
    'remove `expect` to want status 200-399, which is what "up" mostly means';
  return { outcome: "native", check, notes: fails ? [] : [note] };
}

export function fromWget(args: readonly string[]): Recognition | undefined {
  const line = readOptions(args.map((arg) => arg === "-nv" ? "--no-verbose" : arg), WGET);
  const url = line?.rest.length === 1 ? httpUrl(line.rest[0]!) : undefined;
  if (line === undefined || url === undefined) return undefined;
  const output = last(line, "-O");
  if (output !== undefined && !["-", "/dev/null"].includes(output)) return undefined;
  const user = last(line, "--user");
  const check: Check = {
    ...{ type: "http", url },
    ...(line.flags.has("--spider") ? { method: "HEAD" } : {}),
    ...headersOf(line.values["--header"] ?? [], { "User-Agent": last(line, "-U") }),
    ...(user === undefined ? {} : credentials(`${user}:${last(line, "--password") ?? ""}`)),
    ...(line.flags.has("--no-check-certificate") ? { tls: { verify: false } } : {}),
    // wget follows redirects of itself.
    follow_redirects: true,
    ...timesOf(last(line, "--connect-timeout") ?? last(line, "-T"), last(line, "-T")),
  };
  return { outcome: "native", check, notes: [] };
}

/** What the http check asks as curl would; another scheme, a URL of ranges or a file is curl's own affair. */
function httpUrl(text: string): string | undefined {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (!/^https?:/i.test(withScheme) || /[{}\s]/.test(text)) return undefined;
  const { username, password } = URL.canParse(withScheme)
    ? new URL(withScheme)
    : { username: "?", password: "" };
  return username === "" && password === "" ? withScheme : undefined;
}

function isPlain(line: CommandLine): boolean {
  const output = last(line, "-o");
  if (output !== undefined && output !== "/dev/null" && output !== "-") return false;
  if (line.flags.has("-G") && line.values["-d"] !== undefined) return false;
  const data = line.values["-d"] ?? [];
  const families = line.flags.has("-4") || line.flags.has("-6");
  const headers = line.values["-H"] ?? [];
  return !families && data.length <= 1 && !data.some((text) => text.startsWith("@")) &&
    headers.every((header) => /^[^:;@]+:/.test(header)) && (last(line, "-u") ?? "a:b").includes(":");
}

function methodOf(line: CommandLine): Check {
  const body = last(line, "-d");
  const implied = line.flags.has("-I") ? "HEAD" : body !== undefined ? "POST" : "GET";
  const method = last(line, "-X") ?? implied;
  return { ...(method === "GET" ? {} : { method }), ...(body === undefined ? {} : { body }) };
}

function headersOf(lines: readonly string[], others: Readonly<Record<string, string | undefined>>): Check {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(others)) if (value !== undefined) headers[name] = value;
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers[line.slice(0, colon).trim()] = line.slice(colon + 1).trim();
  }
  return Object.keys(headers).length === 0 ? {} : { headers };
}

function credentials(text: string | undefined): Check {
  if (text === undefined) return {};
  const colon = text.indexOf(":");
  return { basic_auth: { username: text.slice(0, colon), password: text.slice(colon + 1) } };
}

/** `--resolve name:port:address`, when it is about this URL. */
function resolved(url: string, text: string | undefined): Check {
  const [, name, port, address] = /^([^:]+):(\d+):\[?([^\]]+)\]?$/.exec(text ?? "") ?? [];
  const { hostname } = new URL(url);
  if (name !== hostname || address === undefined || port === undefined) return {};
  return { connect_to: address.includes(":") ? `[${address}]:${port}` : `${address}:${port}` };
}

function tlsOf(line: CommandLine): Check {
  const ca = last(line, "--cacert");
  const cert = last(line, "-E");
  const tls = {
    ...(line.flags.has("-k") ? { verify: false } : {}),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert, key: last(line, "--key") ?? cert }),
  };
  return Object.keys(tls).length === 0 ? {} : { tls };
}

function origin(text: string | undefined): Check {
  if (text === undefined) return {};
  return /^[\d.]+$|:/.test(text) ? { bind_address: text } : { bind_interface: text };
}

function timesOf(connect: string | undefined, whole: string | undefined): Check {
  const [connectTimeout, timeout] = [seconds(connect), seconds(whole)];
  return {
    ...(connectTimeout === undefined ? {} : { connect_timeout: connectTimeout }),
    ...(timeout === undefined ? {} : { timeout }),
  };
}
