/** Programs that the configuration names and that this host could not, or must not, run: warnings. */
import type { CheckType } from "./check.ts";
import { type Finding, formatPath, type Path } from "./document.ts";
import type { NotifyConfig } from "./notify.ts";
import type { Config } from "./schema.ts";
import type { VirtualServerConfig } from "./virtual_server.ts";

/** What is wrong with a program that is to be run; undefined when it is fine. */
export type InspectCommand = (program: string) => string | undefined;

/** A place that names a program, and what follows when it cannot be run. */
type Place = readonly [path: Path, argv: unknown, consequence: string];

/**
 * A warning for each program that is missing, not executable, or changeable by others than its owner and
 * root. The check refuses it when it runs, and fails; that the file is there by then is the operator's
 * business.
 */
export function commandFindings(
  { check, notify, virtual_router, virtual_server }: Pick<
    Config,
    "check" | "notify" | "virtual_router" | "virtual_server"
  >,
  types: readonly CheckType[],
  inspect: InspectCommand,
): Finding[] {
  const commandsOf = (type: string): readonly string[] =>
    types.find((candidate) => candidate.type === type)?.commands ?? [];
  const places = [
    ...Object.entries(check).flatMap(([name, { type, options, recover }]): Place[] => [
      ...commandsOf(type).map((key): Place => [["check", name, key, 0], options[key], "the check will fail"]),
      [["check", name, "recover", 0], recover, "the recovery will fail"],
    ]),
    ...notifyPlaces(notify),
    ...Object.entries(virtual_router).flatMap(([name, router]) =>
      hookPlaces(["virtual_router", name, "notify"], router.notify)
    ),
    ...Object.entries(virtual_server).flatMap(([name, server]) =>
      serverPlaces(["virtual_server", name], server, commandsOf)
    ),
  ];
  const found = places.flatMap(([path, argv, consequence]): Finding[] => {
    const program: unknown = Array.isArray(argv) ? argv[0] : undefined;
    const problem = typeof program === "string" ? inspect(program) : undefined;
    return problem === undefined ? [] : [{ path, message: `${consequence} on this host: ${problem}` }];
  });
  // Real servers that have a check of their virtual server name the same program at the same place.
  return [...new Map(found.map((one) => [formatPath(one.path) + one.message, one])).values()];
}

/** Where a check stands, at its virtual server or at a real server, is no part of the configuration. */
function serverPlaces(
  path: Path,
  { real_server, notify }: VirtualServerConfig,
  commandsOf: (type: string) => readonly string[],
): Place[] {
  const checks = real_server.flatMap(({ check }) => check);
  return [
    ...checks.flatMap(({ type, options }) =>
      commandsOf(type).map((key): Place => [[...path, "check"], options[key], "the check will fail"])
    ),
    ...hookPlaces([...path, "notify"], notify),
  ];
}

/** Every array of a `notify` table is a program and its arguments. */
function hookPlaces(path: Path, hooks: object): Place[] {
  return Object.entries(hooks).map(([key, argv]): Place => [[...path, key, 0], argv, "nobody will be told"]);
}

function notifyPlaces({ startup, shutdown, fifos }: NotifyConfig): Place[] {
  return [
    [["notify", "startup", 0], startup, "it will not run"],
    [["notify", "shutdown", 0], shutdown, "it will not run"],
    ...fifos.map(({ command }, i): Place => [
      ["notify", "fifos", i, "command", 0],
      command,
      "nobody will read the FIFO",
    ]),
  ];
}
