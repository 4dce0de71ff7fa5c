/** keepalived.conf of chance: right in every keyword, then written and broken as people and templates do. */
import { BLOCKS } from "../../mod/config/keepalived/blocks.ts";
import type { Random } from "../sim/random.ts";

/** Must never be told. */
export const SECRET = "hunter2!";

/** Values that are right for a keyword; others get one of `ANY`. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  state: ["MASTER", "BACKUP"],
  interface: ["eth0", "bond0.100"],
  virtual_router_id: ["1", "51", "255"],
  priority: ["1", "100", "255"],
  advert_int: ["1", "0.3", "3", "40.95"],
  version: ["2", "3"],
  vrrp_version: ["2", "3"],
  auth_type: ["PASS"],
  auth_pass: [SECRET, `"${SECRET}"`],
  preempt_delay: ["0", "300"],
  interval: ["1", "2", "0.5"],
  timeout: ["1", "3"],
  weight: ["-5", "10", "0", "2 reverse"],
  rise: ["1", "3"],
  fall: ["1", "2"],
  script: ['"/etc/check.sh"', '"killall -0 nginx"', "\"/bin/x 'a b'\"", '"curl -sf http://127.0.0.1/"'],
  notify: ['"/etc/n.sh a"', '"/etc/n.sh" root'],
  unicast_src_ip: ["192.0.2.1", "2001:db8::1"],
  lb_algo: ["rr", "wrr", "wlc"],
  lb_kind: ["NAT", "DR", "TUN"],
  protocol: ["TCP", "UDP"],
  process: ["nginx", '"nginx" master'],
  file: ["/run/f"],
  smtp_server: ["127.0.0.1", "192.0.2.25 587"],
  persistence_timeout: ["60", ""],
  router_id: ["lb1", "节点"],
  script_user: ["nobody", "nobody nogroup"],
};

const ANY = ["1", "5", "on", "off", "", "eth0", '"/etc/x y"', "192.0.2.9", "0", "-1", "abc", "10 20", "a=b"];

/** Blocks that hold lines of their own. */
const LINES: Readonly<Record<string, readonly string[]>> = {
  virtual_ipaddress: [
    "192.0.2.10/24",
    "192.0.2.11",
    "2001:db8::1/64",
    "192.0.2.12/24 dev eth1 label eth1:1",
    "x",
  ],
  virtual_ipaddress_excluded: ["198.51.100.1", "2001:db8::2/64"],
  unicast_peer: ["192.0.2.2", "192.0.2.3 min_ttl 250", "2001:db8::2"],
  track_script: ["a", "b weight 5", "a weight -2 reverse", "gone"],
  track_process: ["a", "b weight -3"],
  track_file: ["a", "b weight 2"],
  track_interface: ["eth0", "eth1", "eth2 weight 10", "eth3 weight -300"],
  group: ["a", "b", "c"],
  notification_email: ["a@b.example", '"Ops <o@p.example>"', "!x"],
  interfaces: ["eth0", "eth1"],
  virtual_routes: ["10.0.0.0/8 via 192.0.2.1"],
};

/** Blocks of the outermost level, and how their first line goes on. */
const ROOTS: readonly (readonly [keyword: string, rest: readonly string[]])[] = [
  ["global_defs", [""]],
  ["vrrp_script", ["a", "b"]],
  ["vrrp_track_process", ["a", "b"]],
  ["track_file", ["a", "b"]],
  ["vrrp_instance", ["a", "b", "c"]],
  ["vrrp_instance", ["a", "b", "c"]],
  ["vrrp_sync_group", ["g", "h"]],
  ["garp_group", [""]],
  ["virtual_server", ["192.0.2.80 80", "fwmark 1", "2001:db8::80 443", "group g"]],
  ["virtual_server_group", ["g"]],
  ["static_routes", [""]],
];

const CHECKERS = [
  "TCP_CHECK",
  "HTTP_GET",
  "MISC_CHECK",
  "DNS_CHECK",
  "PING_CHECK",
  "UDP_CHECK",
  "FILE_CHECK",
];

/** What makes a line a case of its own. */
const ODD = [
  "$A=192.0.2.33\n",
  "$B=interface eth0 \\\n  priority 7\n",
  "$B\n",
  "~SEQ(i, 3) $A\n",
  "~LST({x,y}, {1,2}, {3,4}) priority $x\n",
  "@lb1 priority 9\n",
  "@^lb1 priority 8\n",
  "include part.conf\n",
  "includea gone.conf\n",
  "${_ENV HOME} ${_HASH}\n",
  "{{ x }}\n",
  "}\n",
  "{\n",
  '"\n',
  "# a comment with { and }\n",
  "! another }\n",
];

export type Texts = readonly (readonly [path: string, text: string])[];

export function texts(random: Random): Texts {
  const main = document(random);
  return random.chance(0.3) ? [["k.conf", main], ["part.conf", block(random)]] : [["k.conf", main]];
}

function document(random: Random): string {
  let text = Array.from({ length: random.integer(1, 6) }, () => block(random)).join(
    random.pick(["\n", "\n\n", ""]),
  );
  // Half of all cases stay right: what is converted has to be seen as well.
  if (random.chance(0.5)) return text;
  for (let i = random.integer(0, 3); i > 0; i--) text = broken(text, random);
  return text;
}

function block(random: Random): string {
  const [keyword, rest] = random.pick(ROOTS);
  return opened(`${keyword} ${random.pick(rest)}`, inside(keyword, random), random);
}

/** Braces on the same line, on the next, or without a blank. */
function opened(title: string, body: string, random: Random): string {
  return `${title}${random.pick([" {\n", "{\n", "\n{\n", " {"])}${body}${random.pick(["}\n", "\n}\n", "}"])}`;
}

function inside(name: string, random: Random): string {
  const known = BLOCKS.find((block) => block.name === name)?.keywords ?? [];
  const chosen = Array.from(
    { length: random.integer(0, 5) },
    () => known.length === 0 ? "x" : random.pick(known).keyword,
  );
  const needs = name === "vrrp_instance"
    ? ["interface", "virtual_router_id", "virtual_ipaddress"]
    : name === "vrrp_script"
    ? ["script"]
    : name === "virtual_server"
    ? ["lb_kind", "real_server"]
    : name === "vrrp_sync_group"
    ? ["group"]
    : [];
  return [...needs, ...chosen].map((keyword) => statement(keyword, random)).join("");
}

function statement(keyword: string, random: Random): string {
  const lines = LINES[keyword];
  if (lines !== undefined) {
    const count = random.integer(0, 3);
    return opened(keyword, Array.from({ length: count }, () => `${random.pick(lines)}\n`).join(""), random);
  }
  if (keyword === "authentication") {
    return opened(keyword, `auth_type PASS\nauth_pass ${SECRET}\n`, random);
  }
  if (keyword === "real_server") {
    const body = random.chance(0.5) ? `weight 1\n${statement(random.pick(CHECKERS), random)}` : "weight 2\n";
    return opened(`${keyword} 192.0.2.${random.integer(1, 20)} 80`, body, random);
  }
  if (CHECKERS.includes(keyword)) return opened(keyword, "connect_timeout 3\n", random);
  return `${keyword} ${random.pick(VALUES[keyword] ?? ANY)}\n`;
}

function broken(text: string, random: Random): string {
  const at = random.integer(0, text.length);
  const lines = text.split("\n");
  const line = random.integer(0, lines.length - 1);
  switch (random.integer(0, 5)) {
    case 0:
      return `${text.slice(0, at)}${random.pick(ODD)}${text.slice(at)}`;
    case 1:
      return [...lines.slice(0, line), random.pick(ODD).trimEnd(), ...lines.slice(line)].join("\n");
    case 2:
      return lines.toSpliced(line, random.integer(1, 3)).join("\n");
    case 3:
      return text.replaceAll("\n", random.pick([" ", "\r\n", "\n\n", "# x\n"]));
    case 4:
      return text.slice(0, at) + text.slice(at + random.integer(1, 9));
    default:
      return text.slice(0, at) + random.pick(["\0", "\x1b", "\ud800", "é", "${", "~SEQ(", "\\", "'"]) +
        text.slice(at);
  }
}
