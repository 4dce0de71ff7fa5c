/** The demo's door: shows a whole demo to whoever is there, and says how it went. */
import { NetlinkError } from "../../ffi/netlink.ts";
import { SyscallError } from "../../ffi/errno.ts";
import type { Signals } from "../cli/hooks.ts";
import { type Io, useColor } from "../cli/io.ts";
import { VERSION } from "../version.ts";
import { lineShow, screenShow, silentShow } from "./audience.ts";
import { closing, introduction, toJson } from "./report.ts";
import type { Result } from "./scene.ts";
import { DemoError, Stage, type StageOptions } from "./stage.ts";

export { playRole, ROLE_OPTION } from "./roles.ts";

/** As shells report a process that a signal ended. */
const SIGNAL_EXIT = { SIGINT: 130, SIGTERM: 143 } as const;

export interface DemoOptions {
  readonly intervalMs: number;
  /** Only the results, as JSON. */
  readonly json: boolean;
}

/** Resolves with the exit code: 0 when every event went as it must, else 1, or that of the ending signal. */
export async function runDemo(options: DemoOptions, io: Io, signals: Signals): Promise<number> {
  const { intervalMs, json } = options;
  const stop = new AbortController();
  let interrupted: keyof typeof SIGNAL_EXIT | null = null;
  signals.onTerminate((signal) => {
    interrupted = signal;
    stop.abort();
  });
  try {
    const results = await play(options, io, stop.signal);
    if (json) io.out(toJson(results, VERSION, intervalMs));
    else report(results, io, intervalMs);
    return results.every(({ problems }) => problems.length === 0) ? 0 : 1;
  } catch (error) {
    if (interrupted !== null && error === stop.signal.reason) return SIGNAL_EXIT[interrupted];
    if (!(error instanceof DemoError)) throw error;
    io.err(`vipd demo: ${error.message}`);
    return 1;
  }
}

/** The whole demo, and everything of it gone afterwards, whatever happens. */
async function play(
  { intervalMs, json }: DemoOptions,
  io: Io,
  signal: AbortSignal,
): Promise<readonly Result[]> {
  const watched = isWatched(io) && !json;
  await using stage = open({ intervalMs, io, signal, unhurried: watched });
  using show = json ? silentShow() : watched ? screenShow(io) : lineShow(io, intervalMs);
  return await stage.play(show);
}

/** Throws a DemoError where network namespaces cannot be made, such as without root. */
function open(options: StageOptions): Stage {
  try {
    return new Stage(options);
  } catch (error) {
    if (!(error instanceof SyscallError || error instanceof NetlinkError)) throw error;
    const hint = error.code === "EPERM"
      ? " (it needs root; in a container also CAP_SYS_ADMIN and CAP_NET_ADMIN)"
      : "";
    throw new DemoError(`cannot make a network of its own: ${error.message}${hint}`, { cause: error });
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
