/** `vipd doctor`: facts are gathered, every examination judges them, and what is found is put in order. */
import { EXAMINATIONS } from "./examinations.ts";
import type { Unseen } from "./facts.ts";
import { type Finding, SEVERITIES } from "./finding.ts";
import { gather, type Patient } from "./gather/gather.ts";

export type { Finding } from "./finding.ts";

/** What one examination found; of no finding, that it was made. */
export interface Diagnosis {
  readonly findings: readonly (Finding & { readonly examination: string })[];
  readonly examined: readonly { readonly name: string; readonly looks_at: string }[];
  readonly not_examined: readonly Unseen[];
}

export async function examine(patient: Patient): Promise<Diagnosis> {
  const facts = await gather(patient);
  const findings = EXAMINATIONS.flatMap(({ name, judge }) =>
    judge(facts).map((finding) => ({ ...finding, examination: name }))
  );
  const rank = ({ severity }: Finding): number => SEVERITIES.indexOf(severity);
  return {
    findings: findings.toSorted((a, b) => rank(a) - rank(b)),
    examined: EXAMINATIONS.map(({ name, looksAt }) => ({ name, looks_at: looksAt })),
    not_examined: facts.notExamined,
  };
}
