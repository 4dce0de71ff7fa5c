/** Which files a path with `*`, `?` and `[...]` names, in the order of their names. */
import { dirname, join } from "node:path";

/** Names of what a directory holds; throws when it cannot be read. */
export type ListDirectory = (path: string) => readonly string[];

function isGlob(path: string): boolean {
  return /[*?[]/.test(path);
}

/**
 * Files that match, sorted; a directory that is not there matches nothing. Hidden files need an explicit dot.
 */
export function expandGlob(pattern: string, listDirectory: ListDirectory): readonly string[] {
  if (!isGlob(pattern)) return [pattern];
  const parent = dirname(pattern);
  const directories = isGlob(parent) ? expandGlob(parent, listDirectory) : [parent];
  const last = pattern.slice(pattern.lastIndexOf("/") + 1);
  const matcher = toRegExp(last);
  return directories.flatMap((directory) =>
    namesIn(directory, listDirectory)
      .filter((name) => matcher.test(name) && (last.startsWith(".") || !name.startsWith(".")))
      .sort()
      .map((name) => join(directory, name))
  );
}

function namesIn(directory: string, listDirectory: ListDirectory): readonly string[] {
  try {
    return listDirectory(directory);
  } catch (error) {
    // conf.d may be missing, and a file may stand where the pattern wants a directory.
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return [];
    throw error;
  }
}

/** Only the wildcards are special; an unclosed `[` stands for itself. */
function toRegExp(part: string): RegExp {
  const source = part.replaceAll(/\*|\?|\[[!^]?[^\]]+\]|[\\^$.()|+{}[\]]/g, (token) => {
    if (token === "*") return ".*";
    if (token === "?") return ".";
    if (token.length === 1) return `\\${token}`;
    const negated = /^\[[!^]/.test(token);
    const characters = token.slice(negated ? 2 : 1, -1).replaceAll(/[\\\]^[]/g, "\\$&");
    return `[${negated ? "^" : ""}${characters}]`;
  });
  return new RegExp(`^${source}$`, "su");
}
