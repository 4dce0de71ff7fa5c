/** redis: a Redis (or Valkey) server answers, has loaded its data, and is primary or replica as expected. */
import * as z from "zod";
import { judgeAnswer, judgeRole, queryFields, roleField } from "./answer.ts";
import { type CheckContext, defineCheck, duration, fail } from "./check.ts";
import { using } from "./connection.ts";
import { formatMs } from "./deadline.ts";
import { SocketLike } from "./duplex.ts";
import { exportsOf } from "./library.ts";
import {
  loginFields,
  onePassword,
  openService,
  orAbort,
  passwordOf,
  serverWords,
  serviceFields,
  serviceTls,
} from "./service.ts";

const usualPort = 6379;

const options = z.strictObject({
  ...serviceFields(usualPort),
  ...loginFields,
  tls: serviceTls,
  role: roleField,
  max_lag: duration.optional().describe(
    "Of a replica: its link must be up, and the last word of its primary not older than this; whole seconds",
  ),
  command: z.array(z.string()).min(1).optional().describe(
    'One command to run, such as ["GET", "in_service"]; without `expect` it passes when the server runs it',
  ),
  expect: queryFields.expect.describe("What the command must answer, or a list of which it must be one"),
}).refine(...onePassword).refine(({ command, expect }) => expect === undefined || command !== undefined, {
  error: "there is no command to expect this of",
  path: ["expect"],
});
type Options = z.output<typeof options>;

export const redis = defineCheck({
  type: "redis",
  summary: "Passes when a Redis server has loaded its data and answers PING, or a command as expected.",
  options,
  target: "address",
  probe,
});

/** The part of a client that is used here. */
interface Client {
  call(command: string, ...args: string[]): Promise<unknown>;
  disconnect(): void;
}

async function probe(context: CheckContext, options: Options, signal: AbortSignal): Promise<string> {
  const password = await passwordOf(options);
  const stream = await openService(context, options, usualPort, signal);
  return await using(stream, signal, async () => {
    const client = await newClient(new SocketLike(stream));
    try {
      signal.throwIfAborted();
      return await orAbort(signal, look(client, options, password));
    } finally {
      client.disconnect();
    }
  });
}

/** A client on a socket that is there, which never makes another one. */
async function newClient(socket: SocketLike): Promise<Client> {
  const { Redis } = exportsOf(await import("ioredis"));
  class Given {
    connect(): Promise<SocketLike> {
      return Promise.resolve(socket);
    }
    disconnect(): void {
      socket.destroy();
    }
    check(): boolean {
      return true;
    }
  }
  const client = new Redis({
    Connector: Given as never,
    ...{ protocol: 2, retryStrategy: () => null, maxRetriesPerRequest: 0 },
    ...{ enableReadyCheck: false, disableClientInfo: true },
  });
  // Whoever waits for an answer is told as well.
  client.on("error", () => {});
  return client;
}

async function look(client: Client, options: Options, password: string | undefined): Promise<string> {
  const { username, role, max_lag, command, expect } = options;
  // Not the library's: it says on the console what it thinks of the answer.
  if (password !== undefined) {
    await ask(client, "AUTH", ...username === undefined ? [] : [username], password);
  }
  if (await ask(client, "PING") !== "PONG") fail("PING is not answered with PONG");
  const notes: string[] = [];
  if (role !== "any" || max_lag !== undefined) notes.push(await judgeReplication(client, role, max_lag));
  if (command !== undefined) {
    notes.push(judgeAnswer([[flat(await ask(client, ...command))]], expect, "command"));
  }
  return notes.join(", ") || "answers";
}

/** The answer; `CheckFailed` with the server's own words. */
async function ask(client: Client, ...[command = "", ...args]: readonly string[]): Promise<unknown> {
  try {
    return await client.call(command, ...args);
  } catch (error) {
    if (error instanceof Error && error.message.includes("Please report this")) {
      return fail("the server does not speak Redis's protocol");
    }
    return fail(`${command}: ${serverWords(error)}`);
  }
}

/** Of nested answers the first value. */
function flat(answer: unknown): unknown {
  return Array.isArray(answer) ? flat(answer[0] ?? null) : answer;
}

async function judgeReplication(
  client: Client,
  role: Options["role"],
  maxLagMs: number | undefined,
): Promise<string> {
  const info = parseInfo(String(await ask(client, "INFO", "replication")));
  const said = info.get("role");
  if (said !== "master" && said !== "slave") return fail("INFO does not tell the server's role");
  const actual = said === "master" ? "primary" : "replica";
  judgeRole(actual, role);
  if (actual === "primary" || maxLagMs === undefined) return actual;
  if (info.get("master_link_status") !== "up") return fail("the replica has no link to its primary");
  const lagMs = Number(info.get("master_last_io_seconds_ago") ?? -1) * 1000;
  if (!(lagMs >= 0)) return fail("the replica has not heard from its primary yet");
  const lag = `the replica heard from its primary ${formatMs(lagMs)} ago`;
  return lagMs <= maxLagMs ? lag : fail(`${lag}, expected at most ${formatMs(maxLagMs)}`);
}

/** Lines of `name:value`, as INFO gives them. */
function parseInfo(text: string): ReadonlyMap<string, string> {
  const lines = text.split("\n").flatMap((line) => {
    const [, name, value] = /^(\w+):(.*?)\r?$/.exec(line) ?? [];
    return name === undefined || value === undefined ? [] : [[name, value] as const];
  });
  return new Map(lines);
}
