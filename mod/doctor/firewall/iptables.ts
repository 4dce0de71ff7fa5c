/** The rules of iptables, from what iptables-save(8) and ip6tables-save(8) print. PURE. */
import {
  matchesAddress,
  matchesInterface,
  matchesKind,
  matchesPacketType,
  matchesProtocol,
  matchesState,
  matchesStatus,
} from "./match.ts";
import {
  all,
  type Answer,
  any,
  type Base,
  type Chain,
  not,
  type Packet,
  type Rule,
  type Ruleset,
  type Test,
  type Verdict,
} from "./ruleset.ts";

const DIRECTIONS: Readonly<Record<string, "in" | "out">> = {
  PREROUTING: "in",
  INPUT: "in",
  OUTPUT: "out",
  POSTROUTING: "out",
};
const VERDICTS: Readonly<Record<string, Verdict["kind"]>> = {
  ACCEPT: "accept",
  DROP: "drop",
  REJECT: "drop",
  QUEUE: "drop",
  RETURN: "return",
};
/** Targets that do something and go on. */
const GO_ON =
  /^(LOG|NFLOG|ULOG|MARK|CONNMARK|CT|NOTRACK|TCPMSS|TTL|HL|DSCP|TOS|CLASSIFY|AUDIT|SET|TRACE|TEE|CHECKSUM)$/;

/** Options with a value: what each says about a VRRP packet. Another one may be true. */
const TESTS: Readonly<Record<string, (value: string, packet: Packet) => Answer>> = {
  "-p": (value) => matchesProtocol(value),
  "--protocol": (value) => matchesProtocol(value),
  "-s": (value, { source }) => matchesAddress(value, source),
  "-d": (value, { destination }) => matchesAddress(value, destination),
  "-i": (value, { direction, interface: name }) => direction === "out" ? "no" : matchesInterface(value, name),
  "-o": (value, { direction, interface: name }) => direction === "in" ? "no" : matchesInterface(value, name),
  "--ctstate": (value) => any(value.split(",").map(matchesState)),
  "--ctstatus": (value) => any(value.split(",").map(matchesStatus)),
  "--state": (value) => any(value.split(",").map(matchesState)),
  "--pkt-type": matchesPacketType,
  "--dst-type": (value, packet) => any(value.split(",").map((kind) => matchesKind(kind, packet))),
  "--dst-range": (value, { destination }) => matchesAddress(value, destination),
  "--src-range": (value, { source }) => matchesAddress(value, source),
  "--ttl-eq": (value) => value === "255" ? "yes" : "no",
  "--hl-eq": (value) => value === "255" ? "yes" : "no",
  // Modules by name: those above are decided by their options, a port is nothing that VRRP has.
  "-m": (value) =>
    /^(comment|conntrack|state|pkttype|addrtype|iprange|ttl|hl|rpfilter)$/.test(value)
      ? "yes"
      : /^(tcp|udp|icmp|icmp6|ipv6-icmp|multiport|sctp|esp|ah)$/.test(value)
      ? "no"
      : "maybe",
  "--comment": () => "yes",
  // Of the reverse path filter: the way back to a neighbour on the link exists.
  "--invert": () => "no",
  "--validmark": () => "yes",
  "--loose": () => "yes",
};
/** Options that belong to the target, and say nothing about the packet. */
const OF_TARGET = /^--(reject-with|log-|nflog-|set-|to-|save-|restore-|zone|queue-|clamp)/;

interface Options {
  readonly family: 4 | 6;
  /** `iptables`, `iptables-legacy`: the command that changes them. */
  readonly command: string;
}

export function readIptables(text: string, { family, command }: Options): Ruleset {
  const chains = new Map<string, { place: string; base: Base | null; rules: Rule[] }>();
  let table = "";
  for (const line of text.split("\n")) {
    if (line.startsWith("*")) table = line.slice(1).trim();
    const policy = /^:(\S+) (\S+)/.exec(line);
    if (policy !== null) {
      const [, name = "", word] = policy;
      const base = baseOf(table, name, word === "DROP" ? "drop" : "accept", { family, command });
      chains.set(`${table} ${name}`, { place: `${command} -t ${table} ${name}`, base, rules: [] });
    }
    const rule = /^(?:\[\d+:\d+\] )?-A (\S+) ?(.*)$/.exec(line);
    if (rule === null) continue;
    const chain = chains.get(`${table} ${rule[1]}`);
    const place = `${chain?.place}, rule ${(chain?.rules.length ?? 0) + 1}`;
    chain?.rules.push(readRule(rule[2]!, table, place, line.replace(/^\[.*?\] /, "")));
  }
  const known = [...chains].map(([name, chain]): [string, Chain] => [name, { name, ...chain }]);
  return { tool: command, chains: new Map(known) };
}

function baseOf(
  table: string,
  name: string,
  policy: "accept" | "drop",
  { family, command }: Options,
): Base | null {
  const direction = DIRECTIONS[name];
  if (direction === undefined) return null;
  return {
    policy,
    direction,
    families: [family],
    fix: `${command} ${table === "filter" ? "" : `-t ${table} `}-I ${name} -p 112 -j ACCEPT`,
  };
}

function readRule(text: string, table: string, place: string, line: string): Rule {
  const words = wordsOf(text);
  const tests: Test[] = [];
  let verdict: Verdict = { kind: "continue" };
  for (let at = 0; at < words.length; at++) {
    const negated = words[at] === "!";
    const option = words[negated ? ++at : at] ?? "";
    const value = (words[at + 1] ?? "").startsWith("-") ? "" : words[at + 1] ?? "";
    if (value !== "") at++;
    if (option === "-j" || option === "-g") {
      verdict = verdictOf(value, table, option === "-g");
      continue;
    }
    if (OF_TARGET.test(option) && verdict.kind !== "continue") continue;
    const decide = TESTS[option];
    tests.push(
      decide === undefined ? () => "maybe" : (packet): Answer => {
        const answer = decide(value, packet);
        return negated ? not(answer) : answer;
      },
    );
  }
  return {
    place,
    text: line,
    consequences: (packet) => [{ answer: all(tests.map((decide) => decide(packet))), verdict }],
  };
}

function verdictOf(target: string, table: string, goes: boolean): Verdict {
  const kind = VERDICTS[target];
  if (kind !== undefined && kind !== "jump" && kind !== "goto") return { kind };
  if (GO_ON.test(target)) return { kind: "continue" };
  return { kind: goes ? "goto" : "jump", chain: `${table} ${target}` };
}

/** Words as a shell would see them: a comment may hold blanks. */
function wordsOf(text: string): string[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
}
