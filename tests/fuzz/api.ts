/**
 * Requests to the API by every kind of listener: never an internal error, every refusal a problem, nothing
 * changed and nothing told without the right to it, and every event client's place given back.
 */
import { assert, assertEquals } from "@std/assert";
import { EVENT_LIMITS } from "../../mod/api/events.ts";
import { type ApiEnv, createApi } from "../../mod/api/mod.ts";
import { PROBLEM_JSON } from "../../mod/api/problem.ts";
import type { Hono } from "hono";
import { type FakeContext, fakeContext, transition } from "../api/fixture.ts";
import type { Random } from "../sim/random.ts";
import { LISTENERS, request, type RequestCase, TOKEN } from "./api_cases.ts";
import { smallerList, smallerText } from "./smaller.ts";
import type { Target } from "./target.ts";

/** An API under test, and how often it was asked to change something. */
interface Node {
  readonly app: Hono<ApiEnv>;
  readonly context: FakeContext;
  readonly changes: { count: number };
}

function node(token: string | null, broken = false): Node {
  const changes = { count: 0 };
  const context = fakeContext({
    token: () => token,
    exporterNames: true,
    ...(broken ? { snapshot: () => Promise.reject(new Error("the engine is gone")) } : {}),
    reload: () => {
      const problem = { file: "vipd.toml", line: 3, column: 1, path: "node", message: "expected less" };
      return Promise.resolve(
        changes.count++ % 2 === 0
          ? { ok: true, summary: "nothing changed" }
          : { ok: false, problems: [problem] },
      );
    },
    orderRealServer: () => {
      const kind = (["not_found", "failed"] as const)[changes.count++ % 3];
      return kind === undefined ? { ok: true } : { ok: false, kind, message: "nothing was done" };
    },
  });
  return { app: createApi(context), context, changes };
}

const NODES: Readonly<Record<string, Node>> = {
  token: node(TOKEN),
  "no token": node(null),
  "empty token": node(""),
  broken: node(TOKEN, true),
};

/** Counts who waits for the end of a listener: an event stream that ended must not be among them. */
class Stopping {
  readonly #controller = new AbortController();
  readonly signal = this.#controller.signal;
  waiting = 0;

  constructor() {
    const { signal } = this;
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    signal.addEventListener = (...args: Parameters<typeof add>): void => {
      this.waiting++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>): void => {
      this.waiting--;
      remove(...args);
    };
  }
}

export const api: Target<RequestCase> = {
  count: 1_000_000,
  limitMs: 10_000,
  generate: (random: Random) => request(random, Object.keys(NODES)),
  judge,
  *smaller(input: RequestCase): Generator<RequestCase> {
    for (const headers of smallerList(input.headers)) yield { ...input, headers };
    for (const [i, [name, value]] of input.headers.entries()) {
      for (const less of smallerText(value)) yield { ...input, headers: input.headers.with(i, [name, less]) };
    }
    for (const path of smallerText(input.path)) if (path.startsWith("/")) yield { ...input, path };
    if (input.body !== "") yield { ...input, body: "" };
  },
  toRow: ({ node, listener, method, path, headers, body }) => [
    ...[node, listener, method, path, body],
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ],
  fromRow: ([node = "", listener = "", method = "", path = "", body = "", ...headers]) => ({
    ...{ node, listener, method, path, body },
    headers: headers.map((line) => [line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)]),
  }),
};

async function judge(input: RequestCase): Promise<string> {
  const { node: name, listener, method, path, headers, body } = input;
  const { app, context, changes } = NODES[name]!;
  const stopping = new Stopping();
  const before = changes.count;
  const init = { method, headers: headers as [string, string][], ...(body === "" ? {} : { body }) };
  const made = requestOf(`http://localhost${path}`, init);
  if (made === null) return "no request";
  const response = await app.fetch(made, { ...LISTENERS[listener]!, stopping: stopping.signal });
  const isChange = changes.count !== before;
  assert(response.status !== 500, "an internal error");
  assert(!isChange || mayWrite(input), "changed something without the right to it");
  if (isChange) assert([200, 404, 409, 422, ...(name === "broken" ? [503] : [])].includes(response.status));
  if (!mayRead(input, made)) assertEquals(response.status, 401, "told without the token");
  const isStream = response.headers.get("content-type") === "text/event-stream" && method !== "HEAD";
  if (isStream) await judgeStream(app, context, response, stopping);
  else await judgeBody(response, made);
  assertEquals(stopping.waiting, 0, "somebody still waits for the listener's end");
  return `${response.status}`;
}

/** Null for what no HTTP client can say: raw requests are another target. */
function requestOf(url: string, init: RequestInit): Request | null {
  try {
    return new Request(url, init);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

function given({ headers }: RequestCase, wanted: string): string | undefined {
  return new Headers(headers as [string, string][]).get(wanted) ?? undefined;
}

function mayWrite(input: RequestCase): boolean {
  if (input.method.toUpperCase() !== "POST") return false;
  const origin = given(input, "origin");
  if (origin !== undefined && new URL(origin).host !== given(input, "host")) return false;
  const isBearer = /^bearer +([^ ]+)$/i.exec(given(input, "authorization") ?? "")?.[1] === TOKEN;
  return input.listener === "unix" || input.node !== "no token" && input.node !== "empty token" && isBearer;
}

/** Only beyond loopback does reading need the token; the two probes never do. */
function mayRead(input: RequestCase, { url }: Request): boolean {
  if (input.listener !== "public" || /^\/(healthz|readyz)$/.test(decoded(new URL(url).pathname))) return true;
  if (input.node === "no token" || input.node === "empty token") return false;
  const [, scheme = "", credentials = ""] = /^(\w+) +([^ ]+)$/.exec(given(input, "authorization") ?? "") ??
    [];
  if (scheme.toLowerCase() === "bearer") return credentials === TOKEN;
  // A password may hold colons, a user name none.
  return scheme.toLowerCase() === "basic" && /^[^:]*:/.test(plain(credentials)) &&
    plain(credentials).replace(/^[^:]*:/, "") === TOKEN;
}

function decoded(path: string): string {
  return path.replaceAll(/%[0-9a-f]{2}/gi, (code) => {
    const character = String.fromCharCode(parseInt(code.slice(1), 16));
    return character < "\x80" ? character : code;
  });
}

function plain(base64: string): string {
  return Uint8Array.from(base64.matchAll(/.{4}/g).flatMap(([four]) => quartet(four))).reduce(
    (text, byte) => text + String.fromCharCode(byte),
    "",
  );
}

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function quartet(four: string): number[] {
  const bits = [...four.replaceAll("=", "A")].reduce((sum, digit) => sum * 64 + BASE64.indexOf(digit), 0);
  return [bits >> 16, bits >> 8 & 0xff, bits & 0xff].slice(0, 3 - (four.match(/=/g)?.length ?? 0));
}

async function judgeBody(response: Response, { method }: Request): Promise<void> {
  const text = await response.text();
  const { status, headers } = response;
  for (const [name, value] of headers) assert(!value.includes(TOKEN), `the token in ${name}`);
  assert(!text.includes(TOKEN), "the token in an answer");
  if (method === "HEAD") return assertEquals(text, "");
  if (status < 400) return;
  assertEquals(headers.get("content-type"), PROBLEM_JSON);
  const problem = JSON.parse(text);
  assertEquals(problem.status, status);
  for (const key of ["type", "title", "detail", "instance"]) {
    assert(typeof problem[key] === "string" && problem[key] !== "", `a problem without ${key}`);
  }
  if (status === 401) assert(headers.has("www-authenticate"));
  if (status === 405) assert(headers.get("allow") !== "");
}

/** Reads a little, hears of a transition, goes; then all places must be free again. */
async function judgeStream(
  app: Hono<ApiEnv>,
  context: FakeContext,
  first: Response,
  stopping: Stopping,
): Promise<void> {
  const reader = first.body!.getReader();
  assert(new TextDecoder().decode((await reader.read()).value).startsWith("retry: "));
  context.emit(transition());
  await reader.read();
  await reader.cancel();
  const connection = { transport: "unix", stopping: stopping.signal } as const;
  const ask = async (): Promise<Response> => await app.request("/events", {}, connection);
  const crowd = await Promise.all(Array.from({ length: EVENT_LIMITS.clients }, ask));
  for (const { status } of crowd) assertEquals(status, 200, "a place was not given back");
  const oneMore = await ask();
  assertEquals(oneMore.status, 503);
  await judgeBody(oneMore, new Request("http://localhost/events"));
  for (const { body } of crowd) await body!.cancel();
}
