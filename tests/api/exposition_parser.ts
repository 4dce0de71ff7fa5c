/**
 * A strict reader of the Prometheus text format 0.0.4 for tests: throws at the first line that a scraper
 * might refuse.
 */

export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ParsedFamily {
  readonly help: string;
  readonly type: string;
  readonly samples: readonly ParsedSample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"/;
const VALUE = /^(?:NaN|[+-]Inf|[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)$/i;

/** The families by name. Demands HELP then TYPE before samples, each family once, and no series twice. */
export function parseExposition(text: string): Map<string, ParsedFamily> {
  if (!text.endsWith("\n")) throw new Error("The last line has no end");
  const families = new Map<string, { help: string; type: string; samples: ParsedSample[] }>();
  const series = new Set<string>();
  let current = "";
  let help: { name: string; text: string } | null = null;
  for (const [index, line] of text.slice(0, -1).split("\n").entries()) {
    const fail = (why: string): never => {
      throw new Error(`line ${index + 1}: ${why}: ${line}`);
    };
    const comment = line.match(/^# (HELP|TYPE) (\S+) (.+)$/);
    if (comment !== null) {
      const [, kind, name = "", rest = ""] = comment;
      if (NAME.exec(name)?.[0] !== name) fail("bad metric name");
      if (kind === "HELP") {
        if (families.has(name)) fail("family given twice");
        if (!/^(?:[^\\]|\\\\|\\n)*$/.test(rest)) fail("bad escape in HELP");
        help = { name, text: rest };
      } else {
        if (help?.name !== name) fail("TYPE without HELP before it");
        if (!["counter", "gauge", "histogram"].includes(rest)) fail("unexpected type");
        if (rest === "counter" && !name.endsWith("_total")) fail("a counter must end in _total");
        families.set(name, { help: help?.text ?? "", type: rest, samples: [] });
        current = name;
        help = null;
      }
      continue;
    }
    if (line.startsWith("#") || line === "") fail("unexpected line");
    const sample = parseSample(line, fail);
    if (!isSeriesOf(sample.name, current, families.get(current)?.type)) fail("sample outside its family");
    const key = sample.name + JSON.stringify(Object.entries(sample.labels).sort());
    if (series.has(key)) fail("series given twice");
    series.add(key);
    families.get(current)?.samples.push(sample);
  }
  for (const [name, { samples }] of families) {
    if (samples.length === 0) throw new Error(`${name} has no sample`);
  }
  return families;
}

/** Only a histogram has series beside its own name. */
function isSeriesOf(name: string, family: string, type: string | undefined): boolean {
  if (type !== "histogram") return name === family;
  return ["_bucket", "_sum", "_count"].some((suffix) => name === family + suffix);
}

function parseSample(line: string, fail: (why: string) => never): ParsedSample {
  const name = NAME.exec(line)?.[0] ?? fail("no metric name");
  let rest = line.slice(name.length);
  const labels: Record<string, string> = {};
  if (rest.startsWith("{")) {
    rest = rest.slice(1);
    while (!rest.startsWith("}")) {
      const match = LABEL.exec(rest) ?? fail("bad label");
      const [whole, label = "", value = ""] = match;
      if (label in labels) fail("label given twice");
      labels[label] = value.replaceAll(/\\(.)/g, (_, char: string) => char === "n" ? "\n" : char);
      rest = rest.slice(whole.length);
      if (rest.startsWith(",")) rest = rest.slice(1);
      else if (!rest.startsWith("}")) fail("no comma between labels");
    }
    rest = rest.slice(1);
  }
  const value = rest.startsWith(" ") ? rest.slice(1) : fail("no space before the value");
  if (!VALUE.test(value)) fail("bad value");
  return { name, labels, value: Number(value.replace("Inf", "Infinity")) };
}
