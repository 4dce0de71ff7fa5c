/** What the states of several checks make together. PURE. */
import type { Member } from "./check.ts";

export type MemberState = Member["state"];

/** Which checks one follows, and how many of them must be up. */
export interface Following {
  readonly checks: readonly string[];
  readonly need: number;
}

/** What a check of that type and with these options, among which are the names, follows. */
export function followingOf(
  type: string,
  options: Readonly<Record<string, unknown>>,
  checks: readonly string[],
): Following {
  const { need } = options;
  return { checks, need: typeof need === "number" ? need : type === "any_of" ? 1 : checks.length };
}

/** What is known of the members together. */
export type Verdict =
  | { readonly kind: "passes" | "fails"; readonly reason: string }
  /** The members that are not known yet can still decide it, either way. */
  | { readonly kind: "undecided"; readonly reason: string };

/** So many members a reason names. */
const namedAtMost = 3;

/**
 * Passes when `need` members are up, fails when so many can no longer be up, and is undecided in between: a
 * member that is unknown never counts as up. PURE.
 */
export function judgeMembers(members: readonly Member[], need: number): Verdict {
  const of = (state: Member["state"]): Member[] => members.filter((member) => member.state === state);
  const [up, down, unknown] = [of("up"), of("down"), of("unknown")];
  const counted = `${up.length} of ${members.length} up`;
  if (up.length >= need) {
    const rest = [...down, ...unknown].map(({ name }) => name);
    return { kind: "passes", reason: rest.length === 0 ? counted : `${counted}, not ${shortened(rest)}` };
  }
  if (up.length + unknown.length < need) {
    const failing = shortened(down.map(({ name, reason }) => `${name}: ${reason}`));
    return {
      kind: "fails",
      reason: members.length === 1 ? failing : `${counted}, ${need} needed: ${failing}`,
    };
  }
  return { kind: "undecided", reason: `waits for ${shortened(unknown.map(({ name }) => name))}` };
}

function shortened(texts: readonly string[]): string {
  const rest = texts.length - namedAtMost;
  return texts.slice(0, namedAtMost).join("; ") + (rest > 0 ? `; and ${rest} more` : "");
}
