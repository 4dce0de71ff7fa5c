/** A draft to the text of vipd.toml, with comments that say where each table comes from. */
import type { Draft, DraftTable, Entry, Value } from "./draft.ts";
import { formatPlace } from "./report.ts";

const WIDTH = 100;

/** Tables in this order; those that it does not name come last. */
const ORDER = ["node", "api", "log", "notify", "mail", "virtual_router", "sync_group", "check", "balance"];

/** The whole file; `head` are the sentences at its top. */
export function writeToml(draft: Draft, head: readonly string[]): string {
  const rank = ({ path }: DraftTable): number => (ORDER.indexOf(path[0] ?? "") + 1) || ORDER.length + 1;
  const tables = draft.map((table, i) => ({ table, i }))
    .sort((a, b) => rank(a.table) - rank(b.table) || a.i - b.i);
  return [comment(head), ...tables.map(({ table }) => written(table))].join("\n\n") + "\n";
}

function written(table: DraftTable): string {
  const { path, from, comments, entries, isElement } = table;
  const name = path.map(key).join(".");
  const origin = from === null ? [] : [`From ${formatPlace(from)}`];
  const lines = [isElement ? `[[${name}]]` : `[${name}]`];
  for (const [name, entry] of entries) lines.push(...assignment(name, entry));
  const above = comment([...origin, ...comments]);
  return [...(above === "" ? [] : [above]), ...lines].join("\n");
}

function assignment(name: string, { value, comment: text }: Entry): string[] {
  const line = `${key(name)} = ${inline(value)}`;
  const whole = line.length > WIDTH && Array.isArray(value) && value.length > 1
    ? `${key(name)} = [\n${value.map((one) => `  ${inline(one)},\n`).join("")}]`
    : line;
  if (text === "") return [whole];
  const beside = `${whole}  # ${text}`;
  return whole.includes("\n") || beside.length > WIDTH ? [comment([text]), whole] : [oneLine(beside)];
}

function inline(value: Value): string {
  if (typeof value === "string") return quoted(value);
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return `[${value.map(inline).join(", ")}]`;
  const pairs = Object.entries(value).map(([name, inner]) => `${key(name)} = ${inline(inner)}`);
  return pairs.length === 0 ? "{}" : `{ ${pairs.join(", ")} }`;
}

function key(name: string): string {
  return /^[A-Za-z0-9_-]+$/.test(name) ? name : basic(name);
}

/** A value: there `${` would mean the environment. */
function quoted(text: string): string {
  return basic(text.replaceAll("${", "$${"));
}

function basic(text: string): string {
  const escaped = text.toWellFormed().replaceAll(/["\\]/g, "\\$&").replaceAll(
    // deno-lint-ignore no-control-regex -- TOML wants control characters escaped
    /[\x00-\x1f\x7f-\x9f]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `"${escaped}"`;
}

/** Sentences as comment lines, broken at blanks. */
function comment(sentences: readonly string[]): string {
  return sentences.flatMap((sentence) => {
    const lines: string[] = [];
    let line = "#";
    for (const word of oneLine(sentence).split(" ")) {
      if (line.length + 1 + word.length > WIDTH && line !== "#") {
        lines.push(line);
        line = "#";
      }
      line += ` ${word}`;
    }
    return [...lines, line];
  }).join("\n");
}

/** Comments hold no control character, TOML says. */
function oneLine(text: string): string {
  // deno-lint-ignore no-control-regex -- they are what is being replaced
  return text.toWellFormed().replaceAll(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, " ");
}
