/** `vipd drain`, `undrain` and `weight`: what an operator does with one real server. */
import * as z from "zod";
import { parseDuration } from "../config/duration.ts";
import { UsageError } from "../errors.ts";
import { type ApiClient, bodyOf, TARGET_OPTIONS, withApi } from "./client.ts";
import type { Io } from "./io.ts";
import { parseOptions } from "./options.ts";

const LONGEST_MS = 7 * 24 * 3_600_000;
const WEIGHT_MAX = 65_535;

const Done = z.object({ detail: z.string() });

/** `drain VIRTUAL_SERVER REAL_SERVER [--timeout DURATION] [--persist]`; 0 done, 1 not. */
export async function drain(args: string[], io: Io): Promise<number> {
  const { path, rest } = realServer(args);
  const options = parseOptions(rest, { boolean: ["persist"], string: ["timeout", ...TARGET_OPTIONS] });
  const timeout = timeoutOf(options["timeout"]);
  const body = { persist: options["persist"] === true, ...(timeout === null ? {} : { timeout_ms: timeout }) };
  return await order(io, options, `${path}/drain`, body);
}

/** `undrain VIRTUAL_SERVER REAL_SERVER [--persist]`; 0 done, 1 not. */
export async function undrain(args: string[], io: Io): Promise<number> {
  const { path, rest } = realServer(args);
  const options = parseOptions(rest, { boolean: ["persist"], string: TARGET_OPTIONS });
  return await order(io, options, `${path}/undrain`, { persist: options["persist"] === true });
}

/** `weight VIRTUAL_SERVER REAL_SERVER N|auto [--persist]`; 0 done, 1 not. */
export async function weight(args: string[], io: Io): Promise<number> {
  const { path, rest: [given, ...rest] } = realServer(args);
  const weight = weightOf(given);
  const options = parseOptions(rest, { boolean: ["persist"], string: TARGET_OPTIONS });
  return await order(io, options, `${path}/weight`, { weight, persist: options["persist"] === true });
}

function realServer([virtualServer, name, ...rest]: readonly string[]): { path: string; rest: string[] } {
  if (virtualServer === undefined || name === undefined || /^-/.test(virtualServer) || /^-/.test(name)) {
    throw new UsageError("Name the virtual server and the real server first");
  }
  const [first, second] = [virtualServer, name].map(encodeURIComponent);
  return { path: `/virtual_servers/${first}/real_servers/${second}`, rest };
}

function timeoutOf(text: string | true | undefined): number | null {
  if (text === undefined) return null;
  const ms = parseDuration(String(text));
  if (ms === undefined || ms > LONGEST_MS) {
    throw new UsageError(`--timeout expects a duration up to 168h such as 5m, got "${text}"`);
  }
  return Math.round(ms);
}

function weightOf(text: string | undefined): number | null {
  if (text === "auto") return null;
  const number = /^\d{1,5}$/.test(text ?? "") ? Number(text) : NaN;
  if (number <= WEIGHT_MAX) return number;
  throw new UsageError(
    `The weight is 0..${WEIGHT_MAX}, or auto${text === undefined ? "" : `, not "${text}"`}`,
  );
}

async function order(
  io: Io,
  options: Readonly<Record<string, string | true>>,
  path: string,
  body: Readonly<Record<string, unknown>>,
): Promise<number> {
  const ask = async (client: ApiClient): Promise<number> => {
    const response = await client.request("POST", path, { body: JSON.stringify(body) });
    io.out(Done.parse(JSON.parse(await bodyOf(response))).detail);
    return 0;
  };
  return await withApi(options, io, ask, { write: true });
}
