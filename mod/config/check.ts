/** `[check.*]` of vipd.toml: the keys of every check, merged in one table with the options of its type. */
import * as z from "zod";
import { type CheckType as FullCheckType, type RunAs, runAsOf } from "../../checks/check.ts";
import type { CheckState } from "../snapshot.ts";
import { type Following, followingOf } from "../../checks/members.ts";
import { CHECK_TIMEOUT_MAX_MS } from "./check_timeout.ts";
import { duration } from "./duration.ts";
import { runAsFields, wholeNumber } from "./values.ts";

/** What the configuration needs to know of a check type; the registry of `checks/` gives it. */
export type CheckType = Pick<
  FullCheckType,
  "type" | "summary" | "options" | "defaults" | "commands" | "programs" | "follows" | "target" | "needsPort"
>;

/** A check with its defaults applied; times in milliseconds. */
export interface CheckConfig extends RunAs {
  readonly type: string;
  /** 0: it follows other checks and looks whenever one of them changes. */
  readonly interval: number;
  /** Limit of one attempt. */
  readonly timeout: number;
  readonly rise: number;
  readonly fall: number;
  /** Looks per run until one passes, `attempt_delay` apart. */
  readonly attempts: number;
  readonly attempt_delay: number;
  readonly initial: CheckState;
  readonly recover?: readonly string[];
  readonly recover_timeout: number;
  /** In an hour. */
  readonly recover_limit: number;
  readonly recover_user?: string;
  readonly recover_group?: string;
  /** The checks that it follows; see `CheckType.follows`. */
  readonly follows?: Following;
  /** Options of the type, as its own schema puts them out. */
  readonly options: Readonly<Record<string, unknown>>;
}

const recoveryFields = {
  recover: z.array(z.string()).min(1, { error: "expected a program and its arguments" }).exactOptional()
    .describe(
      "Program and arguments, run once on failure; the check fails only if it does not help within recover_timeout",
    ),
  recover_timeout: duration("10ms", "1h").prefault("10s").describe("Time for `recover` to help"),
  recover_limit: wholeNumber(1, 1000).default(5).describe("So often in an hour `recover` is tried at most"),
  recover_user: runAsFields.user.describe("User for `recover`, by name or uid; default: vipd's own"),
  recover_group: runAsFields.group.describe("Group for `recover`, by name or gid; default: the user's own"),
};

const commonFields = z.strictObject({
  interval: duration("50ms", "24h").prefault("2s").describe(
    "From the start of one run to the start of the next",
  ),
  timeout: duration("10ms", "1h").exactOptional()
    .describe("One attempt that takes longer fails; default: the interval, at most 5s"),
  rise: wholeNumber(1, 1000).default(2).describe("Passes in a row that make the check up"),
  fall: wholeNumber(1, 1000).default(1).describe("Failures in a row that make the check down"),
  attempts: wholeNumber(1, 100).default(1).describe("Attempts within one run before it counts as a failure"),
  attempt_delay: duration("0s", "1h").prefault("1s").describe("Pause between two attempts"),
  initial: z.enum(["unknown", "up", "down"]).default("unknown")
    .describe("State before rise or fall decided for the first time"),
  ...recoveryFields,
  ...runAsFields,
});

/** Keys that every check has; a type's options cannot be called like one of them. */
export const COMMON_KEYS: readonly string[] = ["type", ...Object.keys(commonFields.shape)];

/** What every check of a real server has; nobody recovers another host. */
const realServerFields = z.strictObject({
  interval: duration("50ms", "24h").prefault("6s").describe(
    "From the start of one run to the start of the next",
  ),
  timeout: commonFields.shape.timeout,
  retries: wholeNumber(0, 99).default(1).describe(
    "While the real server is up, a failed attempt is repeated so often before it counts",
  ),
  retry_delay: duration("0s", "1h").prefault("1s").describe("Pause before each of these"),
  warmup: duration("0s", "24h").exactOptional().describe(
    'The first run comes after a random part of this; default: the interval, with initial = "down" none',
  ),
  rise: wholeNumber(1, 1000).default(1).describe("Passes in a row that make the check up"),
  fall: wholeNumber(1, 1000).default(1).describe("Failures in a row that make the check down"),
  initial: z.enum(["up", "down"]).exactOptional()
    .describe("State before the first run; default: that of the real server"),
  ...runAsFields,
});

/** A check of a real server; attempts are made only while the server is up: otherwise one look decides. */
export interface RealServerCheckConfig extends CheckConfig {
  /** The first look is made after a random part of this; milliseconds. */
  readonly warmup: number;
}

/** Keys that every check of a real server has. */
export const REAL_SERVER_KEYS: readonly string[] = ["type", ...Object.keys(realServerFields.shape)];

/** A check whose state before the first look is the real server's. */
export type RealServerCheck = (initial: "up" | "down") => RealServerCheckConfig;

type RealServerTable = z.output<typeof realServerFields> & { readonly type: string };

/** Any check of a real server, whose address it looks at. */
export function realServerCheckSchema(checkTypes: readonly CheckType[]): z.ZodType<RealServerCheck> {
  const own = checkTypes.filter(({ follows }) => follows === undefined);
  const [first, ...others] = own.map(({ type, summary, options }) =>
    options.safeExtend({ type: z.literal(type).describe(summary), ...realServerFields.shape }).strict()
  );
  if (first === undefined) throw new RangeError("Cannot build a schema of checks: there is no check type");
  return z.discriminatedUnion("type", [first, ...others])
    .transform((table) => realServerCheck(table as RealServerTable));
}

/** One object for each initial state, however many real servers share it. */
function realServerCheck(table: RealServerTable): RealServerCheck {
  const { type, interval, timeout, retries, retry_delay, warmup, rise, fall } = table;
  const options = Object.fromEntries(
    Object.entries(table).filter(([key]) => !REAL_SERVER_KEYS.includes(key)),
  );
  const made = (given: "up" | "down"): RealServerCheckConfig => {
    const initial = table.initial ?? given;
    return {
      ...{ type, interval, timeout: timeout ?? Math.min(interval, CHECK_TIMEOUT_MAX_MS), rise, fall },
      ...{ attempts: retries + 1, attempt_delay: retry_delay },
      ...{
        initial,
        warmup: warmup ?? (initial === "down" ? 0 : interval),
        recover_timeout: 0,
        recover_limit: 0,
      },
      ...runAsOf(table),
      options,
    };
  };
  const both = { up: made("up"), down: made("down") };
  return (initial) => both[initial];
}

type CheckTable = Partial<z.output<typeof commonFields>> & { readonly type: string };

/** One check type's whole table: common keys, with the type's own defaults, and options together. */
function checkTable(check: CheckType): z.ZodObject {
  const { type, summary, options, defaults = {}, target, follows } = check;
  if (follows !== undefined) {
    return options.safeExtend({ type: z.literal(type).describe(summary), ...recoveryFields }).strict();
  }
  const { interval, timeout, rise, fall } = commonFields.shape;
  return options.safeExtend({
    ...(target === undefined ? {} : { [target]: required(options.shape[target]) }),
    type: z.literal(type).describe(summary),
    ...commonFields.shape,
    interval: defaults.interval === undefined ? interval : withDefault(interval, defaults.interval),
    timeout: defaults.timeout === undefined ? timeout : withDefault(timeout, defaults.timeout),
    rise: defaults.rise === undefined ? rise : withDefault(rise, defaults.rise),
    fall: defaults.fall === undefined ? fall : withDefault(fall, defaults.fall),
  }).strict();
}

/** What only a check of a real server can do without. */
function required(field: unknown): z.ZodType {
  if (!(field instanceof z.ZodOptional)) {
    throw new RangeError("Cannot require an option that is not optional");
  }
  return (field.unwrap() as z.ZodType).describe(field.description ?? "");
}

type Wrapped = z.ZodPrefault | z.ZodDefault | z.ZodExactOptional;

function withDefault(
  field: Wrapped & { description?: string | undefined },
  value: string | number,
): z.ZodType {
  const description = field.description?.replace(/; default: .*$/, "") ?? "";
  return z.prefault(field.unwrap(), value).describe(description);
}

/** Any check: the table of the type that its `type` names. */
export function checkSchema(checkTypes: readonly CheckType[]): z.ZodType<CheckConfig> {
  const [first, ...others] = checkTypes.map(checkTable);
  if (first === undefined) throw new RangeError("Cannot build a schema of checks: there is no check type");
  return z.discriminatedUnion("type", [first, ...others])
    .transform((table) => split(table as CheckTable, checkTypes));
}

/** What follows other checks looks whenever they change, and counts nothing. */
const followed = {
  interval: 0,
  rise: 1,
  fall: 1,
  attempts: 1,
  attempt_delay: 0,
  initial: "unknown",
} as const;

function split(table: CheckTable, checkTypes: readonly CheckType[]): CheckConfig {
  const options = Object.fromEntries(Object.entries(table).filter(([key]) => !COMMON_KEYS.includes(key)));
  const { type, interval, timeout, rise, fall, attempts, attempt_delay, initial } = { ...followed, ...table };
  const { recover, recover_timeout = 0, recover_limit = 0, recover_user, recover_group } = table;
  return {
    type,
    interval,
    timeout: timeout ?? (interval === 0 ? CHECK_TIMEOUT_MAX_MS : Math.min(interval, CHECK_TIMEOUT_MAX_MS)),
    rise,
    fall,
    attempts,
    attempt_delay,
    initial,
    recover_timeout,
    recover_limit,
    ...(recover === undefined ? {} : { recover }),
    ...(recover_user === undefined ? {} : { recover_user }),
    ...(recover_group === undefined ? {} : { recover_group }),
    ...runAsOf(table),
    ...followsOf(type, options, checkTypes),
    options,
  };
}

function followsOf(
  type: string,
  options: CheckConfig["options"],
  checkTypes: readonly CheckType[],
): Pick<CheckConfig, "follows"> {
  const key = checkTypes.find((candidate) => candidate.type === type)?.follows;
  return key === undefined ? {} : { follows: followingOf(type, options, options[key] as readonly string[]) };
}
