/** `/events`: messages, replay, and the bounds on clients and bytes. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { EVENT_LIMITS, eventRoutes } from "../../mod/api/events.ts";
import { createApi } from "../../mod/api/mod.ts";
import { fakeContext, transition } from "./fixture.ts";

type Reader = ReadableStreamDefaultReader<Uint8Array>;

function readerOf(response: Response): Reader {
  assertEquals(response.headers.get("content-type"), "text/event-stream");
  const { body } = response;
  if (body === null) throw new Error("No body");
  return body.getReader();
}

async function next(reader: Reader): Promise<string> {
  return new TextDecoder().decode((await reader.read()).value);
}

Deno.test("GET /events tells every client of every transition, numbered", async () => {
  const context = fakeContext();
  const app = createApi(context);
  const readers = [readerOf(await app.request("/events")), readerOf(await app.request("/events"))];
  for (const reader of readers) assertEquals(await next(reader), "retry: 1000\n: connected\n\n");
  context.emit(transition());
  context.emit(transition({ name: "VI_2" }));
  for (const reader of readers) {
    const [first, second] = [await next(reader), await next(reader)];
    assertMatch(first, /^id: \w+-1\nevent: transition\ndata: \{.*"name":"VI_1".*\}\n\n$/);
    assertMatch(second, /^id: \w+-2\nevent: transition\ndata: \{.*"name":"VI_2".*\}\n\n$/);
    assertEquals(JSON.parse(first.split("data: ")[1] ?? ""), transition());
    await reader.cancel();
  }
});

Deno.test("GET /events replays what a returning client missed, of this process only", async () => {
  const context = fakeContext();
  const app = createApi(context);
  for (const name of ["a", "b", "c"]) context.emit(transition({ name }));
  const reader = readerOf(await app.request("/events"));
  await next(reader);
  context.emit(transition({ name: "d" }));
  const epoch = (await next(reader)).match(/^id: (\w+)-4/)?.[1];
  await reader.cancel();

  const returning = readerOf(await app.request("/events", { headers: { "last-event-id": `${epoch}-2` } }));
  await next(returning);
  assertMatch(await next(returning), /"name":"c"/);
  assertMatch(await next(returning), /"name":"d"/);
  await returning.cancel();

  const stranger = readerOf(await app.request("/events", { headers: { "last-event-id": "other-1" } }));
  await next(stranger);
  context.emit(transition({ name: "e" }));
  assertMatch(await next(stranger), /"name":"e"/);
  await stranger.cancel();
});

Deno.test("GET /events drops a client that does not read, and nobody else", async () => {
  const context = fakeContext();
  const app = eventRoutes(context.subscribe, { ...EVENT_LIMITS, bufferedBytes: 2000 });
  const slow = readerOf(await app.request("/"));
  const good = readerOf(await app.request("/"));
  await next(good);
  for (let i = 0; i < 20; i++) {
    context.emit(transition({ name: `VI_${i}` }));
    assertMatch(await next(good), new RegExp(`"name":"VI_${i}"`));
  }
  await assertRejects(
    async () => {
      for (let i = 0; i < 30; i++) await slow.read();
    },
    Error,
    "reads too slowly",
  );
  await good.cancel();
});

Deno.test("GET /events waits for the stop only as long as the client is there", async () => {
  const context = fakeContext();
  const app = eventRoutes(context.subscribe, { ...EVENT_LIMITS, bufferedBytes: 500 });
  const { signal } = new AbortController();
  const waiting = new Set<unknown>();
  signal.addEventListener = (_: string, listener: unknown): void => void waiting.add(listener);
  signal.removeEventListener = (_: string, listener: unknown): void => void waiting.delete(listener);
  const open = async (): Promise<Reader> => readerOf(await app.request("/", {}, { stopping: signal }));
  await (await open()).cancel();
  const slow = await open();
  assertEquals(waiting.size, 1);
  for (let i = 0; i < 10; i++) context.emit(transition());
  await assertRejects(() => slow.read(), Error, "reads too slowly");
  assertEquals(waiting.size, 0);
});

Deno.test("GET /events takes a bounded number of clients and frees the place of one that leaves", async () => {
  const app = eventRoutes(fakeContext().subscribe, { ...EVENT_LIMITS, clients: 2 });
  const readers = [readerOf(await app.request("/")), readerOf(await app.request("/"))];
  const refused = await app.request("/");
  assertEquals([refused.status, refused.headers.get("retry-after")], [503, "5"]);
  await refused.body?.cancel();
  await readers[0]?.cancel();
  const third = readerOf(await app.request("/"));
  await third.cancel();
  await readers[1]?.cancel();
});

Deno.test("HEAD /events takes no client's place", async () => {
  const app = createApi(fakeContext());
  for (let i = 0; i <= EVENT_LIMITS.clients; i++) {
    assertEquals((await app.request("/events", { method: "HEAD" })).status, 200);
  }
  const reader = readerOf(await app.request("/events"));
  await reader.cancel();
});

Deno.test("GET /events sends heartbeats and ends when the listener stops", async () => {
  const stopping = new AbortController();
  const app = eventRoutes(fakeContext().subscribe, { ...EVENT_LIMITS, heartbeatMs: 10 });
  const reader = readerOf(await app.request("/", {}, { stopping: stopping.signal }));
  await next(reader);
  assertEquals(await next(reader), ": heartbeat\n\n");
  stopping.abort();
  for (let i = 0; i < 10; i++) if ((await reader.read()).done) return;
  throw new Error("The stream goes on");
});
