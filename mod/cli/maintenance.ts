/** `vipd maintenance on|off`: this node leaves everything to the others, and stays out. */
import * as z from "zod";
import { UsageError } from "../errors.ts";
import { type ApiClient, bodyOf, TARGET_OPTIONS, withApi } from "./client.ts";
import type { Io } from "./io.ts";
import { parseOptions } from "./options.ts";
import { TERM_OPTIONS, termOf } from "./term.ts";

const PATIENCE_MS = 120_000;

const Answer = z.object({
  maintenance: z.object({ until: z.string().nullable() }).nullable(),
  virtual_routers: z.array(z.object({ ok: z.boolean(), detail: z.string() })),
  note: z.string().optional(),
});

/**
 * `maintenance on [--for DURATION] [--persist] [--force] | off`; 0 done, 1 not reached or a virtual router
 * could not leave.
 */
export async function maintenance(args: string[], io: Io): Promise<number> {
  const [word, ...rest] = args;
  if (word !== "on" && word !== "off") throw new UsageError('Say "on" or "off" first');
  const own = word === "on"
    ? { boolean: ["force", ...TERM_OPTIONS.boolean], string: [...TERM_OPTIONS.string, ...TARGET_OPTIONS] }
    : { string: TARGET_OPTIONS };
  const options = parseOptions(rest, own);
  const order = word === "off"
    ? { on: false }
    : { on: true, ...termOf(options), force: options["force"] === true };
  return await withApi(options, io, (client) => request(client, io, order), { write: true });
}

async function request(client: ApiClient, io: Io, order: { readonly on: boolean }): Promise<number> {
  const response = await client.request("POST", "/maintenance", {
    body: JSON.stringify(order),
    timeoutMs: PATIENCE_MS,
  });
  const answer = Answer.parse(JSON.parse(await bodyOf(response)));
  for (const { ok, detail } of answer.virtual_routers) (ok ? io.out : io.err)(detail);
  if (answer.note !== undefined) io.err(answer.note);
  if (answer.maintenance === null) {
    io.out("maintenance is off: this node takes part again");
    return 0;
  }
  const { until } = answer.maintenance;
  io.out(`maintenance is on ${until === null ? 'until "vipd maintenance off"' : `until ${until}`}`);
  if (answer.virtual_routers.every(({ ok }) => ok)) return 0;
  io.err("What stays ACTIVE goes as soon as somebody takes over; --force lets go of it now");
  return 1;
}
