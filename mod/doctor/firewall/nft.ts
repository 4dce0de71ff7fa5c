/** The rules of nftables, from what `nft -j list ruleset` prints (libnftables-json(5)). PURE. */
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
  type Consequence,
  not,
  type Packet,
  type Rule,
  type Ruleset,
  type Verdict,
} from "./ruleset.ts";

type Json = unknown;
type Table = Readonly<Record<string, Json>>;
/** Elements of a named set or map, by `family table name`. */
type Sets = ReadonlyMap<string, Json>;

const FAMILIES: Readonly<Record<string, readonly (4 | 6)[]>> = {
  inet: [4, 6],
  ip: [4],
  ip6: [6],
  netdev: [4, 6],
};
const DIRECTIONS: Readonly<Record<string, "in" | "out">> = {
  ingress: "in",
  prerouting: "in",
  input: "in",
  output: "out",
  postrouting: "out",
  egress: "out",
};
const VERDICTS: Readonly<Record<string, Verdict["kind"]>> = {
  accept: "accept",
  drop: "drop",
  reject: "drop",
  return: "return",
  continue: "continue",
};

/**
 * `text`: the whole JSON document. `others`: tables that another tool tells better, `ip filter`: those that
 * iptables has made, whose matches nft cannot print.
 */
export function readNft(text: string, others: ReadonlySet<string> = new Set()): Ruleset {
  const document = JSON.parse(text) as { readonly nftables?: readonly Table[] };
  const items = document.nftables ?? [];
  const pick = (kind: string): Table[] =>
    items.flatMap((item) => kind in item ? [item[kind] as Table] : []).filter((one) =>
      !others.has(`${one["family"]} ${one["table"]}`)
    );
  const sets: Sets = new Map(
    [...pick("set"), ...pick("map")].map((set) => [keyOf(set, String(set["name"])), set["elem"] ?? []]),
  );
  const rules = Map.groupBy(pick("rule"), (rule) => keyOf(rule, String(rule["chain"])));
  const chains = pick("chain").filter(({ family }) => String(family) in FAMILIES).map((chain): Chain => {
    const name = keyOf(chain, String(chain["name"]));
    return {
      name,
      place: `nft ${name}`,
      rules: (rules.get(name) ?? []).map((rule) => readRule(rule, sets)),
      base: baseOf(chain, name),
    };
  });
  return { tool: "nft", chains: new Map(chains.map((chain) => [chain.name, chain])) };
}

function keyOf({ family, table }: Table, name: string): string {
  return `${family} ${table} ${name}`;
}

function baseOf(chain: Table, name: string): Base | null {
  const direction = DIRECTIONS[String(chain["hook"])];
  // Chains of type nat and route do not filter, but their rules may drop.
  if (direction === undefined) return null;
  const device = chain["hook"] === "ingress" || chain["hook"] === "egress";
  return {
    policy: chain["policy"] === "drop" ? "drop" : "accept",
    direction,
    families: FAMILIES[String(chain["family"])] ?? [],
    fix: device ? `nft list chain ${name}` : `nft insert rule ${name} meta l4proto 112 accept`,
  };
}

function readRule(rule: Table, sets: Sets): Rule {
  const expressions = (rule["expr"] ?? []) as readonly Table[];
  const { family, table, chain, handle } = rule;
  return {
    place: `nft ${family} ${table} ${chain}, handle ${handle}`,
    text: describe(expressions),
    consequences: (packet) => consequencesOf(expressions, packet, rule, sets),
  };
}

/** Matches and verdicts stand in one list: a verdict counts if everything before it does. */
function consequencesOf(
  expressions: readonly Table[],
  packet: Packet,
  rule: Table,
  sets: Sets,
): readonly Consequence[] {
  let answer: Answer = "yes";
  for (const expression of expressions) {
    const [[key, value] = ["", null]] = Object.entries(expression);
    if (key === "vmap") return mapped(value as Table, packet, rule, sets, answer);
    const verdict = verdictOf(key, value, rule);
    if (verdict !== null) return [{ answer, verdict }];
    answer = all([answer, test(key, value, packet, rule, sets)]);
    if (answer === "no") return [];
  }
  return [];
}

function verdictOf(key: string, value: Json, rule: Table): Verdict | null {
  if (key === "jump" || key === "goto") {
    return { kind: key, chain: keyOf(rule, String((value as Table)["target"])) };
  }
  const kind = VERDICTS[key];
  return kind === undefined || kind === "jump" || kind === "goto" ? null : { kind };
}

function mapped(map: Table, packet: Packet, rule: Table, sets: Sets, before: Answer): readonly Consequence[] {
  const elements = elementsOf(map["data"], rule, sets) as readonly (readonly [Json, Table])[];
  return elements.flatMap(([key, data]) => {
    const answer = all([before, compare(map["key"], key, packet, rule, sets)]);
    const [[word, value] = ["", null]] = Object.entries(data);
    const verdict = verdictOf(word, value, rule);
    return answer === "no" || verdict === null ? [] : [{ answer, verdict }];
  });
}

/** Statements that match nothing are true; a kind that is not known may be. */
const NEUTRAL = new Set([
  "counter",
  "log",
  "comment",
  "mangle",
  "notrack",
  "meter",
  "ct helper",
  "set",
  "map",
]);

function test(key: string, value: Json, packet: Packet, rule: Table, sets: Sets): Answer {
  if (NEUTRAL.has(key)) return "yes";
  if (key !== "match") return "maybe";
  const { op, left, right } = value as Table;
  if (!isOfItsProtocol(left, packet)) return "no";
  const answer = compare(left, right, packet, rule, sets);
  if (op === "!=") return not(answer);
  return op === "==" || op === "in" ? answer : "maybe";
}

/** nft asks for the protocol of a field first, unprinted: `tcp dport != 22` is about TCP alone. */
function isOfItsProtocol(left: Json, { family }: Packet): boolean {
  const payload = isTable(left) ? left["payload"] : undefined;
  const protocol = isTable(payload) ? payload["protocol"] : undefined;
  if (protocol === undefined || protocol === "ether") return true;
  return protocol === (family === 4 ? "ip" : "ip6");
}

/** One value, or any of a set, prefix or range. */
function compare(left: Json, right: Json, packet: Packet, rule: Table, sets: Sets): Answer {
  const elements = elementsOf(right, rule, sets);
  return any(elements.map((element) => matches(left, textOf(element), packet)));
}

function elementsOf(value: Json, rule: Table, sets: Sets): readonly Json[] {
  if (typeof value === "string" && value.startsWith("@")) {
    return (sets.get(keyOf(rule, value.slice(1))) ?? []) as readonly Json[];
  }
  if (Array.isArray(value)) return value;
  const set = isTable(value) ? value["set"] : undefined;
  if (set !== undefined) return elementsOf(set, rule, sets);
  return [value];
}

function textOf(value: Json): string {
  if (!isTable(value)) return String(value);
  const { prefix, range, elem } = value;
  if (isTable(prefix)) return `${prefix["addr"]}/${prefix["len"]}`;
  if (Array.isArray(range)) return `${range[0]}-${range[1]}`;
  if (isTable(elem)) return textOf(elem["val"]);
  return JSON.stringify(value);
}

function matches(left: Json, wanted: string, packet: Packet): Answer {
  if (!isTable(left)) return "maybe";
  const [[kind, value] = ["", null]] = Object.entries(left);
  const named = isTable(value) ? value : {};
  if (kind === "meta") return matchesMeta(String(named["key"]), wanted, packet);
  if (kind === "payload") {
    return matchesPayload(String(named["protocol"]), String(named["field"]), wanted, packet);
  }
  if (kind === "ct") return matchesCt(String(named["key"]), wanted);
  if (kind === "fib") return matchesFib(named, wanted, packet);
  return "maybe";
}

function matchesCt(key: string, wanted: string): Answer {
  if (key === "state") return matchesState(wanted);
  return key === "status" ? matchesStatus(wanted) : "maybe";
}

function matchesMeta(key: string, wanted: string, packet: Packet): Answer {
  const { direction, interface: name, family } = packet;
  switch (key) {
    case "l4proto":
      return matchesProtocol(wanted);
    case "iifname":
    case "iif":
      // What this host sends has come in nowhere.
      return direction === "out" ? "no" : matchesInterface(wanted, name);
    case "oifname":
    case "oif":
      return direction === "in" ? "no" : matchesInterface(wanted, name);
    case "pkttype":
      return matchesPacketType(wanted, packet);
    case "nfproto":
      return wanted === (family === 4 ? "ipv4" : "ipv6") ? "yes" : "no";
    case "protocol":
      return wanted === (family === 4 ? "ip" : "ip6") ? "yes" : "no";
    default:
      return "maybe";
  }
}

function matchesPayload(protocol: string, field: string, wanted: string, packet: Packet): Answer {
  const { family, source, destination } = packet;
  if (protocol === "ip" || protocol === "ip6") {
    if ((protocol === "ip") !== (family === 4)) return "no";
    if (field === "saddr") return matchesAddress(wanted, source);
    if (field === "daddr") return matchesAddress(wanted, destination);
    if (field === "protocol" || field === "nexthdr") return matchesProtocol(wanted);
    if (field === "ttl" || field === "hoplimit") return wanted === "255" ? "yes" : "no";
    return "maybe";
  }
  // Fields of another protocol: no VRRP packet has them.
  return protocol === "ether" ? "maybe" : "no";
}

function matchesFib({ result, flags }: Table, wanted: string, packet: Packet): Answer {
  const about = Array.isArray(flags) ? flags : [flags];
  // The way back to a neighbour on the link exists; where it does not, another examination tells.
  if (result === "oif" && about.includes("saddr")) return wanted === "false" ? "no" : "maybe";
  return result === "type" && about.includes("daddr") ? matchesKind(wanted, packet) : "maybe";
}

function isTable(value: Json): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A rule in words near to nft's own, good enough to recognise it. */
function describe(expressions: readonly Table[]): string {
  return expressions.map((expression) => {
    const [[key, value] = ["", null]] = Object.entries(expression);
    if (key === "match") {
      const { op, left, right } = value as Table;
      return `${operand(left)}${op === "==" || op === "in" ? "" : ` ${op}`} ${operand(right)}`;
    }
    if (key === "jump" || key === "goto") return `${key} ${(value as Table)["target"]}`;
    if (key === "vmap") return `${operand((value as Table)["key"])} vmap ...`;
    return key;
  }).join(" ");
}

function operand(value: Json): string {
  if (Array.isArray(value)) return `{ ${value.map(operand).join(", ")} }`;
  if (!isTable(value)) return String(value);
  const { meta, payload, ct, set } = value;
  if (isTable(meta)) return `meta ${meta["key"]}`;
  if (isTable(payload)) return `${payload["protocol"]} ${payload["field"]}`;
  if (isTable(ct)) return `ct ${ct["key"]}`;
  return set === undefined ? textOf(value) : operand(set);
}
