/** `vipd reload`: has the running daemon load its configuration anew, and says how that went. */
import * as z from "zod";
import { formatProblem } from "../errors.ts";
import { type ApiClient, bodyOf, TARGET_OPTIONS, withApi } from "./client.ts";
import type { Io } from "./io.ts";
import { parseOptions } from "./options.ts";

const Accepted = z.object({ summary: z.string() });
const Refused = z.object({
  problems: z.array(z.object({
    file: z.string(),
    line: z.number(),
    column: z.number(),
    path: z.string(),
    message: z.string(),
  })),
});

/**
 * `reload [--socket PATH | --url URL --token-file FILE]`; 0 loaded, 1 not reached or refused, 2 the file is
 * wrong.
 */
export async function reload(args: string[], io: Io): Promise<number> {
  const options = parseOptions(args, { string: TARGET_OPTIONS });
  return await withApi(options, io, (client) => requestReload(client, io), { write: true });
}

async function requestReload(client: ApiClient, io: Io): Promise<number> {
  const response = await client.request("POST", "/reload");
  if (response.status === 422) {
    const { problems } = Refused.parse(await response.json());
    for (const problem of problems) io.err(formatProblem(problem));
    io.err("vipd: nothing was changed; the running configuration stays in force");
    return 2;
  }
  io.out(Accepted.parse(JSON.parse(await bodyOf(response))).summary);
  return 0;
}
