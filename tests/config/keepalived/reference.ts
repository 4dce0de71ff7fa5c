/** Writes the table of docs/migrating.md: `deno run -A tests/config/keepalived/reference.ts`. */
import { BLOCKS } from "../../../mod/config/keepalived/blocks.ts";
import type { Outcome } from "../../../mod/config/keepalived/report.ts";

export const MIGRATING = new URL("../../../docs/migrating.md", import.meta.url);

const BEGIN =
  "<!-- keywords: generated from mod/config/keepalived/ by tests/config/keepalived/reference.ts -->";
const END = "<!-- keywords end -->";

/** In the order of the document; what a keyword is in several blocks counts by the first that fits. */
const OUTCOMES: readonly Outcome[] = ["converted", "obsolete", "nothing to do", "refused"];

/** The document with its table made anew. */
export function withKeywords(document: string): string {
  const [before, rest] = document.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error("Cannot find the table of keywords");
  return `${before}${BEGIN}\n\n${shares()}\n\n${BLOCKS.map(table).join("\n")}\n${END}${after}`;
}

function shares(): string {
  const outcomes = new Map<string, Outcome[]>();
  for (const { keywords } of BLOCKS) {
    for (const { keyword, outcome } of keywords) {
      outcomes.set(keyword, [...outcomes.get(keyword) ?? [], outcome]);
    }
  }
  const all = [...outcomes.values()].map((found) => OUTCOMES.find((outcome) => found.includes(outcome)));
  const counts = OUTCOMES.map((outcome) => {
    const count = all.filter((one) => one === outcome).length;
    return `${count} ${outcome} (${Math.round(100 * count / all.length)} %)`;
  });
  return `${all.length} keywords: ${
    counts.join(", ")
  }. *Converted*: it stands in vipd.toml. *Obsolete*: keepalived has ` +
    "another word for it, which is told; it is converted where it still means something. *Nothing to do*: vipd does it " +
    "always, or it means nothing here. *Refused*: not in the result; in **bold** what stops the conversion, unless " +
    "`--partial` is given.";
}

function table({ name, keywords }: (typeof BLOCKS)[number]): string {
  const rows = keywords.map(({ keyword, outcome, why, optional }) => {
    const stops = outcome === "refused" && optional !== true;
    return `| \`${keyword}\` | ${stops ? `**${outcome}**` : outcome} | ${why.replaceAll("|", "\\|")} |`;
  });
  const title = name === "" ? "The outermost level" : `\`${name}\``;
  return [`### ${title}`, "", "| keyword | outcome | here, or why |", "|---|---|---|", ...rows, ""].join(
    "\n",
  );
}

if (import.meta.main) {
  Deno.writeTextFileSync(MIGRATING, withKeywords(Deno.readTextFileSync(MIGRATING)));
}
