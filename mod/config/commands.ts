/** Programs and users that the configuration names: this host may not have them, or must not run them. */
import { type RunAs, runAsOf } from "../../checks/check.ts";
import type { CheckType } from "./check.ts";
import { type Finding, formatPath, type Path } from "./document.ts";
import type { NotifyConfig } from "./notify.ts";
import { hookAccount } from "../hook_account.ts";
import type { Config } from "./schema.ts";
import type { VirtualServerConfig } from "./virtual_server.ts";

/** What a program is to be judged by: itself, and whom it runs as. */
export interface NamedCommand extends RunAs {
  readonly argv: readonly string[];
}

/** What is wrong with a program that is to be run; undefined when it is fine. */
export type InspectCommand = (command: NamedCommand) => string | undefined;

/** What is wrong with a user or a group that programs are to run as; undefined when both are fine. */
export type InspectAccount = (runAs: RunAs) => string | undefined;

/** How this host judges what a configuration names. */
export interface Judges {
  readonly command: InspectCommand;
  readonly account: InspectAccount;
}

/** Whom programs run as, and the keys that say so. */
interface PlacedRunAs {
  readonly as: RunAs;
  readonly user: Path;
  readonly group: Path;
}

/** A place that names a program. */
interface Place {
  readonly path: Path;
  readonly argv: unknown;
  readonly runAs: PlacedRunAs;
}

/**
 * An error for each program that is missing, not executable, or changeable by others than root and the user
 * that it runs as, and for each user or group that does not exist. A program that cannot run would let a
 * check fail, or nobody be told, for ever.
 */
export function commandFindings(
  { check, notify, virtual_router, sync_group, virtual_server }: Pick<
    Config,
    "check" | "notify" | "virtual_router" | "sync_group" | "virtual_server"
  >,
  types: readonly CheckType[],
  judges: Judges,
): Finding[] {
  const places = [
    ...Object.entries(check).flatMap(([name, config]) => checkPlaces(["check", name], config, types)),
    ...notifyPlaces(notify),
    ...Object.entries(virtual_router).flatMap(([name, router]) =>
      // `X/ipv4` is written as X.
      hookPlaces(["virtual_router", name.split("/", 1)[0]!, "notify"], router.notify, notify)
    ),
    ...Object.entries(sync_group).flatMap(([name, group]) => {
      // A virtual router of both families is a group too, and its programs stand with the router.
      const table = group.members.includes(`${name}/ipv4`) ? "virtual_router" : "sync_group";
      return hookPlaces([table, name, "notify"], group.notify, notify);
    }),
    ...Object.entries(virtual_server).flatMap(([name, server]) => [
      ...serverPlaces(["virtual_server", name], server, types),
      ...hookPlaces(["virtual_server", name, "notify"], server.notify, notify),
    ]),
  ];
  const found = [
    ...accountFindings(places, judges),
    ...places.flatMap((place) => programFindings(place, judges)),
  ];
  // Real servers that have a check of their virtual server name the same program at the same place.
  return [...new Map(found.map((one) => [formatPath(one.path) + one.message, one])).values()];
}

/** With an account that does not exist there is nobody to judge the program for: that is told instead. */
function programFindings({ path, argv, runAs: { as } }: Place, judges: Judges): Finding[] {
  if (!isCommand(argv) || judges.account(as) !== undefined) return [];
  const problem = judges.command({ argv, ...as });
  return problem === undefined ? [] : [{ path, message: problem }];
}

function accountFindings(places: readonly Place[], { account }: Judges): Finding[] {
  return places.flatMap(({ runAs: { as, user, group } }) => {
    const problem = account(as);
    if (problem === undefined) return [];
    const isUsers = as.user !== undefined && account({ user: as.user }) !== undefined;
    return [{ path: isUsers ? user : group, message: problem }];
  });
}

function isCommand(argv: unknown): argv is readonly string[] {
  return Array.isArray(argv) && argv.length > 0 && argv.every((word) => typeof word === "string");
}

type Check = Config["check"][string];

function checkPlaces(path: Path, config: Check, types: readonly CheckType[]): Place[] {
  const recovery = {
    as: runAsOf({ user: config.recover_user, group: config.recover_group }),
    user: [...path, "recover_user"],
    group: [...path, "recover_group"],
  };
  return [
    ...ownPlaces(path, config, types),
    { path: [...path, "recover", 0], argv: config.recover, runAs: recovery },
  ];
}

/** What the check itself runs; its `user` is looked at even where it runs nothing. */
function ownPlaces(
  path: Path,
  config: Pick<Check, "type" | "options" | "user" | "group">,
  types: readonly CheckType[],
): Place[] {
  const type = types.find((candidate) => candidate.type === config.type);
  const runAs = runAsAt(path, config);
  return [
    ...(type?.commands ?? []).map((key) => ({ path: [...path, key, 0], argv: config.options[key], runAs })),
    ...(type?.programs ?? []).map((program) => ({ path: [...path, "type"], argv: [program], runAs })),
    { path, argv: undefined, runAs },
  ];
}

/** Where a check stands, at its virtual server or at a real server, is no part of the configuration. */
function serverPlaces(
  path: Path,
  { real_server }: VirtualServerConfig,
  types: readonly CheckType[],
): Place[] {
  return real_server.flatMap(({ check }) => check).flatMap((check) =>
    ownPlaces([...path, "check"], check, types).map((place) => ({ ...place, path: [...path, "check"] }))
  );
}

/** Every array of a `notify` table is a program and its arguments. */
function hookPlaces(path: Path, hooks: RunAsTable, notify: NotifyConfig): Place[] {
  const runAs = runAsBy(path, hooks, notify);
  return Object.entries(hooks).map(([key, argv]) => ({ path: [...path, key, 0], argv, runAs }));
}

function notifyPlaces(notify: NotifyConfig): Place[] {
  const { startup, shutdown, fifos } = notify;
  const runAs = runAsAt(["notify"], notify);
  return [
    { path: ["notify", "startup", 0], argv: startup, runAs },
    { path: ["notify", "shutdown", 0], argv: shutdown, runAs },
    ...fifos.map((fifo, i) => {
      const path = ["notify", "fifos", i];
      return { path: [...path, "command", 0], argv: fifo.command, runAs: runAsBy(path, fifo, notify) };
    }),
  ];
}

type RunAsTable = Parameters<typeof runAsOf>[0];

function runAsAt(path: Path, table: RunAsTable): PlacedRunAs {
  return { as: runAsOf(table), user: [...path, "user"], group: [...path, "group"] };
}

/** As `hookAccount` has it. */
function runAsBy(path: Path, own: RunAsTable, notify: NotifyConfig): PlacedRunAs {
  return {
    as: hookAccount(own, notify),
    user: [...own.user === undefined ? ["notify"] : path, "user"],
    group: [...own.user === undefined && own.group === undefined ? ["notify"] : path, "group"],
  };
}
