/** Text for a terminal: colour, columns and wrapping that do not count escape codes. PURE. */

export type Style = "plain" | "bold" | "dim" | "red" | "green" | "yellow" | "blue";

/** SGR parameters, ECMA-48 §8.3.117. */
const SGR: Readonly<Record<Style, string>> = {
  plain: "",
  bold: "1",
  dim: "2",
  red: "1;31",
  green: "1;32",
  yellow: "33",
  blue: "1;34",
};

// deno-lint-ignore no-control-regex -- escape sequences begin with a control character
const ESCAPES = /\x1b\[[0-9;]*m/g;
// deno-lint-ignore no-control-regex -- control characters are what is being replaced
const CONTROLS = /[\x00-\x1f\x7f-\x9f]/g;

/** Foreign text made harmless: a name or reason from elsewhere must not move the cursor. */
export function text(foreign: string): string {
  return foreign.replaceAll(CONTROLS, " ");
}

export function paint(content: string, style: Style, color: boolean): string {
  return color && style !== "plain" ? `\x1b[${SGR[style]}m${content}\x1b[0m` : content;
}

/** How many columns a text takes. */
export function visibleWidth(content: string): number {
  return [...content.replaceAll(ESCAPES, "")].length;
}

/** Rows of cells as lines with aligned columns, two spaces apart. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => widths[i] = Math.max(widths[i] ?? 0, visibleWidth(cell)));
  return rows.map((row) =>
    row.map((cell, i) => cell + " ".repeat((widths[i] ?? 0) - visibleWidth(cell))).join("  ").trimEnd()
  );
}

/**
 * Breaks a line at spaces so that it fits; what follows the first line is indented. A word longer than the
 * line stays whole.
 */
export function wrap(line: string, width: number, indent: number): string[] {
  if (visibleWidth(line) <= width) return [line];
  const lines: string[] = [];
  let current = "";
  for (const word of line.split(/(?<=\S)(?= )/)) {
    if (current !== "" && visibleWidth(current + word) > width && current.trim() !== "") {
      lines.push(current);
      current = " ".repeat(Math.min(indent, width >> 1)) + word.trimStart();
    } else {
      current += word;
    }
  }
  return [...lines, current];
}
