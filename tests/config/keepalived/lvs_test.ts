/** Virtual servers of keepalived.conf: what each keyword becomes, what is inherited, and what is refused. */
import { assertEquals, assertMatch } from "@std/assert";
import { convertKeepalived } from "../../../mod/config/keepalived/convert.ts";
import type { Row } from "../../../mod/config/keepalived/report.ts";
import { writeToml } from "../../../mod/config/keepalived/toml_writer.ts";
import { filesOf } from "./files.ts";

interface Result {
  readonly toml: string;
  readonly rows: readonly Row[];
}

function convert(text: string): Result {
  const { draft, rows } = convertKeepalived("k", filesOf({ k: text }), { id: "lb1", env: () => undefined });
  return { toml: writeToml(draft, []), rows };
}

const server = (body: string, real = "real_server 192.0.2.21 80 {\n}", what = "192.0.2.10 80"): string =>
  `virtual_server ${what} {\nlb_algo rr\n${body}\n${real}\n}\n`;
const checker = (text: string, body = ""): Result =>
  convert(server(body, `real_server 192.0.2.21 80 {\n${text}\n}`));

/** The lines that have a key of this name, without it. */
function valuesOf({ toml }: Result, key: string): string[] {
  return toml.split("\n").flatMap((line) => line.startsWith(`${key} = `) ? [line.slice(key.length + 3)] : []);
}

/** Statements of virtual_server -> lines that it makes. */
const KEYWORDS: readonly (readonly [body: string, key: string, value: string | undefined])[] = [
  ["lvs_sched wlc", "scheduler", '"wlc"'],
  ["sh-port\nsh-fallback", "flags", '["sh-port", "sh-fallback"]'],
  ["ops\nprotocol UDP", "one_packet", "true"],
  ["protocol UDP", "protocol", '"udp"'],
  ["protocol TCP", "protocol", undefined],
  ["lb_kind DR", "forward", '"dr"'],
  ["lvs_method TUN type gre csum", "forward", '{ method = "tunnel", type = "gre", checksum = "checksum" }'],
  ["lvs_method TUN type gue port 6080", "forward", '{ method = "tunnel", type = "gue", port = 6080 }'],
  ["persistence_timeout 60", "persistence", '"1m"'],
  ["persistence_timeout", "persistence", '"6m"'],
  ["persistence_timeout 0", "persistence", undefined],
  ["persistence_granularity 255.255.255.0", "persistence", '"6m"'],
  ["persistence_granularity 24", "persistence_granularity", "24"],
  ["omega", "omega", "true"],
  ["inhibit_on_failure", "on_failure", '"quiesce"'],
  ["alpha", "initial", '"down"'],
  ["quorum 0", "quorum", "0"],
  ["quorum 9", "quorum", "1"],
  ["hysteresis 9", "hysteresis", "0"],
  ["sorry_server 192.0.2.30 80", "sorry_server", '"192.0.2.30:80"'],
  [
    "sorry_server 192.0.2.30 80\nsorry_server_inhibit",
    "sorry_server",
    '{ address = "192.0.2.30:80", on_failure = "quiesce" }',
  ],
  ['quorum_up "/u a" web', "notify", '{ quorum_up = ["/u", "a"], user = "web" }'],
  ["smtp_alert", "notify", "{ mail = true }"],
];

Deno.test("virtual_server: each keyword and the key that it becomes", () => {
  for (const [body, key, value] of KEYWORDS) {
    assertEquals(valuesOf(convert(server(body)), key).at(-1), value, body);
  }
});

const HTTP = 'type = "http"';
const END = 'connect_timeout = "5s", interval = "1m"';
/** A checker -> the check. keepalived's own defaults are written out. */
const CHECKERS: readonly (readonly [text: string, check: string])[] = [
  ["TCP_CHECK {\n}", `{ type = "tcp", ${END} }`],
  [
    "TCP_CHECK {\nconnect_port 81\nbindto 192.0.2.1\nfwmark 3\n}",
    `{ type = "tcp", connect_port = 81, bind_address = "192.0.2.1", fwmark = 3, ${END} }`,
  ],
  ["TCP_CHECK {\nconnect_ip 192.0.2.99\n}", `{ type = "tcp", address = "192.0.2.99:80", ${END} }`],
  [
    "TCP_CHECK {\nretry 0\nalpha\nwarmup 2\n}",
    `{ type = "tcp", ${END}, retries = 0, warmup = "2s", initial = "down" }`,
  ],
  [
    "TCP_CHECK {\nconnect_timeout 10\nnb_get_retry 3\ndelay_before_retry 3\n}",
    '{ type = "tcp", connect_timeout = "10s", interval = "1m", timeout = "10s", retries = 3, retry_delay = "3s" }',
  ],
  [
    "HTTP_GET {\nurl {\npath /a\n}\n}",
    `{ ${HTTP}, path = "/a", expect = { status = "200-299" }, ${END}, timeout = "10s", retry_delay = "3s" }`,
  ],
  [
    "HTTP_GET {\nurl {\nstatus_code 200 404-410\nvirtualhost w\n}\nconnect_ip 192.0.2.9\n}",
    `{ ${HTTP}, virtual_host = "w", connect_to = "192.0.2.9:80", expect = { status = [200, "404-410"] }, ${END}, timeout = "10s", retry_delay = "3s" }`,
  ],
  [
    "SSL_GET {\nurl {\npath /\n}\nsni_name n\n}",
    `{ ${HTTP}, scheme = "https", path = "/", tls = { verify = false, server_name = "n" }, expect = { status = "200-299" }, ${END}, timeout = "10s", retry_delay = "3s" }`,
  ],
  [
    "DNS_CHECK {\ntype a\nname n\n}",
    '{ type = "dns", query = "A", name = "n", interval = "1m", retries = 3, retry_delay = "1m" }',
  ],
  ["SMTP_CHECK {\nhelo_name n\n}", `{ type = "smtp", helo_name = "n", ${END}, timeout = "15s" }`],
  [
    "SMTP_CHECK {\nhost {\nconnect_port 26\n}\n}",
    `{ type = "smtp", connect_port = 26, ${END}, timeout = "15s" }`,
  ],
  [
    "UDP_CHECK {\npayload 0a0b\nrequire_reply 0cxx\nmin_reply_length 2\n}",
    '{ type = "udp", send_hex = "0a 0b", require_reply = true, expect_hex = "0c xx", minimum = 2, interval = "1m" }',
  ],
  ["PING_CHECK {\nconnect_timeout 2\n}", '{ type = "ping", interval = "1m", timeout = "2s" }'],
  [
    'MISC_CHECK {\nmisc_path "/c a"\nuser web\n}',
    '{ type = "exec", command = ["/c", "a"], user = "web", timeout = "1m", interval = "1m", retries = 0 }',
  ],
  [
    "MISC_CHECK {\nmisc_path /c\nmisc_dynamic\nmisc_timeout 3\n}",
    '{ type = "exec", command = ["/c"], weight_from_exit = true, timeout = "3s", interval = "1m", retries = 0 }',
  ],
  [
    'MISC_CHECK {\nmisc_path "nc -z 192.0.2.21 80"\n}',
    '{ type = "tcp", timeout = "1m", interval = "1m", retries = 0 }',
  ],
  [
    'MISC_CHECK {\nmisc_path "curl -f http://192.0.2.21:8080/h"\n}',
    `{ ${HTTP}, path = "/h", connect_port = 8080, timeout = "1m", interval = "1m", retries = 0 }`,
  ],
  [
    'MISC_CHECK {\nmisc_path "nc -z 192.0.2.77 80"\n}',
    '{ type = "exec", command = ["nc", "-z", "192.0.2.77", "80"], timeout = "1m", interval = "1m", retries = 0 }',
  ],
];

Deno.test("checkers: each of them, with keepalived's defaults written out", () => {
  for (const [text, check] of CHECKERS) assertEquals(valuesOf(checker(text), "check"), [check], text);
});

Deno.test("SSL: its certificate is shown by every SSL_GET, wherever it stands", () => {
  const get = "real_server 192.0.2.21 443 {\nSSL_GET {\nurl {\npath /\n}\n}\n}";
  const result = convert(server("", get) + "SSL {\ncertificate /c.pem\nca /ca.pem\n}\n");
  const shown = 'tls = { verify = false, cert = "/c.pem", key = "/c.pem" }';
  assertEquals(valuesOf(result, "check")[0]?.includes(shown), true, result.toml);
});

Deno.test("what virtual_server says is true for its real servers, and what they say for their checkers", () => {
  const both = `real_server 192.0.2.21 80 {\nretry 5\nTCP_CHECK {\n}\n}
real_server 192.0.2.22 80 {\nweight 3\nvirtualhost w\nHTTP_GET {\nretry 7\nurl {\npath /\n}\n}\n}`;
  const result = convert(server("delay_loop 2\nretry 4\nconnect_timeout 1\ndelay_before_retry 2", both));
  assertEquals(valuesOf(result, "check"), [
    '{ type = "tcp", connect_timeout = "1s", interval = "2s", timeout = "1s", retries = 5, retry_delay = "2s" }',
    `{ ${HTTP}, virtual_host = "w", path = "/", expect = { status = "200-299" }, connect_timeout = "1s", ` +
    'interval = "2s", retries = 7, retry_delay = "2s" }',
  ]);
  assertEquals(valuesOf(result, "weight"), ["3"]);
});

Deno.test("what all real servers are asked alike stands once", () => {
  const two = [21, 22].map((host) => `real_server 192.0.2.${host} 80 {\nTCP_CHECK {\n}\n}`).join("\n");
  const { toml } = convert(server("", two));
  assertEquals(toml.match(/check = /g)?.length, 1);
  assertMatch(toml, /\[virtual_server\."192\.0\.2\.10_80"\][^[]*\ncheck = /);
});

Deno.test("groups, marks and ranges; a port that cannot be changed is the virtual server's", () => {
  const groups: readonly (readonly [members: string, addresses: string])[] = [
    ["192.0.2.1 80\nfwmark 7 inet6", '["192.0.2.1:80", { fwmark = 7, family = "ipv6" }]'],
    ["192.0.2.1-5 80\n192.0.2.64/28", '["192.0.2.1-5:80", "192.0.2.64/28"]'],
    ["192.0.2.254-192.0.3.1 80", '["192.0.2.254-255:80", "192.0.3.0-1:80"]'],
    ["2001:db8::fffe-2001:db8::1:1 80", '["[2001:db8::fffe-ffff]:80", "[2001:db8::1:0-1]:80"]'],
  ];
  for (const [members, addresses] of groups) {
    const group = `virtual_server_group G {\n${members}\n}\n`;
    assertEquals(valuesOf(convert(group + server("", undefined, "group G")), "addresses"), [addresses]);
  }
  const moved = convert(server("lb_kind DR", "real_server 192.0.2.21 8080 {\nTCP_CHECK {\n}\n}"));
  assertEquals(valuesOf(moved, "address"), ['"192.0.2.10:80"', '"192.0.2.21:80"']);
  assertMatch(valuesOf(moved, "check")[0] ?? "", /connect_port = 8080/);
  const mark = convert(server("lb_kind TUN", "real_server 192.0.2.21 80 {\n}", "fwmark 9"));
  assertEquals([valuesOf(mark, "fwmark"), valuesOf(mark, "address")], [["9"], ['"192.0.2.21"']]);
});

/** What is told, and whether it keeps the file from being written. */
const TOLD: readonly (readonly [text: string, message: RegExp, blocks: boolean])[] = [
  [server("lb_algo rrr"), /unknown scheduler "rrr"; did you mean rr\?/, true],
  [server("lb_kind XX"), /expected NAT, DR or TUN, got "XX"/, true],
  [server("nat_mask 255.255.255.0"), /never had an effect/, false],
  [server("ha_suspend"), /no vrrp_instance brings its address/, false],
  [server("", ""), /it has no real server: keepalived drops it/, false],
  [server("", undefined, "group G"), /there is no virtual_server_group "G"/, true],
  [server("", "real_server web1 80 {\n}"), /keepalived takes no names/, true],
  [server("", "real_server 192.0.2.21 80 {\nBFD_CHECK {\nname b\n}\n}"), /BFD is not supported/, true],
  [server("", "real_server 192.0.2.21 80 {\nHTTP_GET {\n}\n}"), /it has no url/, true],
  [server("", "real_server 192.0.2.21 80 {\nMISC_CHECK {\n}\n}"), /it has no misc_path/, true],
  [server("", 'real_server 192.0.2.21 80 {\nMISC_CHECK {\nmisc_path "a && b"\n}\n}'), /runs no shell/, true],
  [
    server("", "real_server 192.0.2.21 80 {\nTCP_CHECK {\nnb_get_retry 3\n}\n}"),
    /keepalived 2 passes over/,
    false,
  ],
  [
    server("", "real_server 192.0.2.21 80 {\nFILE_CHECK {\ntrack_file f\nweight 2\n}\n}"),
    /added to the weight/,
    true,
  ],
  [server("", "real_server 192.0.2.21 80 {\nTCP_CHEK {\n}\n}"), /did you mean "TCP_CHECK"\?/, true],
  [
    server("", "real_server 192.0.2.21 80 {\nnotify_up /a\n}\nreal_server 192.0.2.22 80 {\nnotify_up /b\n}"),
    /notify_up differs from real server to real server/,
    true,
  ],
  ["SSL {\npassword x\n}\n", /a key with a passphrase/, true],
  ["SSL {\nkey /k\n}\n", /a key without a certificate/, true],
];

Deno.test("virtual servers: what is corrected, left out or refused is told", () => {
  for (const [text, message, blocks] of TOLD) {
    const { rows } = convert(text);
    const row = rows.find((one) => message.test(one.message));
    assertEquals(row?.blocks, blocks, `${text}: ${JSON.stringify(rows)}`);
  }
});
