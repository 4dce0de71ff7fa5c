/** What no single key can tell about checks that follow other checks. */
import { formatPath, type Path } from "./document.ts";
import { didYouMean } from "./suggest.ts";

/** The names that a check follows, and the option that holds them; undefined: an element that is none. */
export interface Following {
  readonly key: string;
  readonly names: readonly (string | undefined)[];
}

export interface ChecksPartially {
  readonly checkNames: readonly string[];
  /** By the name of the check. */
  readonly following: Readonly<Record<string, Following>>;
}

type Report = (path: Path, message: string, other?: Path) => void;

/** Each name stands for a check that there is, and no check depends on itself. */
export function crossCheckChecks({ checkNames, following }: ChecksPartially, report: Report): void {
  for (const [name, { key, names }] of Object.entries(following)) {
    names.forEach((member, i) => {
      const at = ["check", name, key, i];
      if (member === undefined) return;
      if (!checkNames.includes(member)) {
        report(at, `there is no [check.${formatPath([member])}]${didYouMean(member, checkNames)}`);
      }
      const way = wayBack(member, name, following);
      // Told once for each circle, at the check of it whose name is the first.
      if (way !== undefined && [...way].sort()[0] === name) {
        report(at, `goes in a circle: ${[name, ...way].map((one) => formatPath([one])).join(" -> ")}`);
      }
    });
  }
}

/** The shortest way from a check to another one that it follows, both included. */
function wayBack(
  from: string,
  to: string,
  following: ChecksPartially["following"],
): readonly string[] | undefined {
  const seen = new Set([from]);
  for (let ways: (readonly string[])[] = [[from]]; ways.length > 0;) {
    const found = ways.find((way) => way.at(-1) === to);
    if (found !== undefined) return found;
    ways = ways.flatMap((way) => {
      const next = (following[way.at(-1) ?? ""]?.names ?? []).flatMap((name) =>
        name === undefined || seen.has(name) ? [] : [name]
      );
      for (const name of next) seen.add(name);
      return next.map((name) => [...way, name]);
    });
  }
  return undefined;
}
