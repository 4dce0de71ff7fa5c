/** The Prometheus text exposition format 0.0.4: families of samples to text. PURE. */

export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export type Labels = Readonly<Record<string, string | number>>;

export interface Sample {
  /** Of a histogram, which of its series this is. */
  readonly series?: "bucket" | "sum" | "count";
  readonly labels: Labels;
  readonly value: number;
}

/** One metric with everything that is said about it; a family without samples is left out. */
export interface Family {
  readonly name: string;
  readonly type: "gauge" | "counter" | "histogram";
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** `# HELP`, `# TYPE` and one line a sample, in the order given. */
export function exposition(families: readonly Family[]): string {
  return families.filter(({ samples }) => samples.length > 0).map(formatFamily).join("");
}

function formatFamily({ name, type, help, samples }: Family): string {
  const head = `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`;
  return head +
    samples.map((sample) => formatSample(name, sample)).join("");
}

function formatSample(family: string, { series, labels, value }: Sample): string {
  const name = series === undefined ? family : `${family}_${series}`;
  return `${name}${formatLabels(labels)} ${formatValue(value)}\n`;
}

function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeValue(String(value))}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function formatValue(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return "NaN";
  return value > 0 ? "+Inf" : "-Inf";
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeValue(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
