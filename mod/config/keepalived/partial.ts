/** What could not be converted, as comments where it would stand; and where a table comes from. */
import type { Draft, DraftTable } from "./draft.ts";
import { formatPlace, type Row } from "./report.ts";
import type { Place } from "./tree.ts";

/** A comment for each row that blocks, above the table that it would belong to; the rest is for the top. */
export function commentRefusals(draft: Draft, rows: readonly Row[]): string[] {
  const head: string[] = [];
  for (const { at, keyword, message, blocks } of rows) {
    if (!blocks) continue;
    const sentence = `NOT CONVERTED, ${formatPlace(at)}: ${keyword === "" ? "" : `${keyword}: `}${message}`;
    (tableBefore(draft, at)?.comments ?? head).push(sentence);
  }
  return head;
}

/** The table whose block this place is in, as far as lines tell. */
function tableBefore(draft: Draft, at: Place): DraftTable | undefined {
  return draft.filter(({ from }) => from !== null && from.file === at.file && from.line <= at.line)
    .reduce<DraftTable | undefined>(
      (best, table) => best === undefined || table.from!.line >= best.from!.line ? table : best,
      undefined,
    );
}

/** Where that which stands at this dotted path of vipd.toml comes from, as far as it is known. */
export function placeOf(draft: Draft, path: string): Place | undefined {
  const fits = ({ path: own }: DraftTable): boolean => {
    const prefix = own.map((key) => /^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key)).join(".");
    return path === prefix || path.startsWith(`${prefix}.`) || path.startsWith(`${prefix}[`);
  };
  const table = draft.filter(fits).sort((a, b) => b.path.length - a.path.length)[0];
  return table?.from ?? undefined;
}
