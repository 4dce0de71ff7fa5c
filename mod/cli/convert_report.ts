/** What `vipd convert` has to tell, grouped by what the operator must do about it. */
import { formatPlace, type Outcome, type Row } from "../config/keepalived/report.ts";
import { paint, type Style, text } from "./text.ts";

/** In the order of their weight; a row belongs to the first that fits. */
const GROUPS: readonly (readonly [title: string, style: Style, fits: (row: Row) => boolean])[] = [
  ["Cannot be converted", "red", ({ blocks }) => blocks],
  ["Left out", "yellow", ({ outcome }) => outcome === "refused"],
  ["Obsolete", "yellow", ({ outcome }) => outcome === "obsolete"],
  ["Converted, and to be known", "green", ({ outcome }) => outcome === "converted"],
  ["Nothing to do", "dim", () => true],
];

/** Lines; what is converted as it stands has nothing to tell. */
export function reportLines(rows: readonly Row[], color: boolean): string[] {
  const lines: string[] = [];
  let rest = rows.filter(({ message }) => message !== "");
  for (const [title, style, fits] of GROUPS) {
    const group = rest.filter(fits);
    rest = rest.filter((row) => !fits(row));
    if (group.length === 0) continue;
    lines.push(paint(`${title}:`, style, color), ...distinct(group.map(line)), "");
  }
  return lines;
}

function line({ at, keyword, message }: Row): string {
  const about = keyword === "" ? "" : `${text(keyword)}: `;
  return `  ${text(formatPlace(at))}: ${about}${text(message)}`;
}

/** A line that a sequence has made a hundred times is told once. */
function distinct(lines: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
  return [...counts].map(([line, count]) => count === 1 ? line : `${line} (${count} times)`);
}

/** The worse counts where a statement has several rows. */
const SEVERITY: readonly Outcome[] = ["refused", "obsolete", "converted", "nothing to do"];

/** How many places of the files have which outcome. */
export function countOutcomes(rows: readonly Row[]): Record<Outcome, number> {
  const places = new Map<string, Outcome>();
  for (const { at, outcome } of rows) {
    const place = formatPlace(at);
    const known = places.get(place);
    if (known === undefined || SEVERITY.indexOf(outcome) < SEVERITY.indexOf(known)) {
      places.set(place, outcome);
    }
  }
  const counts = { converted: 0, obsolete: 0, "nothing to do": 0, refused: 0 };
  for (const outcome of places.values()) counts[outcome]++;
  return counts;
}

/** `41 statements: 35 converted, 2 obsolete, 3 nothing to do, 1 refused` */
export function summaryLine(rows: readonly Row[]): string {
  const counts = Object.entries(countOutcomes(rows)).filter(([, count]) => count > 0);
  const all = counts.reduce((sum, [, count]) => sum + count, 0);
  return `${all} ${all === 1 ? "statement" : "statements"}: ${
    counts.map(([outcome, count]) => `${count} ${outcome}`).join(", ")
  }`;
}
