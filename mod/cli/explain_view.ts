/** `vipd explain` for people: an explanation as text for a terminal of some width. PURE. */
import { formatAge } from "../age.ts";
import type { CheckExplained, Explanation, RouterExplained } from "../explain/explain.ts";
import { assumedText } from "../explain/words.ts";
import { columns, paint, text, wrap } from "./text.ts";
import { field, stateText, type View } from "./view.ts";

export interface ExplainView extends View {
  /** Now, RFC 3339. */
  readonly at: string;
}

/** The answer first; without a line break at the end. */
export function renderExplanation(explanation: Explanation, view: ExplainView): string {
  const { answer, now, routers, what_if, findings, host } = explanation;
  return [
    ...wrap(paint(text(answer), "bold", view.color), view.width, 2),
    ...(now.why === answer ? [] : wrap(text(now.why), view.width, 2)),
    ...nowLines(explanation, view),
    ...groupLines(explanation, view),
    ...routers.flatMap((router) => ["", ...routerLines(router, view)]),
    ...(what_if.length === 0 ? [] : [
      "",
      paint(`What if, on ${text(host)}`, "bold", view.color),
      ...columns(what_if.map((one) => [`  ${text(assumedText(one))}`, text(one.why)]))
        .flatMap((row) => wrap(row, view.width, 4)),
    ]),
    ...(findings.length === 0 ? [] : [
      "",
      paint("Findings", "yellow", view.color),
      ...findings.flatMap((finding) => wrap(`  - ${text(finding)}`, view.width, 4)),
    ]),
  ].join("\n");
}

function nowLines({ now: { state, since, reason }, host }: Explanation, view: ExplainView): string[] {
  if (state === null || since === null) return [];
  const told = `${text(host)} is ${stateText(state, view.color)} for ${formatAge(since, view.at)}: ${
    text(reason ?? "")
  }`;
  return wrap(told, view.width, 2);
}

function groupLines({ group, virtual_router }: Explanation, view: ExplainView): string[] {
  if (group === null || group.others.length === 0) return [];
  const others = group.others.map(text).join(", ");
  const told =
    `${text(virtual_router)} moves with ${others} (sync group ${text(group.name)}): what keeps one of ` +
    `them from serving keeps all`;
  return wrap(told, view.width, 2);
}

const KNOWN_BY = {
  status: "this node",
  file: "its file, all checks taken for passing",
  advertisements: "heard",
} as const;

function routerLines(router: RouterExplained, view: ExplainView): string[] {
  const { name, known_by, last_seen, effective_priority, why, checks } = router;
  const seen = last_seen === null ? "" : ` ${formatAge(last_seen, view.at)} ago`;
  const known = paint(`(${KNOWN_BY[known_by]}${seen})`, "dim", view.color);
  return [
    ...wrap(`${paint(text(name), "bold", view.color)}  ${known}`, view.width, 2),
    ...field(
      "priority",
      [effective_priority === null ? stateText("FAULT", view.color) : sumOf(router)],
      view,
    ),
    ...field("why", [text(why)], view),
    ...field("checks", checkRows(checks, view.color), view),
  ];
}

function sumOf({ effective_priority, base_priority, checks, override }: RouterExplained): string {
  if (override !== null) return `${effective_priority} (configured: ${base_priority})`;
  const parts = checks.filter(({ contribution }) => contribution !== 0).map(({ check, contribution }) =>
    ` ${contribution < 0 ? "-" : "+"} ${Math.abs(contribution)} ${text(check)}`
  );
  return `${effective_priority}${parts.length === 0 ? "" : ` = ${base_priority}${parts.join("")}`}`;
}

function checkRows(checks: readonly CheckExplained[], color: boolean): string[] {
  return columns(checks.map(({ check, state, weight, reverse, unwell_priority }) => [
    text(check),
    stateText(state, color),
    weightText(weight, reverse),
    wellText(state, reverse, unwell_priority),
  ]));
}

function wellText(state: CheckExplained["state"], reverse: boolean, priority: number | null): string {
  const [word, bad] = reverse ? ["passing", "up"] : ["failing", "down"];
  return state === bad ? `is ${word}` : `${word}: ${priority ?? "FAULT"}`;
}

function weightText(weight: number | null, reverse: boolean): string {
  if (weight === null) return reverse ? "must fail" : "must pass";
  return `weight ${weight > 0 ? "+" : ""}${weight}${reverse ? ", reversed" : ""}`;
}
