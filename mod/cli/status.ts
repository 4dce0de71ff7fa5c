/** `vipd status`: the running daemon's snapshot, as text, as JSON, or live. */
import { UsageError } from "../errors.ts";
import { Snapshot } from "../snapshot.ts";
import { type ApiClient, bodyOf, ClientError, connectApi, TARGET_OPTIONS } from "./client.ts";
import type { Hooks } from "./hooks.ts";
import { type Io, useColor } from "./io.ts";
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
  let client: ApiClient | undefined;
  try {
    client = await connectApi(options, io);
    if (watch === true && io.isTerminal) return await watchScreen(client, useColor(io), hooks);
    await show(client, io, json === true);
    if (watch === true) await follow(client, (line) => io.out(line));
    return 0;
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    io.err(`vipd: ${error.message}`);
    return 1;
  } finally {
    client?.close();
  }
}

async function show(client: ApiClient, io: Io, json: boolean): Promise<void> {
  const body = await bodyOf(await client.request("GET", "/status"));
  if (json) return io.out(JSON.stringify(JSON.parse(body), null, 2));
  const width = io.isTerminal ? Deno.consoleSize().columns : Infinity;
  io.out(renderStatus(parseSnapshot(body), { width, color: useColor(io) }));
}

/** The daemon may be of another version than this command line; say so rather than show half a truth. */
export function parseSnapshot(body: string): Snapshot {
  const parsed = Snapshot.safeParse(JSON.parse(body));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ClientError(
    `The daemon's status is not of this version (${
      issue?.path.join(".")
    }: ${issue?.message}); --json shows it as it is`,
  );
}
