/**
 * What becomes of a packet in a ruleset. Cautious both ways: what cannot be decided (a mark, a rate, an
 * unknown match) is neither held against a rule nor taken for its word. PURE.
 */
import type { Base, Chain, Packet, Ruleset } from "./ruleset.ts";

export interface Fate {
  readonly fate: "passes" | "may drop" | "drops";
  /** The rule or the policy that decides; empty when it passes. */
  readonly place: string;
  readonly text: string;
  readonly fix: string;
}

/** A rule or a policy that stops the packet. */
interface Stop {
  readonly place: string;
  readonly text: string;
}

interface Walk {
  readonly packet: Packet;
  readonly chains: Ruleset["chains"];
  /** Rules that may have let it through before. */
  passed: number;
  /** The first rule that may have stopped it. */
  doubt: Stop | null;
}

type Ending = "accept" | "fall through" | Stop;

/** Chains may call each other so deep; the kernel allows 16 levels. */
const MAX_DEPTH = 16;
const SEVERITY = { "passes": 0, "may drop": 1, "drops": 2 } as const;

/** Every chain that the kernel begins with has to let it through: the worst one of them. */
export function fateOf(rulesets: readonly Ruleset[], packet: Packet): Fate {
  let worst: Fate = { fate: "passes", place: "", text: "", fix: "" };
  for (const { chains } of rulesets) {
    for (const chain of chains.values()) {
      const { base } = chain;
      if (base === null || base.direction !== packet.direction) continue;
      if (!base.families.includes(packet.family)) continue;
      const fate = inBase(chain, base, { packet, chains, passed: 0, doubt: null });
      if (SEVERITY[fate.fate] > SEVERITY[worst.fate]) worst = fate;
    }
  }
  return worst;
}

function inBase(chain: Chain, { policy, fix }: Base, walk: Walk): Fate {
  const ending = through(chain, walk, 0);
  const policyStop: Stop = { place: chain.place, text: `policy ${policy}: no rule lets VRRP through` };
  const stop = ending === "fall through" && policy === "drop" ? policyStop : ending;
  if (typeof stop === "object") return { fate: walk.passed > 0 ? "may drop" : "drops", ...stop, fix };
  if (walk.doubt !== null) return { fate: "may drop", ...walk.doubt, fix };
  return { fate: "passes", place: "", text: "", fix: "" };
}

function through(chain: Chain, walk: Walk, depth: number): Ending {
  for (const rule of chain.rules) {
    for (const { answer, verdict } of rule.consequences(walk.packet)) {
      if (answer === "no") continue;
      const stop: Stop = { place: rule.place, text: rule.text };
      if ("chain" in verdict) {
        const ending = called(verdict.chain, walk, depth, answer === "yes");
        if (answer === "yes" && (ending !== "fall through" || verdict.kind === "goto")) return ending;
      } else if (verdict.kind === "drop") {
        if (answer === "yes") return stop;
        walk.doubt ??= stop;
      } else if (verdict.kind === "accept") {
        if (answer === "yes") return "accept";
        walk.passed++;
      } else if (verdict.kind === "return" && answer === "yes") {
        return "fall through";
      }
    }
  }
  return "fall through";
}

/** A call that may not happen decides nothing, but what it would do is remembered. */
function called(name: string, walk: Walk, depth: number, certain: boolean): Ending {
  const chain = walk.chains.get(name);
  if (chain === undefined || depth >= MAX_DEPTH) return "fall through";
  const ending = through(chain, walk, depth + 1);
  if (certain) return ending;
  if (ending === "accept") walk.passed++;
  else if (typeof ending === "object") walk.doubt ??= ending;
  return "fall through";
}
