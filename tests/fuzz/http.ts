/**
 * Octets to the API's real listeners, over TCP and a unix socket: whatever a client sends, it learns no
 * secret, changes nothing without the right to it, and the listener serves on.
 */
import { assert } from "@std/assert";
import { type ApiServer, createApi, serveApi } from "../../mod/api/mod.ts";
import { fakeContext } from "../api/fixture.ts";
import type { Random } from "../sim/random.ts";
import { TOKEN } from "./api_cases.ts";
import { rawRequest } from "./http_cases.ts";
import { smallerBytes, smallerList } from "./smaller.ts";
import type { Target } from "./target.ts";

/** Requests sent at the same time, each over a connection of its own, as octets. */
export interface HttpCase {
  readonly listener: "tcp" | "unix";
  readonly requests: readonly Uint8Array[];
}

const REQUESTS = 100;
/** A client that has heard nothing for so long hangs up. */
const PATIENCE_MS = 25;
/** A client that asks a good question waits longer, as the machine may be busy. */
const LONG_PATIENCE_MS = 10_000;

interface Running {
  readonly server: ApiServer;
  readonly directory: string;
  readonly reloads: { count: number };
}

let running: Promise<Running> | undefined;

async function start(): Promise<Running> {
  const directory = await Deno.makeTempDir({ prefix: "vipd-fuzz-" });
  const reloads = { count: 0 };
  const context = fakeContext({
    token: () => TOKEN,
    reload: () => {
      reloads.count++;
      return Promise.resolve({ ok: true, summary: "nothing changed" });
    },
  });
  const listens = [
    { kind: "tcp", hostname: "127.0.0.1", port: 0 },
    { kind: "unix", path: `${directory}/vipd.sock` },
  ] as const;
  const silent = { info: (): void => {}, error: (): void => {} };
  return { server: await serveApi(createApi(context), listens, silent), directory, reloads };
}

export const http: Target<HttpCase> = {
  count: 1_000,
  limitMs: 30_000,
  generate: (random: Random) => ({
    listener: random.pick(["tcp", "unix"]),
    requests: Array.from({ length: REQUESTS }, () => rawRequest(random)),
  }),
  judge,
  *smaller({ listener, requests }: HttpCase): Generator<HttpCase> {
    for (const less of smallerList(requests, smallerBytes)) yield { listener, requests: less };
  },
  toRow: ({ listener, requests }) => [listener, ...requests.map(latin1)],
  fromRow: ([listener, ...requests]) => ({
    listener: listener === "unix" ? "unix" : "tcp",
    requests: requests.map(octets),
  }),
  async close(): Promise<void> {
    const started = await running;
    running = undefined;
    if (started === undefined) return;
    await started.server.stop();
    await Deno.remove(started.directory, { recursive: true });
  },
};

async function judge({ listener, requests }: HttpCase): Promise<string> {
  const { server, reloads } = await (running ??= start());
  const before = reloads.count;
  const answers = await Promise.all(requests.map((bytes) => talk(server, listener, bytes)));
  const mayWrite = listener === "unix" || requests.some((bytes) => latin1(bytes).includes(TOKEN));
  assert(mayWrite || reloads.count === before, "reloaded without the right to it");
  for (const answer of answers) judgeAnswer(answer);
  const good = await talk(server, listener, octets(ALIVE), LONG_PATIENCE_MS);
  assert(/^HTTP\/1.1 200 OK\r\n.*\r\n\r\n\{"status":"ok"\}\n$/s.test(good), `it serves no more: ${good}`);
  const stream = await talk(server, listener, octets(STREAM), LONG_PATIENCE_MS);
  assert(stream.startsWith("HTTP/1.1 200"), `places of event clients were not given back: ${stream}`);
  const statuses = answers.map((answer) => /^HTTP\/1.[01] (\d+)/.exec(answer)?.[1] ?? "no answer");
  return [...new Set(statuses)].toSorted().join(" ");
}

const ALIVE = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
const STREAM = ALIVE.replace("healthz", "events");

function judgeAnswer(answer: string): void {
  assert(!answer.includes(TOKEN), "the token in an answer");
  // Deno speaks HTTP/2 with who begins with it: its first words are SETTINGS.
  if (answer === "" || answer[0] === "\0" && answer[3] === "\x04") return;
  const [, status, head = "", body = ""] =
    /^HTTP\/1\.[01] (\d{3})[^\r]*\r\n(.*?)\r\n\r\n(.*)$/s.exec(answer) ?? [];
  assert(status !== undefined, `no HTTP answer: ${answer.slice(0, 100)}`);
  assert(Number(status) < 500 || status === "503", `an internal error: ${answer.slice(0, 300)}`);
  // What is no HTTP at all is refused below the API, without a body.
  if (Number(status) >= 400 && body !== "") assert(head.includes("content-type: application/problem+json"));
}

/** Says it, and listens until there has been nothing for a while. */
async function talk(
  { addresses }: ApiServer,
  listener: "tcp" | "unix",
  bytes: Uint8Array,
  patienceMs = 4 * PATIENCE_MS,
): Promise<string> {
  const [tcp = "", unix = ""] = addresses;
  using connection = listener === "tcp"
    ? await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(tcp).port) })
    : await Deno.connect({ transport: "unix", path: unix.slice("unix:".length) });
  return await Promise.race([say(connection, bytes), listen(connection, patienceMs)]) ?? "";
}

async function say(connection: Deno.Conn, bytes: Uint8Array): Promise<never> {
  try {
    for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
  } catch (error) {
    assertGone(error);
  }
  return await new Promise<never>(() => {});
}

async function listen(connection: Deno.Conn, patienceMs: number): Promise<string> {
  let heard = "";
  const buffer = new Uint8Array(65_536);
  try {
    for (;;) {
      const count = await withPatience(connection.read(buffer), heard === "" ? patienceMs : PATIENCE_MS);
      if (count === null) return heard;
      heard += latin1(buffer.subarray(0, count));
    }
  } catch (error) {
    assertGone(error);
    return heard;
  }
}

async function withPatience(reading: Promise<number | null>, ms: number): Promise<number | null> {
  let timer = 0;
  const over = new Promise<null>((resolve) => timer = setTimeout(() => resolve(null), ms));
  // Who hangs up ends its own reading; that is no news.
  reading.catch(assertGone);
  return await Promise.race([reading, over]).finally(() => clearTimeout(timer));
}

/** The server hangs up on who talks nonsense. */
function assertGone(error: unknown): void {
  const { BadResource, BrokenPipe, ConnectionReset, Interrupted } = Deno.errors;
  const isGone = [BadResource, BrokenPipe, ConnectionReset, Interrupted].some((kind) =>
    error instanceof kind
  );
  if (!isGone) throw error;
}

function octets(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** One character an octet, and back: new TextDecoder("latin1") is windows-1252. */
function latin1(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}
