/** `vipd demo`: failovers to watch and to measure, on two nodes and a client in network namespaces of this machine. */
import { parseDuration } from "../config/duration.ts";
import { lineShow, screenShow, silentShow } from "../demo/audience.ts";
import { Demo, DemoError, type DemoOptions } from "../demo/demo.ts";
import { closing, introduction, toJson } from "../demo/report.ts";
import { playRole, ROLE_OPTION } from "../demo/roles.ts";
import type { Result } from "../demo/scene.ts";
import { UsageError } from "../errors.ts";
import { NetlinkError } from "../../ffi/netlink.ts";
import { SyscallError } from "../../ffi/errno.ts";
import { VERSION } from "../version.ts";
import type { Hooks } from "./hooks.ts";
import { type Io, useColor } from "./io.ts";
import { parseOptions } from "./options.ts";

const DEFAULT_INTERVAL = "100ms";
const INTERVAL_MIN_MS = 10;
const INTERVAL_MAX_MS = 1000;
/** As shells report a process that a signal ended. */
const SIGNAL_EXIT = { SIGINT: 130, SIGTERM: 143 } as const;

/** `demo [--interval DURATION] [--json]`; exit code 0 when every event went as it must, else 1. */
export async function demo(args: string[], io: Io, { signals }: Hooks): Promise<number> {
  if (args[0] === ROLE_OPTION) return await playRole(args.slice(1));
  const options = parseOptions(args, { boolean: ["json"], string: ["interval"] });
  const intervalMs = intervalOf(String(options["interval"] ?? DEFAULT_INTERVAL));
  const json = options["json"] === true;
  const stop = new AbortController();
  let interrupted: keyof typeof SIGNAL_EXIT | null = null;
  signals.onTerminate((signal) => {
    interrupted = signal;
    stop.abort();
  });
  try {
    const results = await play(io, { intervalMs, json, signal: stop.signal });
    if (json) io.out(toJson(results, VERSION, intervalMs));
    else report(results, io, intervalMs);
    return results.every(({ problems }) => problems.length === 0) ? 0 : 1;
  } catch (error) {
    if (interrupted !== null) return SIGNAL_EXIT[interrupted];
    if (!(error instanceof DemoError)) throw error;
    io.err(`vipd demo: ${error.message}`);
    return 1;
  }
}

interface PlayOptions {
  readonly intervalMs: number;
  readonly json: boolean;
  readonly signal: AbortSignal;
}

/** The whole demo, and everything of it gone afterwards, whatever happens. */
async function play(io: Io, { intervalMs, json, signal }: PlayOptions): Promise<readonly Result[]> {
  const watched = isWatched(io) && !json;
  await using demo = open({ intervalMs, io, signal, unhurried: watched });
  using show = json ? silentShow() : watched ? screenShow(io) : lineShow(io, intervalMs);
  return await demo.play(show);
}

/** Throws a DemoError where namespaces cannot be made, such as without root. */
function open(options: DemoOptions): Demo {
  try {
    return new Demo(options);
  } catch (error) {
    if (!(error instanceof SyscallError || error instanceof NetlinkError)) throw error;
    const hint = error.code === "EPERM"
      ? " (it needs root; in a container also CAP_SYS_ADMIN and CAP_NET_ADMIN)"
      : "";
    throw new DemoError(`cannot make network namespaces: ${error.message}${hint}`, { cause: error });
  }
}

/** Whether somebody sits in front of a terminal that can be redrawn. */
function isWatched(io: Io): boolean {
  return io.isTerminal && io.env("TERM") !== "dumb";
}

function report(results: readonly Result[], io: Io, intervalMs: number): void {
  if (isWatched(io)) io.out(introduction(intervalMs));
  io.out("");
  const width = io.isTerminal ? Deno.consoleSize().columns : Infinity;
  io.out(closing(results, { width, color: useColor(io) }));
}

function intervalOf(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms < INTERVAL_MIN_MS || ms > INTERVAL_MAX_MS || ms % 10 !== 0) {
    throw new UsageError(`--interval expects 10ms to 1s in steps of 10 ms, got "${text}"`);
  }
  return ms;
}
