/** Configuration files of chance: right in every key, then wrong in what people, editors and templates do. */
import type { Random } from "../sim/random.ts";

/** Key -> values that are right; `"…"` only where TOML wants quotes. */
type Keys = Readonly<Record<string, readonly string[]>>;

const NODE: Keys = {
  name: ['"lb1"', '"ü"', "'a b'"],
  state_file: ['"/var/lib/x.json"', '"x.json"'],
  startup_delay: ['"0s"', '"1.5s"', '"1h"'],
  realtime: ["true", "false"],
};

const API: Keys = {
  listen: ['["127.0.0.1:8112"]', '["[::1]:1", "unix:/run/x.sock"]', "[]"],
  token_file: ['"/etc/vipd/token"'],
  exporter_names: ["true", "false"],
};

const LOG: Keys = { level: ['"debug"', '"warn"'], format: ['"auto"', '"json"', '"text"'] };

const ROUTER_NEEDS: Keys = {
  interface: ['"eth0"', '"bond0.100"'],
  vrid: ["1", "51", "255", "0x33", "5_1"],
  addresses: [
    '["192.0.2.10/24"]',
    '["2001:db8::10/64", "fe80::1"]',
    '[{ address = "192.0.2.1", label = "eth0:x", scope = "link" }, "192.0.2.2"]',
    "[]",
  ],
};

const ROUTER: Keys = {
  version: ["2", "3"],
  priority: ["1", "100", "255"],
  advertisement_interval: ['"1s"', '"2s"', '"10ms"', '"40.95s"'],
  excluded_addresses: ['["198.51.100.7"]', '["2001:db8::99/128"]', "[]"],
  preempt: ["true", "false"],
  preempt_delay: ['"0s"', '"5m"'],
  accept: ["true"],
  password: ['"1111"', '"${VIPD_TEST_SECRET}"', "'a\"b'"],
  unicast_source: ['"192.0.2.1"'],
  unicast_peers: ['["192.0.2.2", "192.0.2.3"]', '["2001:db8::2"]'],
  multicast_group: ['"224.0.0.18"', '"ff02::12"'],
  ttl_security: ["true", "false"],
  ipv4_checksum: ['"pseudo_header"', '"rfc9568"'],
  garp: ['{ repeat = 5, delay = "5s" }', '{ interval = "1ms", refresh = "0s" }'],
  lease: ['"auto"', '"off"', '"5s"'],
  handover: ["{ enabled = false }", '{ timeout = "1s" }'],
  track: ['["c"]', '["c", { check = "d", weight = -20 }]', "[]"],
};

/** Of every check. */
const CHECK: Keys = {
  interval: ['"1s"', '"200ms"'],
  timeout: ['"100ms"', '"50ms"'],
  rise: ["1", "3"],
  fall: ["1", "1000"],
  attempts: ["2"],
  attempt_delay: ['"0s"'],
  initial: ['"up"', '"unknown"'],
  recover: ['["systemctl", "restart", "nginx"]'],
  user: ['"nobody"'],
};

/** Of each type: what it needs, then what it may have. */
const CHECK_TYPES: readonly (readonly [type: string, needed: Keys, own: Keys])[] = [
  ["nginx", {}, { url: ['"http://127.0.0.1/nginx_status"'] }],
  ["http", { url: ['"http://127.0.0.1/?a=b#c"', '"https://[::1]:8443/"'] }, {
    method: ['"HEAD"'],
    headers: ['{ Host = "x", "X-Y" = "z" }'],
    expect: ['{ status = [200, "3xx"], body = "ok" }', '{ json = { "a.b" = 1 } }', '{ regex = "^a.*b$" }'],
    tls: ["{ verify = false }"],
    basic_auth: ['{ username = "u", password = "${VIPD_TEST_SECRET}" }'],
    follow_redirects: ["true"],
  }],
  ["tcp", { address: ['"127.0.0.1:80"', '"[::1]:80"'] }, { expect: ['"220 "'], send: ['"x\\r\\n"'] }],
  ["exec", { command: ['["/bin/sh", "-c", """\nexit "$(cat /tmp/x)"\n"""]', '["/bin/true"]'] }, {}],
  ["process", { process: ['"nginx"'] }, { minimum: ["2"], containers: ["true"] }],
  ["interface", { interface: ['"eth0"', '"bond0"'] }, {}],
];

const SERVER_NEEDS: Keys = {
  address: ['"192.0.2.10:80"', '"192.0.2.11:443"', '"[2001:db8::10]:80"', '"192.0.2.12"'],
};

const SERVER: Keys = {
  addresses: ['["192.0.2.20-29:80"]', '["192.0.2.64/28:80", { fwmark = 7 }]', '["[2001:db8::/125]:1"]'],
  fwmark: ["1", "0xffffffff"],
  family: ['"ipv4"', '"ipv6"'],
  protocol: ['"tcp"', '"udp"', '"sctp"'],
  engine: ['"auto"', '"ipvs"', '"nftables"', '"haproxy"'],
  mode: ['"tcp"', '"http"'],
  options: ["{}", '{ cookie = "SRV" }'],
  virtual_router: ['"r1"', '"web"'],
  scheduler: ['"rr"', '"wlc"', '"sh"', '"mh"'],
  flags: ['["sh-port"]', "[]"],
  one_packet: ["true", "false"],
  forward: ['"nat"', '"dr"', '"tunnel"', '{ method = "tunnel", type = "gue", port = 6080 }'],
  persistence: ['"6m"', '"1s"'],
  persistence_granularity: ['"255.255.255.0"', "24", "64"],
  quorum: ["0", "1", "2"],
  hysteresis: ["0", "1"],
  on_failure: ['"quiesce"'],
  initial: ['"down"'],
  omega: ["true"],
  sorry_server: ['"127.0.0.1:8080"', '{ address = "192.0.2.9:80", forward = "nat" }'],
  weight: ["0", "100", "65535"],
  upper_threshold: ["0", "1000"],
  slow_start: ['"30s"'],
  drain_timeout: ['"5m"'],
  check: [
    '{ type = "tcp", interval = "2s", retries = 3 }',
    '[{ type = "tcp" }, { type = "exec", command = ["/bin/true"], weight_from_exit = true }]',
    "[]",
  ],
  notify: ['{ up = ["/bin/true"], timeout = "1s" }'],
};

const REAL_SERVER_NEEDS: Keys = {
  address: ['"192.0.2.21:80"', '"192.0.2.22"', '"[2001:db8::21]:80"', '"2001:db8::22"'],
};

const REAL_SERVER: Keys = {
  name: ['"rs1"', '"rs 2"'],
  weight: ["0", "3"],
  forward: ['"nat"', '"tunnel"'],
  lower_threshold: ["1"],
  check: ['{ type = "http", path = "/" }', "[]"],
};

const BALANCE: Keys = {
  tune_kernel: ["true"],
  timeouts: ['{ tcp = "15m", udp = "5m" }'],
  flush: ["true"],
  sync: ['{ virtual_router = "r1" }', '{ virtual_router = "web", id = 7 }'],
};

const DIRECT_ROUTING: Keys = { addresses: ['["192.0.2.10"]', '["2001:db8::10", "192.0.2.11"]'] };

/** Values that are wrong nearly everywhere. */
const WRONG = [
  '""',
  "0",
  "-1",
  "256",
  "1e400",
  "-0.0",
  "inf",
  "nan",
  "9007199254740993",
  "99999999999999999999999999",
  "0xffffffffffffffffff",
  "1_000_000",
  "1979-05-27T07:32:00Z",
  "07:32:00",
  "{}",
  "[[[[]]]]",
  "[1, 'a', {}]",
  "true",
  '"${NOT_SET}"',
  '"${VIPD_TEST_SECRET}"',
  '"x${VIPD_TEST_SECRET}y"',
  '"${"',
  '"$${A}"',
  '"\\u0000"',
  '"\\ud800"',
  '"\\x"',
  '"\u{1f40c}"',
  '"a\u202eb"',
  "'''\n\n'''",
  '"5 seconds"',
  '"1e3s"',
  '"99999999999999999999h"',
  '"0.0.0.0"',
  '"::"',
  '"192.0.2.1/33"',
  '"fe80::1%eth0"',
  '"__proto__"',
  '"constructor"',
  `"${"x".repeat(300)}"`,
  "{ a = 1, a = 2 }",
  "{ __proto__ = 1 }",
  "{ a.b = 1, a = 2 }",
  "",
];

const NAMES = ["web", "a", '"b.c"', "'d e'", '"ü"', "__proto__", "constructor", '""', "x".repeat(65)];

/** Put anywhere in a text. */
const FRAGMENTS = [
  ..."=[]{}\"'\n\r\t#,.-\\\0\x7f\ufeff0",
  '"""',
  "'''",
  "\r\n",
  "\u2028",
  "\ud800",
  "\u{1f40c}",
  "${",
  "[[a]]\n",
  "[[virtual_server.v1.real_server]]\n",
  "[virtual_server.v1.real_server]\n",
  "[[virtual_server.v1.real_server.check]]\n",
  "real_server = []\n",
  "real_server = {}\n",
  "[virtual_router.a]\n",
  "[a]\n",
  "a.b = 1\n",
  "a = {}\n",
  "inf",
  "__proto__",
  "hasOwnProperty = 1\n",
  "«200×[»",
  "«200×{a=»",
  "«300×a.»",
  "«5000×x»",
  "vrrp_instance VI_1 {\n",
];

const INCLUDES = [
  '["conf.d/*.toml"]',
  '["conf.d/a.toml"]',
  '["vipd.toml"]',
  '["conf.d/b.toml", "conf.d/a.toml"]',
  '["conf.d/[!x]*.toml"]',
  '["${VIPD_TEST_DIR}/a.toml"]',
  '["/etc/passwd", "../x"]',
  '["conf.d/[z-a].toml"]',
  '["**/*", "?", "["]',
  '"conf.d"',
  "[1]",
];

function lines(random: Random, keys: Keys, share: number): string[] {
  return Object.entries(keys).flatMap(([key, values]) => {
    if (!random.chance(share)) return [];
    const value = random.chance(0.02) ? random.pick(WRONG) : random.pick(values);
    const name = random.chance(0.005) ? `${key}x` : random.chance(0.02) ? `"${key}"` : key;
    return [`${name} = ${value}`];
  });
}

function section(random: Random, header: string, needed: Keys, own: Keys, share: number): string {
  const comment = random.chance(0.1) ? " # [a] = {" : "";
  return [`[${header}]${comment}`, ...lines(random, needed, 0.99), ...lines(random, own, share)].join("\n");
}

function check(random: Random, name: string): string {
  const [type, needed, own] = random.pick(CHECK_TYPES);
  const all = { type: [JSON.stringify(type)], ...needed };
  return section(random, `check.${name}`, all, { ...own, ...CHECK }, 0.12);
}

function server(random: Random, name: string): string {
  const header = `virtual_server.${name}`;
  const real = Array.from(
    { length: random.integer(0, 3) },
    () => section(random, `[${header}.real_server]`, REAL_SERVER_NEEDS, REAL_SERVER, 0.1),
  );
  return [section(random, header, SERVER_NEEDS, SERVER, 0.05), ...real].join("\n");
}

/** A whole file, or what another one includes. */
function text(random: Random, isMain: boolean): string {
  const parts: string[] = [];
  if (isMain && random.chance(0.5)) parts.push(section(random, "node", {}, NODE, 0.4));
  if (isMain && random.chance(0.5)) parts.push(section(random, "api", {}, API, 0.3));
  if (isMain && random.chance(0.3)) parts.push(section(random, "log", {}, LOG, 0.5));
  for (let n = random.integer(0, 2); n > 0; n--) {
    const name = random.chance(0.8) ? `r${random.integer(0, 99)}` : random.pick(NAMES);
    parts.push(section(random, `virtual_router.${name}`, ROUTER_NEEDS, ROUTER, 0.06));
  }
  if (random.chance(0.4)) {
    const name = random.chance(0.8) ? `v${random.integer(0, 9)}` : random.pick(NAMES);
    parts.push(server(random, name));
    if (random.chance(0.3)) parts.push(section(random, "balance", {}, BALANCE, 0.3));
    if (random.chance(0.2)) parts.push(section(random, `direct_routing.${name}`, DIRECT_ROUTING, {}, 0));
  }
  for (const name of ["c", "d"]) if (random.chance(0.6)) parts.push(check(random, name));
  return `${parts.join("\n\n")}\n`;
}

type Mutation = (text: string, random: Random) => string;

const MUTATIONS: readonly Mutation[] = [
  (text, random) => at(text, random, random.integer(0, 4), ""),
  (text, random) => at(text, random, random.integer(0, 2), random.pick(FRAGMENTS)),
  (text, random) => at(text, random, 0, random.pick(FRAGMENTS).repeat(random.integer(2, 20))),
  (text, random) => text.slice(0, random.integer(0, text.length)),
  (text) => text.replaceAll("\n", "\r\n"),
  (text) => `\ufeff${text}`,
  // A line twice, or somewhere else.
  (text, random) => moved(text, random, true),
  (text, random) => moved(text, random, false),
  // A value, whatever its key.
  (text, random) => {
    const all = text.split("\n");
    const i = random.integer(0, all.length - 1);
    const key = all[i]!.split("=")[0];
    return all.with(i, `${key}= ${random.pick(WRONG)}`).join("\n");
  },
  (text, random) => at(text, random, 0, String.fromCodePoint(random.integer(0, 0x10ffff))),
];

function at(text: string, random: Random, removed: number, put: string): string {
  const from = random.integer(0, text.length);
  return text.slice(0, from) + put + text.slice(from + removed);
}

function moved(text: string, random: Random, again: boolean): string {
  const all = text.split("\n");
  const from = random.integer(0, all.length - 1);
  const line = all[from]!;
  const rest = again ? all : all.toSpliced(from, 1);
  return rest.toSpliced(random.integer(0, rest.length), 0, line).join("\n");
}

function spoilt(random: Random, text: string): string {
  let current = text;
  for (let n = random.pick([0, 0, 1, 1, 2, 3]); n > 0; n--) current = random.pick(MUTATIONS)(current, random);
  return current;
}

export function files(random: Random): (readonly [path: string, text: string])[] {
  const main = text(random, true);
  if (random.chance(0.8)) return [["vipd.toml", spoilt(random, main)]];
  const included = ["conf.d/a.toml", "conf.d/b.toml"].map((path): readonly [string, string] => {
    const include = random.chance(0.2) ? `include = ${random.pick(INCLUDES)}\n` : "";
    return [path, spoilt(random, include + text(random, false))];
  });
  return [["vipd.toml", spoilt(random, `include = ${random.pick(INCLUDES)}\n${main}`)], ...included];
}
