/** all_of, any_of, quorum: what the states of other checks make together, the moment one of them changes. */
import * as z from "zod";
import { type CheckContext, CheckUndecided, defineCheck, fail, type Member } from "./check.ts";
import { judgeMembers } from "./members.ts";

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
