/** `vipd prefer` and `vipd priority`: what counts instead of a virtual router's configured priority. */
import * as z from "zod";
import { UsageError } from "../errors.ts";
import { type ApiClient, bodyOf, TARGET_OPTIONS, withApi } from "./client.ts";
import type { Io } from "./io.ts";
import { parseOptions } from "./options.ts";
import { TERM_OPTIONS, termOf } from "./term.ts";

/** The daemon waits for what a preemption takes, at most 15 s. */
const PATIENCE_MS = 30_000;

const Answer = z.object({ virtual_routers: z.array(z.object({ ok: z.boolean(), detail: z.string() })) });

/**
 * `prefer NAME [--for DURATION] [--persist] | --off`; 0: it is ACTIVE, or preferred no more; 1: it is not, or
 * was not reached.
 */
export async function prefer(args: string[], io: Io): Promise<number> {
  const { name, rest } = named(args);
  const options = parseOptions(rest, {
    boolean: ["off", ...TERM_OPTIONS.boolean],
    string: [...TERM_OPTIONS.string, ...TARGET_OPTIONS],
  });
  const isOff = options["off"] === true;
  if (isOff && (options["for"] !== undefined || options["persist"] === true)) {
    throw new UsageError("--off takes neither --for nor --persist");
  }
  const body = isOff ? { on: false } : { on: true, ...termOf(options) };
  return await order(io, options, `/virtual_routers/${encodeURIComponent(name)}/prefer`, body);
}

/** `priority NAME N|auto [--for DURATION] [--persist]`; 0 done, 1 not. */
export async function priority(args: string[], io: Io): Promise<number> {
  const { name, rest: [given, ...rest] } = named(args);
  const priority = priorityOf(given);
  const own = priority === null ? { boolean: [], string: [] } : TERM_OPTIONS;
  const options = parseOptions(rest, { boolean: own.boolean, string: [...own.string, ...TARGET_OPTIONS] });
  const body = priority === null ? { priority } : { priority, ...termOf(options) };
  return await order(io, options, `/virtual_routers/${encodeURIComponent(name)}/priority`, body);
}

function named([name, ...rest]: readonly string[]): { name: string; rest: string[] } {
  if (name === undefined || name.startsWith("-")) throw new UsageError("Name the virtual router first");
  return { name, rest };
}

function priorityOf(text: string | undefined): number | null {
  if (text === "auto") return null;
  const number = /^\d{1,3}$/.test(text ?? "") ? Number(text) : NaN;
  if (number >= 1 && number <= 254) return number;
  const got = text === undefined ? "" : `, not "${text}"`;
  const owner = number === 255 ? " (255 owns the addresses: that is for the configuration)" : "";
  throw new UsageError(`The priority is 1..254, or auto${got}${owner}`);
}

async function order(
  io: Io,
  options: Readonly<Record<string, string | true>>,
  path: string,
  body: Readonly<Record<string, unknown>>,
): Promise<number> {
  const ask = async (client: ApiClient): Promise<number> => {
    const response = await client.request("POST", path, {
      body: JSON.stringify(body),
      timeoutMs: PATIENCE_MS,
    });
    const { virtual_routers } = Answer.parse(JSON.parse(await bodyOf(response)));
    for (const { ok, detail } of virtual_routers) (ok ? io.out : io.err)(detail);
    return virtual_routers.every(({ ok }) => ok) ? 0 : 1;
  };
  return await withApi(options, io, ask, { write: true });
}
