/** Tables as haproxy prints them at its sockets: a line of column names after a `#`, then a line a row. */

/** The fields of these columns, row by row. Throws when there is no table, or a column is missing. */
export function parseTable(text: string, columns: readonly string[]): string[][] {
  const [header = "", ...lines] = text.trimStart().split("\n");
  const names = header.replace(/^#\s*/, "").split(",");
  const indices = columns.map((column) => names.indexOf(column));
  if (!header.startsWith("#") || indices.includes(-1)) throw new Error("this is no table of haproxy");
  return lines.filter((line) => line !== "").map((line) => {
    const fields = fieldsOf(line);
    return indices.map((index) => fields[index] ?? "");
  });
}

/** A field with a comma or a quote in it stands in quotes, where a quote is written twice. */
function fieldsOf(line: string): string[] {
  if (!line.includes('"')) return line.split(",");
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)]
    .map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? "");
}
