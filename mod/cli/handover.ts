/** `vipd handover NAME`: one virtual router moves to another node and stays there. */
import * as z from "zod";
import { UsageError } from "../errors.ts";
import { type ApiClient, bodyOf, TARGET_OPTIONS, withApi } from "./client.ts";
import type { Io } from "./io.ts";
import { parseOptions } from "./options.ts";

/** The daemon's own limit is the longest that an RFC peer may take. */
const PATIENCE_MS = 120_000;

const Released = z.object({ detail: z.string() });

/** `handover NAME [--persist | --back] [--socket PATH | --url URL --token-file FILE]`; 0 done, 1 not. */
export async function handover(args: string[], io: Io): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name.startsWith("-")) throw new UsageError("Name the virtual router first");
  const options = parseOptions(rest, { boolean: ["back", "persist"], string: TARGET_OPTIONS });
  const order = { back: options["back"] === true, persist: options["persist"] === true };
  if (order.back && order.persist) throw new UsageError("--back and --persist exclude each other");
  const ask = (client: ApiClient): Promise<number> => request(client, io, name, order);
  return await withApi(options, io, ask, { write: true });
}

async function request(
  client: ApiClient,
  io: Io,
  name: string,
  order: { readonly back: boolean; readonly persist: boolean },
): Promise<number> {
  const response = await client.request("POST", `/virtual_routers/${encodeURIComponent(name)}/handover`, {
    body: JSON.stringify(order),
    timeoutMs: PATIENCE_MS,
  });
  io.out(Released.parse(JSON.parse(await bodyOf(response))).detail);
  return 0;
}
