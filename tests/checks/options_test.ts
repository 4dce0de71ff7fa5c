/** The options of the check types: durations, status ranges, what is refused and how it is said. */
import { assertEquals } from "@std/assert";
import { duration } from "../../checks/check.ts";
import { parseDuration } from "../../checks/duration.ts";
import { checkType } from "../../checks/mod.ts";
import { formatEndpoint, parseEndpoint } from "../../checks/connection.ts";
import { formatMs } from "../../checks/deadline.ts";

const durations: [text: string, ms: number | undefined][] = [
  ["200ms", 200],
  ["3s", 3000],
  ["1.5s", 1500],
  ["5m", 300_000],
  ["2h", 7_200_000],
  ["0s", 0],
  ["3", undefined],
  ["s", undefined],
  ["-1s", undefined],
  ["1 s", undefined],
  ["1s ", undefined],
  ["1w", undefined],
  ["1e3s", undefined],
  [".5s", undefined],
];

Deno.test("duration: text to milliseconds", () => {
  for (const [text, ms] of durations) {
    assertEquals(parseDuration(text), ms, text);
    assertEquals(duration.safeParse(text).data, ms, text);
  }
  assertEquals(
    duration.safeParse(3).error?.issues[0]?.message,
    'expected a duration such as "200ms", "3s" or "5m"',
  );
  assertEquals([formatMs(200), formatMs(1000), formatMs(1500)], ["200 ms", "1 s", "1.5 s"]);
});

const endpoints: [text: string, defaultPort: number | undefined, formatted: string | undefined][] = [
  ["localhost:80", undefined, "localhost:80"],
  ["192.0.2.1:8080", undefined, "192.0.2.1:8080"],
  ["[2001:db8::1]:80", undefined, "[2001:db8::1]:80"],
  ["localhost", undefined, undefined],
  ["localhost", 80, "localhost:80"],
  ["2001:db8::1", 80, "[2001:db8::1]:80"],
  ["2001:db8:0:0:0:0:0:1", 80, "[2001:db8:0:0:0:0:0:1]:80"],
  ["::1", 443, "[::1]:443"],
  ["[::1]", 443, "[::1]:443"],
  ["host:0", undefined, undefined],
  ["host:65536", undefined, undefined],
  ["host:", 80, undefined],
  ["a:b:c", 80, undefined],
  ["", 80, undefined],
];

Deno.test("endpoint: host and port from text", () => {
  for (const [text, defaultPort, formatted] of endpoints) {
    const endpoint = parseEndpoint(text, defaultPort);
    assertEquals(endpoint === undefined ? undefined : formatEndpoint(endpoint), formatted, text);
  }
});

const statuses: [given: unknown, ranges: unknown][] = [
  [undefined, [[200, 399]]],
  [200, [[200, 200]]],
  ["200", [[200, 200]]],
  ["2xx", [[200, 299]]],
  ["200-204", [[200, 204]]],
  [[200, "3xx"], [[200, 200], [300, 399]]],
  [[], undefined],
  [99, undefined],
  [600, undefined],
  ["204-200", undefined],
  ["6xx", undefined],
  ["2x", undefined],
];

Deno.test("http: expect.status", () => {
  for (const [status, ranges] of statuses) {
    const parsed = checkType("http")?.options.safeParse({
      url: "http://a/",
      expect: status === undefined ? {} : { status },
    });
    const expect = parsed?.data?.["expect"] as { status: unknown } | undefined;
    assertEquals(expect?.status, ranges, JSON.stringify(status));
  }
});

const refused: [type: string, options: Record<string, unknown>, problem: string][] = [
  ["http", { url: "ftp://a/" }, "url: expected an http:// or https:// URL"],
  ["http", { url: "http://a/", path: "/" }, "path: give url or path, not both"],
  ["http", { tls: { cert: "/a" } }, "tls: cert and key go together"],
  ["http", { tls: { ca: "a.pem" } }, "tls.ca: expected an absolute path"],
  ["http", { method: "GET /" }, "method: expected an HTTP method"],
  ["http", { headers: { "X-A": "b\r\nX-C: d" } }, "headers.X-A: expected a value without line breaks"],
  ["http", { headers: { "X A": "b" } }, "headers.X A: expected a header name"],
  ["http", { connect_to: "a:b:c" }, "connect_to: expected address or address:port"],
  ["http", { connect_timeout: 3 }, 'connect_timeout: expected a duration such as "200ms", "3s" or "5m"'],
  [
    "http",
    { expect: { status: "x" } },
    'expect.status: expected a status code such as 200, "200-299" or "2xx"',
  ],
  [
    "http",
    { expect: { digest: "md5:12" } },
    'expect.digest: expected an algorithm and hex such as "sha256:9f86…" or "md5:098f…"',
  ],
  [
    "http",
    { expect: { regex: "(" } },
    "expect.regex: not a regular expression: invalid regular expression: /(/u: Unterminated group",
  ],
  ["tcp", { address: "localhost:x" }, "address: expected host:port"],
  ["tcp", { connect_port: 0 }, "connect_port: Too small: expected number to be >=1"],
  ["http", { url: "http://a/", scheme: "https" }, "scheme: the url has a scheme already"],
  ["http", { url: "http://a/", virtual_host: "b" }, "virtual_host: the url has a host already"],
  ["http", { virtual_host: "a/b" }, "virtual_host: expected a host name, or host:port"],
  ["tcp", { bind_address: "lo" }, "bind_address: expected an IP address"],
  ["tcp", { fwmark: 0 }, "fwmark: Too small: expected number to be >=1"],
  ["udp", { send: "a", send_hex: "00" }, "send_hex: give send or send_hex, not both"],
  [
    "udp",
    { expect_hex: "0" },
    'expect_hex: expected pairs of hexadecimal digits such as "de ad xx ef", xx for any octet',
  ],
  ["udp", { send_hex: "xx" }, 'send_hex: expected pairs of hexadecimal digits such as "de ad be ef"'],
  ["udp", { minimum: 2, maximum: 1 }, "maximum: maximum is smaller than minimum"],
  ["udp", { wait: "0s" }, "wait: expected more than 0s"],
  ["dns", { name: "a..b" }, "name: expected a domain name"],
  [
    "dns",
    { expect: { rcode: "NoError" } },
    'expect.rcode: expected a response code such as "NOERROR" or "REFUSED"',
  ],
  ["smtp", { helo_name: "a b" }, "helo_name: expected a host name or an address literal"],
  ["ping", { size: 15 }, "size: Too small: expected number to be >=16"],
  ["file", { path: "value" }, "path: expected an absolute path"],
  ["process", {}, "process: give process, match or both"],
  ["process", { process: "a", minimum: 3, maximum: 2 }, "maximum: maximum is smaller than minimum"],
  ["nginx", { pid_file: "nginx.pid" }, "pid_file: expected an absolute path"],
  ["exec", { command: [] }, "command.0: expected a program"],
  [
    "interface",
    { interface: "much_too_long_name" },
    "interface: Too big: expected string to have <=15 characters",
  ],
];

for (const [type, options, problem] of refused) {
  Deno.test(`options: ${type} refuses ${JSON.stringify(options)}`, () => {
    const issue = checkType(type)?.options.safeParse(options).error?.issues[0];
    assertEquals(`${issue?.path.join(".")}: ${issue?.message}`, problem);
  });
}

Deno.test("options: the refinements survive an extension by the common keys", () => {
  const extended = checkType("process")?.options.safeExtend({ interval: duration });
  assertEquals(
    extended?.safeParse({ interval: "1s" }).error?.issues[0]?.message,
    "give process, match or both",
  );
  assertEquals(extended?.safeParse({ interval: "1s", process: "a" }).data, {
    interval: 1000,
    process: "a",
    containers: false,
    minimum: 1,
    fork_delay: 0,
    terminate_delay: 0,
  });
});
