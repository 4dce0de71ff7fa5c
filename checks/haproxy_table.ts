/** Tables as haproxy prints them at its sockets: a line of column names after a `#`, then a line a row. */

/** Rows by column name. Throws when there is no table, or a column that is asked for is missing. */
export function parseTable(text: string, columns: readonly string[]): ReadonlyMap<string, string>[] {
  const [header = "", ...lines] = text.trimStart().split("\n");
  const names = header.replace(/^#\s*/, "").split(",");
  if (!header.startsWith("#") || columns.some((column) => !names.includes(column))) {
    throw new Error("this is no table of haproxy");
  }
  return lines.filter((line) => line !== "").map((line) => {
    const fields = fieldsOf(line);
    return new Map(names.map((name, index) => [name, fields[index] ?? ""]));
  });
}

/** A field with a comma or a quote in it stands in quotes, where a quote is written twice. */
function fieldsOf(line: string): string[] {
  if (!line.includes('"')) return line.split(",");
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)]
    .map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? "");
}
