/** `vipd convert FILE`: a keepalived.conf to a vipd.toml that means the same, and what to know about it. */
import { hostname } from "node:os";
import { convertKeepalived } from "../config/keepalived/convert.ts";
import type { Files } from "../config/keepalived/expand.ts";
import { formatPlace, type Row } from "../config/keepalived/report.ts";
import { writeToml } from "../config/keepalived/toml_writer.ts";
import { expandGlob } from "../config/glob.ts";
import { UsageError } from "../errors.ts";
import type { Hooks } from "./hooks.ts";
import type { Io } from "./io.ts";
import { parseOptions } from "./options.ts";

/** `convert FILE`; 0 written, 2 nothing written: all reasons are on standard error. */
export function convert(
  args: string[],
  io: Io,
  _hooks?: Pick<Hooks, never>,
  files: Files = systemFiles(),
): Promise<number> {
  const [path, ...rest] = args;
  if (path === undefined || path.startsWith("-")) throw new UsageError("Name the file first");
  const options = parseOptions(rest, { string: ["id"] });
  const id = typeof options["id"] === "string" ? options["id"] : hostname().split(".")[0]!;
  const { draft, rows } = convertKeepalived(path, files, { id, env: (name) => io.env(name) });
  for (const row of rows) print(row, io);
  if (rows.some(({ blocks }) => blocks)) return Promise.resolve(2);
  io.out(writeToml(draft, [`Converted from ${path} by vipd convert.`]).trimEnd());
  return Promise.resolve(0);
}

function print({ at, keyword, outcome, message }: Row, io: Io): void {
  if (message !== "") io.err(`${formatPlace(at)}: ${outcome}: ${keyword}: ${message}`);
}

/** This host's files. */
function systemFiles(): Files {
  return {
    read(path): ReturnType<Files["read"]> {
      try {
        return { text: Deno.readTextFileSync(path) };
      } catch (error) {
        return { problem: problemOf(error) };
      }
    },
    glob: (pattern) => expandGlob(pattern, listDirectory),
  };
}

/** A directory that may not be read matches nothing, as in glob(7). */
function listDirectory(path: string): string[] {
  try {
    return Array.from(Deno.readDirSync(path), ({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) return [];
    throw error;
  }
}

function problemOf(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "no such file or directory";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (error instanceof Deno.errors.IsADirectory) return "it is a directory";
  return error instanceof Error ? error.message : String(error);
}
