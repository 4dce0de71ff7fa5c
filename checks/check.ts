/**
 * What a check is: the interface that every file of this directory implements, and the host that it may use.
 */
import * as z from "zod";
import type { Connection, Endpoint } from "./connection.ts";
import { DURATION_PATTERN, parseDuration } from "./duration.ts";

/** A check's verdict "failing", thrown by `probe`; the message is the reason that operators read. */
export class CheckFailed extends Error {
  override readonly name = "CheckFailed";
}

/** Nothing can be said yet, thrown by `probe`: the check keeps its state, at the start unknown. */
export class CheckUndecided extends Error {
  override readonly name = "CheckUndecided";
}

/** A process, told apart from a later one with the same pid by its start time (clock ticks since boot). */
export interface Process {
  readonly pid: number;
  readonly startTime: number;
  /** The kernel's name of it, at most 15 bytes. */
  readonly comm: string;
}

/** What to look for in the process table; a process must meet all that is given. */
export interface ProcessFilter {
  /** Exact name, compared as the kernel keeps it (cut to 15 bytes). */
  readonly comm?: string;
  /** Decides by the full command line: the arguments joined by blanks. Asked only when `comm` agrees. */
  readonly commandLine?: (line: string) => boolean;
  /** Also processes of containers, that is of pid namespaces below ours. */
  readonly containers?: boolean;
}

/** A network interface as the kernel reports it. */
export interface Link {
  /** Administratively up (IFF_UP). */
  readonly up: boolean;
  /** Operational, with carrier (IFF_RUNNING). */
  readonly running: boolean;
}

/** Whom a program runs as. */
export interface RunAs {
  /** User name or uid; the daemon's own when absent. With it come the user's supplementary groups. */
  readonly user?: string;
  /** Group name or gid; the user's own when absent. */
  readonly group?: string;
}

export interface Command extends RunAs {
  /** Program and arguments; never a shell. A bare program name is looked up in a fixed PATH. */
  readonly argv: readonly string[];
  /** Added to the few variables that every command has. */
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads from its standard input; nothing when absent. It may leave it unread. */
  readonly stdin?: string | Promise<string>;
}

/**
 * How a command ended: `code` null when `signal` ended it; `output` is the tail of stdout and stderr, at most
 * 4 KiB.
 */
export interface CommandResult {
  readonly code: number | null;
  readonly signal: string | null;
  readonly output: string;
}

/** Where a check's packets come from; the kernel chooses what is absent. */
export interface Origin {
  /** Local IP address. */
  readonly bindAddress?: string;
  readonly bindInterface?: string;
  /** SO_MARK, for routing rules and packet filters. */
  readonly fwmark?: number;
}

/** Datagrams from and to one peer. */
export interface DatagramSocket {
  readonly family: 4 | 6;
  /** Throws `CheckFailed` when the peer is known not to be reached. */
  send(bytes: Uint8Array): void;
  /** The next one; rejects with `CheckFailed` when an ICMP message says why none comes, or it was closed. */
  receive(): Promise<Uint8Array>;
  close(): void;
}

/** The host's services that checks need; given to them, so that a check imports no FFI. */
export interface Host {
  /**
   * Runs in its own process group; an abort ends the whole group (TERM, then KILL) before the promise
   * settles. A program that others could change, or that cannot run, is refused with `CheckFailed`.
   */
  run(command: Command, signal: AbortSignal): Promise<CommandResult>;
  /** A TCP connection to an address or a name, within `timeoutMs`; rejects with `CheckFailed`. */
  connect(to: Endpoint, origin: Origin, timeoutMs: number, signal: AbortSignal): Promise<Connection>;
  /** A socket for UDP, or for ICMP and ICMPv6 messages (the port is ignored; the IP header is not shown). */
  datagrams(kind: "udp" | "icmp", to: Endpoint, origin: Origin, signal: AbortSignal): Promise<DatagramSocket>;
  /**
   * The MAC address of whoever holds an IP address on that link, asked by ARP or neighbour discovery until
   * the abort.
   */
  neighbour(address: string, device: string, signal: AbortSignal): Promise<string>;
  /** The live (not zombie) process with this pid, if any. */
  process(pid: number): Process | undefined;
  /**
   * All live processes of our own pid namespace that meet the filter, but not ourselves. Costs a scan of
   * /proc.
   */
  processes(filter: ProcessFilter): Process[];
  /** The full command line of a process, arguments joined by blanks; empty when it is gone. */
  commandLine(process: Process): string;
  /** Resolves the moment the process ends (pidfd), or on abort. */
  processExit(process: Process, signal: AbortSignal): Promise<void>;
  /** The interface as it is now; undefined when there is none of that name. */
  link(name: string): Link | undefined;
  /** Calls `changed` whenever the kernel reports a change of that interface, until the abort. */
  watchLink(name: string, changed: () => void, signal: AbortSignal): Promise<void>;
  /** Calls `changed` whenever a file is there anew, has been written or is gone, until the abort. */
  watchFile(path: string, changed: () => void, signal: AbortSignal): Promise<void>;
}

/** Where the service that is checked lives, when something else than the options says so (a real server). */
export interface Target {
  readonly address: string;
  /** 0 where the virtual server has every port. */
  readonly port: number;
}

/** Another check of the same configuration, as far as it is known. */
export interface Member {
  readonly name: string;
  readonly state: "unknown" | "up" | "down";
  readonly reason: string;
}

export interface CheckContext {
  /** Name of the check in the configuration. */
  readonly name: string;
  readonly host: Host;
  readonly target?: Target;
  /** Other checks, by their names; one that there is not is unknown. */
  members?(names: readonly string[]): Member[];
  /** How long one look may take; it is aborted then. */
  readonly timeoutMs?: number;
  /** Whom the check's programs run as. */
  readonly runAs?: RunAs;
}

/**
 * Defaults of the options that every check has, where others suit a type better; written as in the
 * configuration.
 */
export interface CommonDefaults {
  readonly interval?: string;
  readonly timeout?: string;
  readonly rise?: number;
  readonly fall?: number;
}

/** What a probe that passes may say beyond a note for operators. */
export interface Pass {
  readonly note: string;
  /** The weight that the real server is to have, 0..65535; its configured one when absent. */
  readonly weight?: number;
  /** The weight with which virtual routers track the check is multiplied by this; 1 when absent. */
  readonly factor?: number;
}

/** Takes what a watch sees: whether the check would pass, or undefined when only a look can tell. */
export type Report = (passing: boolean | undefined) => void;

/**
 * A kind of check. Timeouts, attempts, rise/fall, recovery and scheduling are not its business.
 * `options` may carry refinements: extend it with `options.safeExtend(shape)`, or parse its keys on their
 * own.
 */
export interface CheckType<Options = unknown> {
  readonly type: string;
  /** One sentence for the documentation. */
  readonly summary: string;
  /** Flat beside the options that every check has; a strict object, with refinements if need be. */
  readonly options: z.ZodObject;
  readonly defaults?: CommonDefaults;
  /** The option that says where to look; a check of a real server can do without. */
  readonly target?: string;
  /** It looks at a port, and knows none by itself. */
  readonly needsPort?: boolean;
  /** Options that hold a program and its arguments, which the check runs. */
  readonly commands?: readonly string[];
  /**
   * The option that names other checks: their states are all that it looks at, whenever one of them changes,
   * so it has neither an interval nor a count of its own.
   */
  readonly follows?: string;
  /** Programs that it runs by itself, found in the usual directories. */
  readonly programs?: readonly string[];
  /**
   * One look: returns (optionally with a note) when it passes, throws `CheckFailed(reason)` when it fails.
   * After the abort it settles promptly, in whatever way, and leaves nothing open.
   */
  probe(
    context: CheckContext,
    options: Options,
    signal: AbortSignal,
  ): Promise<Pass | string | void> | Pass | string;
  /**
   * Reports what `probe` would say by now, as far as can be seen without asking; runs until the abort.
   * Whenever that is not what the last probe said, or not known, the next one is made at once. Reporting the
   * same again costs nothing.
   */
  watch?(context: CheckContext, options: Options, signal: AbortSignal, report: Report): Promise<void>;
}

type Definition<Schema extends z.ZodObject> = CheckType<z.output<Schema>> & { readonly options: Schema };

/** Ties the types of options, probe and watch to each other. */
export function defineCheck<Schema extends z.ZodObject>(check: Definition<Schema>): Definition<Schema> {
  return check;
}

/** A duration in the configuration: a string with a unit in, milliseconds out. */
export const duration = z.string({ error: 'expected a duration such as "200ms", "3s" or "5m"' })
  .regex(DURATION_PATTERN, { error: 'expected a duration such as "200ms", "3s" or "5m"' })
  .transform((text) => parseDuration(text) ?? 0);

export const port = z.int().min(1).max(65535);

export const absolutePath = z.string().startsWith("/", { error: "expected an absolute path" });

/** A regular expression in the configuration (JavaScript syntax), compiled. */
export const regex = z.string().transform((source, context) => {
  try {
    return new RegExp(source, "u");
  } catch (error) {
    context.addIssue({ code: "custom", message: `not a regular expression: ${describe(error)}` });
    return z.NEVER;
  }
});

/** What says whom to run as, of whatever else holds it. */
export function runAsOf(
  { user, group }: { readonly user?: string | undefined; readonly group?: string | undefined },
): RunAs {
  return { ...(user === undefined ? {} : { user }), ...(group === undefined ? {} : { group }) };
}

/** The verdict "failing" as an expression. */
export function fail(reason: string): never {
  throw new CheckFailed(reason);
}

/** An error's message as part of a sentence: without "(os error 111)". */
export function describe(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const plain = message.replace(/ \(os error \d+\)/, "");
  return /^[A-Z][a-z]/.test(plain) ? plain.charAt(0).toLowerCase() + plain.slice(1) : plain;
}
