/** What `vipd doctor` prints. PURE. */
import type { Diagnosis } from "../doctor/doctor.ts";
import { paint, type Style, text, wrap } from "./text.ts";
import type { View } from "./view.ts";

const STYLES: Readonly<Record<string, Style>> = { problem: "red", warning: "yellow", note: "blue" };

/** The findings, the worst first, then what else was looked at. */
export function renderDiagnosis(
  { findings, examined, not_examined }: Diagnosis,
  { configFile, runs }: { readonly configFile: string; readonly runs: boolean },
  view: View,
): string {
  const lines = [
    runs ? `The running vipd, ${text(configFile)}` : `${text(configFile)}; no vipd is running with it`,
    "",
  ];
  for (const finding of findings) lines.push(...findingLines(finding, view), "");
  for (const { examinations, why } of not_examined) {
    lines.push(...wrap(`not seen (${examinations.join(", ")}): ${text(why)}`, view.width, 2));
  }
  const fine = examined.filter(({ name }) =>
    !findings.some(({ examination }) => examination === name) &&
    !not_examined.some(({ examinations }) => examinations.includes(name))
  );
  if (fine.length > 0) {
    const names = fine.map(({ name }) => name).join(", ");
    lines.push(...wrap(`${paint("fine", "green", view.color)}: ${names}`, view.width, 2));
  }
  lines.push(summary(findings));
  return lines.join("\n");
}

function findingLines(
  { severity, about, message, evidence, fix }: Diagnosis["findings"][number],
  { width, color }: View,
): string[] {
  const head = `${paint(severity.toUpperCase(), STYLES[severity] ?? "plain", color)}  ${
    paint(text(about), "bold", color)
  }: ${text(message)}`;
  return [
    ...wrap(head, width, 2),
    ...evidence.flatMap((line) => wrap(`  ${text(line)}`, width, 4)),
    // Whole lines: they are to be copied.
    ...fix.map((line) => `    ${paint(text(line), line.startsWith("#") ? "dim" : "plain", color)}`),
  ];
}

function summary(findings: Diagnosis["findings"]): string {
  const counts = ["problem", "warning", "note"].flatMap((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length;
    return count === 0 ? [] : [`${count} ${severity}${count === 1 ? "" : "s"}`];
  });
  return counts.length === 0 ? "nothing found" : counts.join(", ");
}
