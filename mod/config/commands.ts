/** Programs that the configuration names and that this host could not, or must not, run: warnings. */
import type { CheckConfig, CheckType } from "./check.ts";
import type { Finding, Path } from "./document.ts";

/** What is wrong with a program that is to be run; undefined when it is fine. */
export type InspectCommand = (program: string) => string | undefined;

/**
 * A warning for each program that is missing, not executable, or changeable by others than its owner and
 * root. The check refuses it when it runs, and fails; that the file is there by then is the operator's
 * business.
 */
export function commandFindings(
  checks: Readonly<Record<string, CheckConfig>>,
  types: readonly CheckType[],
  inspect: InspectCommand,
): Finding[] {
  return Object.entries(checks).flatMap(([name, check]) => {
    const { commands = [] } = types.find(({ type }) => type === check.type) ?? {};
    const told = (path: Path, argv: unknown, consequence: string): Finding[] => {
      const program: unknown = Array.isArray(argv) ? argv[0] : undefined;
      const problem = typeof program === "string" ? inspect(program) : undefined;
      const message = `${consequence} on this host: ${problem}`;
      return problem === undefined ? [] : [{ path: ["check", name, ...path, 0], message }];
    };
    return [
      ...commands.flatMap((key) => told([key], check.options[key], "the check will fail")),
      ...told(["recover"], check.recover, "the recovery will fail"),
    ];
  });
}
