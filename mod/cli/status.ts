/** `vipd status`: the running daemon's snapshot, as text, as JSON, or live. */
import { UsageError } from "../errors.ts";
import { type ApiClient, bodyOf, parseSnapshot, TARGET_OPTIONS, withApi } from "./client.ts";
import type { Hooks } from "./hooks.ts";
import { type Io, useColor, widthOf } from "./io.ts";
import { parseOptions } from "./options.ts";
import { renderStatus } from "./status_view.ts";
import { follow } from "./status_follow.ts";
import { watchScreen } from "./status_watch.ts";

/** `status [--json | --watch] [--socket PATH | --url URL]`; 0 shown, 1 not reached, 2 wrong usage. */
export async function status(args: string[], io: Io, hooks?: Pick<Hooks, "signals">): Promise<number> {
  const options = parseOptions(args, {
    boolean: ["json", "watch"],
    string: TARGET_OPTIONS,
    alias: { w: "watch" },
  });
  const { json, watch } = options;
  if (json === true && watch === true) throw new UsageError("--json and --watch exclude each other");
  return await withApi(options, io, async (client) => {
    if (watch === true && io.isTerminal) return await watchScreen(client, useColor(io), hooks);
    await show(client, io, json === true);
    if (watch === true) await follow(client, (line) => io.out(line));
    return 0;
  });
}

async function show(client: ApiClient, io: Io, json: boolean): Promise<void> {
  const body = await bodyOf(await client.request("GET", "/status"));
  if (json) return io.out(JSON.stringify(JSON.parse(body), null, 2));
  const width = widthOf(io);
  io.out(renderStatus(parseSnapshot(body), { width, color: useColor(io) }));
}
