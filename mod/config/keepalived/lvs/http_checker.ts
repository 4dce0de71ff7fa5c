/** HTTP_GET and SSL_GET: one check of type "http" for each URL. */
import { wordAt } from "../arguments.ts";
import type { Value } from "../draft.ts";
import { type Keywords, walk } from "../table.ts";
import type { Check, Checker, Target } from "./checkers.ts";
import { connectTimeoutOf, type Timing } from "./timing.ts";

/** One `url` block: the check's keys, and what it must look like. */
interface Url {
  readonly check: Record<string, Value>;
  readonly expect: Record<string, Value>;
}

export const URL_KEYWORDS: Keywords<Url> = [
  {
    keyword: "path",
    outcome: "converted",
    why: "check.path",
    convert: (statement, { check }, tell) => {
      const path = wordAt(statement, 0, tell)?.text;
      if (path === undefined) return;
      check["path"] = path.startsWith("/") ? path : `/${path}`;
    },
  },
  {
    keyword: "digest",
    outcome: "converted",
    why: 'check.expect.digest = "md5:…"',
    convert: (statement, { expect }, tell) => {
      const digest = wordAt(statement, 0, tell)?.text;
      if (/^[0-9a-f]{32}$/i.test(digest ?? "")) expect["digest"] = `md5:${digest!.toLowerCase()}`;
      else tell.refuse(`expected the MD5 digest in hex, got "${digest ?? ""}"`);
    },
  },
  {
    keyword: "status_code",
    outcome: "converted",
    why: 'check.expect.status; "200-299" where keepalived.conf does not say',
    convert: ({ args }, { expect }, tell) => {
      const codes = args.map(({ text }) => /^\d{3}$/.test(text) ? Number(text) : text);
      const wrong = codes.find((code) => !/^[1-5]\d\d(-[1-5]\d\d)?$/.test(String(code)));
      if (wrong !== undefined || codes.length === 0) {
        return tell.refuse(`expected codes such as 200 or ranges such as 200-299, got "${wrong ?? ""}"`);
      }
      expect["status"] = codes.length === 1 ? codes[0]! : codes;
    },
  },
  {
    keyword: "virtualhost",
    outcome: "converted",
    why: "check.virtual_host",
    convert: (statement, { check }, tell) => {
      const host = wordAt(statement, 0, tell);
      if (host !== undefined) check["virtual_host"] = host.text;
    },
  },
  {
    keyword: "regex",
    outcome: "converted",
    why: "check.expect.regex, in JavaScript's syntax",
    convert: (statement, { expect }, tell) => {
      const pattern = wordAt(statement, 0, tell)?.text;
      if (pattern === undefined) return;
      try {
        new RegExp(pattern, "u");
        expect["regex"] = pattern;
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        tell.refuse(`not a regular expression of JavaScript: ${error.message}`);
      }
    },
  },
  {
    keyword: "regex_no_match",
    outcome: "refused",
    why: "no check passes because something is missing in a page: look for what a good page has",
  },
  {
    keyword: "regex_options",
    outcome: "converted",
    why: "caseless, dotall and multiline as (?i), (?s) and (?m) in the pattern; others are refused",
    convert: ({ args }, { expect }, tell) => {
      const letters = args.map(({ text }) => ({ caseless: "i", dotall: "s", multiline: "m" })[text]);
      if (letters.includes(undefined)) {
        return tell.refuse("only caseless, dotall and multiline are known here");
      }
      expect["regex_flags"] = letters.join("");
    },
  },
  {
    keyword: "regex_min_offset",
    outcome: "refused",
    why: "the whole page is searched",
    optional: true,
  },
  {
    keyword: "regex_max_offset",
    outcome: "refused",
    why: "the whole page is searched, up to 1 MiB",
    optional: true,
  },
  { keyword: "regex_stack", outcome: "nothing to do", why: "no stack has to be reserved" },
  { keyword: "tls_compliant", outcome: "nothing to do", why: "connections end as TLS wants it" },
];

export const HTTP: Keywords<Checker> = [
  {
    keyword: "url",
    outcome: "converted",
    why: "a check of its own",
    convert: (statement, { parts, conversion }, tell) => {
      const url: Url = { check: {}, expect: {} };
      walk("url", URL_KEYWORDS, statement.block ?? [], url, conversion);
      const { regex_flags: flags = "", regex, ...expect } = url.expect;
      if (regex === undefined && flags !== "") tell.refuse("regex_options without a regex");
      const pattern = regex === undefined ? {} : { regex: flags === "" ? regex : `(?${flags}:${regex})` };
      parts.push({ ...url.check, expect: { status: "200-299", ...expect, ...pattern } });
    },
  },
  {
    keyword: "virtualhost",
    outcome: "converted",
    why: "check.virtual_host",
    convert: (statement, { options }, tell) => {
      const host = wordAt(statement, 0, tell);
      if (host !== undefined) options["virtual_host"] = host.text;
    },
  },
  {
    keyword: "http_protocol",
    outcome: "nothing to do",
    why: "HTTP/1.1 is spoken, each look on a new connection",
  },
  {
    keyword: "fast_recovery",
    outcome: "nothing to do",
    why: "each URL is a check of its own, all at the same time",
  },
  {
    keyword: "enable_sni",
    outcome: "nothing to do",
    why: "SNI is always sent, with virtual_host as the name",
  },
  {
    keyword: "sni_name",
    outcome: "converted",
    why: "check.tls.server_name",
    convert: (statement, { options }, tell) => {
      const name = wordAt(statement, 0, tell);
      if (name !== undefined) options["server_name"] = name.text;
    },
  },
  { keyword: "tls_compliant", outcome: "nothing to do", why: "connections end as TLS wants it" },
];

/** One check a URL; without any, keepalived has nothing to ask for and says so. */
export function httpChecks(
  checker: Checker,
  target: Target,
  timing: Timing,
  tell: { refuse(why: string): void },
): Check[] {
  const { options: { server_name, virtual_host, ...options }, parts, target: own } = checker;
  const isTls = checker.statement.keyword.text === "SSL_GET";
  if (parts.length === 0) tell.refuse("it has no url: keepalived drops it, and the real server passes");
  const host = virtual_host ?? target.virtualHost;
  const connect = own.address === undefined || own.address === target.address
    ? own.port === undefined || own.port === target.port ? {} : { connect_port: own.port }
    : { connect_to: endpoint(own.address, own.port ?? target.port) };
  return parts.map(({ expect, ...part }) => ({
    type: "http",
    ...(isTls ? { scheme: "https" } : {}),
    ...(host === undefined ? {} : { virtual_host: host }),
    ...part,
    ...connect,
    ...options,
    ...(isTls ? { tls: tlsOf(checker, server_name) } : {}),
    ...(expect === undefined ? {} : { expect }),
    ...connectTimeoutOf(timing),
  }));
}

/** keepalived verifies no certificate, and shows its own where it has one. */
function tlsOf({ conversion }: Checker, server_name: Value | undefined): Value {
  return {
    ...{ verify: false, ...conversion.clientCertificate },
    ...(server_name === undefined ? {} : { server_name }),
  };
}

function endpoint(address: string, port: number): string {
  const host = address.includes(":") ? `[${address}]` : address;
  return port === 0 ? host : `${host}:${port}`;
}
