/** Who may do what: tokens, listeners, Host and Origin. */
import { assertEquals } from "@std/assert";
import { createApi } from "../../mod/api/mod.ts";
import type { Connection } from "../../mod/api/context.ts";
import { configureLogging } from "../../mod/log.ts";
import { fakeContext } from "./fixture.ts";

const LOOPBACK: Partial<Connection> = { transport: "tcp", loopback: true };
const OUTSIDE: Partial<Connection> = { transport: "tcp", loopback: false };
const UNIX: Partial<Connection> = { transport: "unix" };
const BEARER = "Bearer s3cret";
const BASIC = `Basic ${btoa("anyone:s3cret")}`;

interface Request {
  readonly via: Partial<Connection>;
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly token?: string | null;
}

async function statusOf(
  { via, method = "GET", path = "/status", headers = {}, token = "s3cret" }: Request,
): Promise<number> {
  const response = await createApi(fakeContext({ token: () => token })).request(
    path,
    { method, headers },
    via,
  );
  await response.body?.cancel();
  return response.status;
}

Deno.test("reads are open on loopback and on the unix socket, and need the token elsewhere", async () => {
  const rows: [Request, number][] = [
    [{ via: LOOPBACK }, 200],
    [{ via: UNIX }, 200],
    [{ via: OUTSIDE }, 401],
    [{ via: OUTSIDE, headers: { authorization: BEARER } }, 200],
    [{ via: OUTSIDE, headers: { authorization: "bearer  s3cret " } }, 200],
    [{ via: OUTSIDE, headers: { authorization: BASIC } }, 200],
    [{ via: OUTSIDE, headers: { authorization: "Bearer s3cre" } }, 401],
    [{ via: OUTSIDE, headers: { authorization: "Bearer s3cretx" } }, 401],
    [{ via: OUTSIDE, headers: { authorization: `Basic ${btoa("anyone:wrong")}` } }, 401],
    [{ via: OUTSIDE, headers: { authorization: "Basic ====" } }, 401],
    [{ via: OUTSIDE, headers: { authorization: "Basic YQ=b" } }, 401],
    [{ via: OUTSIDE, headers: { authorization: BEARER }, token: null }, 401],
    [{ via: OUTSIDE, headers: { authorization: "Bearer " }, token: "" }, 401],
    [{ via: OUTSIDE, headers: { authorization: `Basic ${btoa("anyone:")}` }, token: "" }, 401],
    [{ via: OUTSIDE, path: "/healthz" }, 200],
    [{ via: OUTSIDE, path: "/readyz" }, 200],
    [{ via: OUTSIDE, path: "/metrics" }, 401],
    [{ via: OUTSIDE, path: "/events" }, 401],
    [{ via: OUTSIDE, path: "/" }, 401],
  ];
  for (const [request, expected] of rows) {
    assertEquals(await statusOf(request), expected, JSON.stringify(request));
  }
});

Deno.test("POST needs the bearer token over TCP, never over the unix socket", async () => {
  const post = { method: "POST", path: "/reload" };
  const rows: [Request, number][] = [
    [{ ...post, via: UNIX }, 200],
    [{ ...post, via: UNIX, token: null }, 200],
    [{ ...post, via: LOOPBACK }, 401],
    [{ ...post, via: LOOPBACK, headers: { authorization: BEARER } }, 200],
    [{ ...post, via: LOOPBACK, headers: { authorization: BASIC } }, 401],
    [{ ...post, via: LOOPBACK, headers: { authorization: BEARER }, token: null }, 403],
    [{ ...post, via: OUTSIDE, headers: { authorization: BEARER } }, 200],
    [{ ...post, via: OUTSIDE, headers: { authorization: BASIC } }, 401],
    [{ ...post, via: OUTSIDE }, 401],
  ];
  for (const [request, expected] of rows) {
    assertEquals(await statusOf(request), expected, JSON.stringify(request));
  }
});

Deno.test("a refused token is answered with the schemes that would do", async () => {
  const app = createApi(fakeContext());
  const read = await app.request("/status", {}, OUTSIDE);
  const write = await app.request("/reload", { method: "POST" }, LOOPBACK);
  assertEquals(
    read.headers.get("www-authenticate"),
    'Bearer realm="vipd", Basic realm="vipd", charset="UTF-8"',
  );
  assertEquals(write.headers.get("www-authenticate"), 'Bearer realm="vipd"');
  assertEquals((await write.json()).type, "urn:vipd:problem:unauthorized");
});

Deno.test("a loopback listener answers to local names and literal addresses only", async () => {
  const local = [
    "localhost",
    "localhost:8112",
    "LOCALHOST",
    "vipd.localhost",
    "127.0.0.1:8112",
    "[::1]:8112",
    "10.0.0.1",
  ];
  const foreign = [
    "evil.example",
    "evil.example:8112",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "1.2.3",
    "",
    "a@b",
  ];
  for (const host of local) assertEquals(await statusOf({ via: LOOPBACK, headers: { host } }), 200, host);
  for (const host of foreign) assertEquals(await statusOf({ via: LOOPBACK, headers: { host } }), 421, host);
  assertEquals(await statusOf({ via: UNIX, headers: { host: "anything" } }), 200);
  const headers = { host: "lb1.example", authorization: BEARER };
  assertEquals(await statusOf({ via: OUTSIDE, headers }), 200);
});

Deno.test("POST from another origin is refused even with the token", async () => {
  const post = { via: LOOPBACK, method: "POST", path: "/reload" };
  const own = { host: "localhost:8112", authorization: BEARER };
  assertEquals(await statusOf({ ...post, headers: { ...own, origin: "http://localhost:8112" } }), 200);
  for (const origin of ["http://evil.example", "http://localhost:3000", "null"]) {
    assertEquals(await statusOf({ ...post, headers: { ...own, origin } }), 403, origin);
  }
});

Deno.test("refused requests are logged with their sender, once in a while", async () => {
  let text = "";
  const flush = configureLogging({ level: "info", format: "text" }, {
    write: (bytes) => {
      text += new TextDecoder().decode(bytes);
      return Promise.resolve();
    },
    isTerminal: true,
    isJournal: true,
  });
  const app = createApi(fakeContext());
  for (let i = 0; i < 5; i++) await app.request("/status", {}, { ...OUTSIDE, client: () => "10.0.0.9:1234" });
  await app.request("/status", {}, LOOPBACK);
  await flush();
  assertEquals(
    text,
    "<4>api request_refused GET /status status=401 client=10.0.0.9:1234 suppressed=0\n",
  );
});
