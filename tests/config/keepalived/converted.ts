/** A keepalived.conf in memory through the whole conversion, for tests. */
import { convertKeepalived } from "../../../mod/config/keepalived/convert.ts";
import { formatPlace } from "../../../mod/config/keepalived/report.ts";
import { writeToml } from "../../../mod/config/keepalived/toml_writer.ts";
import { loadWithWarnings } from "../../../mod/config/load.ts";
import { ConfigError, formatProblem } from "../../../mod/errors.ts";
import { filesOf } from "./files.ts";

export interface Result {
  /** Without comments and blank lines, arrays on one line. */
  readonly lines: readonly string[];
  readonly toml: string;
  /** What is told, apart from plain successes. */
  readonly told: readonly string[];
  /** Nothing would be written. */
  readonly blocked: boolean;
}

export function converted(text: string, others: Readonly<Record<string, string>> = {}): Result {
  const files = filesOf({ ...others, k: text });
  const { draft, rows } = convertKeepalived("k", files, { id: null, env: () => undefined });
  const toml = writeToml(draft, ["Converted."]);
  return {
    toml,
    lines: toml.replaceAll(
      /\[\n(.*?),\n\]/gs,
      (_, inner: string) => `[${inner.trim().replaceAll(/,\s+/g, ", ")}]`,
    )
      .split("\n").filter((line) => line !== "" && !line.startsWith("#")),
    told: rows.filter(({ message }) => message !== "")
      .map(({ at, keyword, outcome, message }) => `${formatPlace(at)} ${outcome}: ${keyword}: ${message}`),
    blocked: rows.some(({ blocks }) => blocks),
  };
}

/** What `vipd validate --any-host` has against it. */
export async function problemsOf(toml: string): Promise<string[]> {
  try {
    await loadWithWarnings("vipd.toml", {
      ...{ hostName: "lb1", inspectCommand: () => undefined, env: () => undefined },
      readFile: () => toml,
    });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(formatProblem);
    throw error;
  }
}
