/** A packet filter's rules, as far as they decide on a packet: what nft and iptables have in common. PURE. */

export type Answer = "yes" | "no" | "maybe";

/** A packet of VRRP, new to the connection tracker. */
export interface Packet {
  readonly direction: "in" | "out";
  readonly family: 4 | 6;
  readonly interface: string;
  /** Null: not known, so a comparison with it may be true. */
  readonly source: string | null;
  readonly destination: string;
  readonly multicast: boolean;
}

export type Test = (packet: Packet) => Answer;

export type Verdict =
  | { readonly kind: "accept" | "drop" | "return" | "continue" }
  | { readonly kind: "jump" | "goto"; readonly chain: string };

/** What a rule does with a packet: verdicts that may be reached, each with how sure that is. */
export interface Consequence {
  readonly answer: Answer;
  readonly verdict: Verdict;
}

export interface Rule {
  /** Where it stands, for people: `nft inet filter input, handle 7`. */
  readonly place: string;
  readonly text: string;
  /** In order; the first that certainly applies ends the rule. */
  readonly consequences: (packet: Packet) => readonly Consequence[];
}

export interface Chain {
  /** Unique in the ruleset. */
  readonly name: string;
  readonly place: string;
  readonly rules: readonly Rule[];
  /** Of a chain that the kernel begins with; null for others. */
  readonly base: Base | null;
}

export interface Base {
  readonly policy: "accept" | "drop";
  readonly direction: "in" | "out";
  readonly families: readonly (4 | 6)[];
  /** What inserts a rule that lets VRRP through at its beginning. */
  readonly fix: string;
}

export interface Ruleset {
  readonly tool: string;
  readonly chains: ReadonlyMap<string, Chain>;
}

export function all(answers: readonly Answer[]): Answer {
  if (answers.includes("no")) return "no";
  return answers.includes("maybe") ? "maybe" : "yes";
}

export function any(answers: readonly Answer[]): Answer {
  if (answers.includes("yes")) return "yes";
  return answers.includes("maybe") ? "maybe" : "no";
}

export function not(answer: Answer): Answer {
  return answer === "maybe" ? "maybe" : answer === "yes" ? "no" : "yes";
}
