/** `vipd demo`: failovers to watch and to measure, on two nodes and a client in network namespaces. */
import { parseDuration } from "../config/duration.ts";
import { playRole, ROLE_OPTION, runDemo } from "../demo/demo.ts";
import { UsageError } from "../errors.ts";
import type { Hooks } from "./hooks.ts";
import type { Io } from "./io.ts";
import { parseOptions } from "./options.ts";

const DEFAULT_INTERVAL = "100ms";
const INTERVAL_MIN_MS = 10;
const INTERVAL_MAX_MS = 1000;

/** `demo [--interval DURATION] [--json]`; exit code 0 when every event went as it must, else 1. */
export async function demo(args: string[], io: Io, { signals }: Hooks): Promise<number> {
  if (args[0] === ROLE_OPTION) return await playRole(args.slice(1));
  const options = parseOptions(args, { boolean: ["json"], string: ["interval"] });
  const intervalMs = intervalOf(String(options["interval"] ?? DEFAULT_INTERVAL));
  return await runDemo({ intervalMs, json: options["json"] === true }, io, signals);
}

function intervalOf(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms < INTERVAL_MIN_MS || ms > INTERVAL_MAX_MS || ms % 10 !== 0) {
    throw new UsageError(`--interval expects 10ms to 1s in steps of 10 ms, got "${text}"`);
  }
  return ms;
}
