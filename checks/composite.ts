/** all_of, any_of, quorum: what the states of other checks make together, the moment one of them changes. */
import * as z from "zod";
import { type CheckContext, CheckUndecided, defineCheck, fail, type Member } from "./check.ts";

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

const checks = z.array(z.string(), { error: 'expected names of checks such as ["nginx", "home"]' })
  .min(1, { error: "expected the name of at least one check" })
  .refine((names) => new Set(names).size === names.length, { error: "expected each name once" });

const members = checks.describe("Names of other checks of this file");

function look(context: CheckContext, names: readonly string[], need: number): string {
  const verdict = judgeMembers(context.members?.(names) ?? names.map(unseen), need);
  if (verdict.kind === "undecided") throw new CheckUndecided(verdict.reason);
  return verdict.kind === "passes" ? verdict.reason : fail(verdict.reason);
}

function unseen(name: string): Member {
  return { name, state: "unknown", reason: "not checked yet" };
}

export const allOf = defineCheck({
  type: "all_of",
  summary: "Passes while all of these checks pass; follows them at once.",
  options: z.strictObject({ checks: members }),
  follows: "checks",
  probe: (context, { checks }) => look(context, checks, checks.length),
});

export const anyOf = defineCheck({
  type: "any_of",
  summary: "Passes while at least one of these checks passes; follows them at once.",
  options: z.strictObject({ checks: members }),
  follows: "checks",
  probe: (context, { checks }) => look(context, checks, 1),
});

export const quorum = defineCheck({
  type: "quorum",
  summary: "Passes while enough of these checks pass; follows them at once.",
  options: z.strictObject({
    checks: members,
    need: z.int({ error: "expected a whole number of at least 1" }).min(1, {
      error: "expected a whole number of at least 1",
    }).describe("So many of them must pass"),
  }).refine(({ checks, need }) => need <= checks.length, {
    error: "more than there are checks: it could never pass",
    path: ["need"],
  }),
  follows: "checks",
  probe: (context, { checks, need }) => look(context, checks, need),
});
