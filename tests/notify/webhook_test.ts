/** Receivers that answer, refuse, hang, ask for patience: a real HTTP server on loopback. */
import { assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import type { WebhookConfig } from "../../mod/config/notify.ts";
import { retryAfterMs, Webhook, withoutSecrets } from "../../mod/notify/webhook.ts";
import { waitFor } from "../e2e/lab/wait.ts";

type Answer = (request: Request, attempt: number) => Response | Promise<Response>;

async function withReceiver(
  answer: Answer,
  work: (url: string, heard: { headers: Headers; body: string }[]) => Promise<void>,
): Promise<void> {
  const heard: { headers: Headers; body: string }[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
    async (request) => {
      heard.push({ headers: request.headers, body: await request.text() });
      return await answer(request, heard.length);
    },
  );
  try {
    await work(`http://127.0.0.1:${server.addr.port}/s3cret-path?token=abc`, heard);
  } finally {
    await server.shutdown();
  }
}

function webhook(url: string, changes: Partial<WebhookConfig> = {}): Webhook {
  const config = { url, events: [], headers: {}, timeout: 10_000, attempts: 3, ...changes };
  return new Webhook(config, { fetch, random: () => 0, version: "1.2.3" });
}

function ok(): Response {
  return new Response("thanks");
}

Deno.test("each event is one POST of JSON, in order, with the headers and the token of the moment", async () => {
  const token_file = await Deno.makeTempFile();
  await Deno.writeTextFile(token_file, "t0ken\n");
  await withReceiver(ok, async (url, heard) => {
    const one = webhook(url, { headers: { "X-Team": "net" }, token_file });
    for (const body of ["1", "2", "3"]) one.tell(Promise.resolve(body));
    await waitFor("all", () => one.status().delivered === 3, 10_000);
    assertEquals(heard.map(({ body }) => body), ["1", "2", "3"]);
    const { headers } = heard[0]!;
    const names = ["content-type", "authorization", "x-team", "user-agent"];
    const values = ["application/json", "Bearer t0ken", "net", "vipd/1.2.3"];
    assertEquals(names.map((name) => headers.get(name)), values);
    await one.stop(1_000);
  });
  await Deno.remove(token_file);
});

Deno.test("a receiver that fails is tried again, the same event first", async () => {
  const answer: Answer = (_, attempt) => attempt < 3 ? new Response(null, { status: 503 }) : ok();
  await withReceiver(answer, async (url, heard) => {
    const one = webhook(url);
    one.tell(Promise.resolve("1"));
    one.tell(Promise.resolve("2"));
    await waitFor("a failure", () => one.status().last_problem === "answered 503", 10_000);
    await waitFor("both", () => one.status().delivered === 2, 15_000);
    assertEquals(heard.map(({ body }) => body), ["1", "1", "1", "2"]);
    assertEquals(one.status().last_problem, null);
    await one.stop(1_000);
  });
});

Deno.test("429 waits as long as it is told to; another 4xx and a redirect are not tried again", async () => {
  const answers = [
    new Response(null, { status: 429, headers: { "retry-after": "0" } }),
    ok(),
    new Response(null, { status: 410 }),
    new Response(null, { status: 302, headers: { location: "http://192.0.2.1/" } }),
  ];
  await withReceiver((_, attempt) => answers[attempt - 1]!, async (url, heard) => {
    const one = webhook(url);
    for (const body of ["1", "2", "3"]) one.tell(Promise.resolve(body));
    await waitFor("all", () => one.status().queued === 0, 10_000);
    assertEquals(heard.map(({ body }) => body), ["1", "1", "2", "3"]);
    const { delivered, failed, last_problem } = one.status();
    assertEquals([delivered, failed, last_problem], [1, 2, "answered 302: give the URL that it leads to"]);
    await one.stop(1_000);
  });
});

Deno.test("a receiver that hangs costs its time and no more, also at the end", async () => {
  const gate = Promise.withResolvers<void>();
  await withReceiver(() => gate.promise.then(ok), async (url) => {
    const slow = webhook(url, { timeout: 100, attempts: 1 });
    slow.tell(Promise.resolve("1"));
    await waitFor("the end", () => slow.status().failed === 1, 10_000);
    assertEquals(slow.status().last_problem, "no answer within 100 ms");
    const patient = webhook(url, { timeout: 60_000 });
    patient.tell(Promise.resolve("1"));
    await patient.stop(50);
    assertEquals(patient.status().failed, 1);
    await slow.stop(50);
    gate.resolve();
  });
});

Deno.test("nobody sees more of a URL than where it leads to", async () => {
  const secret = "http://user:pass@127.0.0.1:1/s3cret-path?token=abc";
  assertEquals(withoutSecrets(secret), "http://127.0.0.1:1/…");
  assertEquals(withoutSecrets("https://example.org/"), "https://example.org");
  const one = webhook("http://127.0.0.1:1/s3cret-path?token=abc", { attempts: 1 });
  one.tell(Promise.resolve("1"));
  await waitFor("the end", () => one.status().failed === 1, 10_000);
  assertMatch(one.status().last_problem!, /refused/i);
  assertNotMatch(JSON.stringify(one.status()), /s3cret|abc/);
  await one.stop(50);
});

Deno.test("what is not delivered goes to the next program", async () => {
  const one = webhook("http://127.0.0.1:1/", { attempts: 9 });
  one.tell(Promise.resolve("1"));
  one.tell(Promise.resolve("2"));
  await waitFor("a failure", () => one.status().last_problem !== null, 10_000);
  await one.suspend();
  assertEquals(one.waiting, ["1", "2"]);
});

Deno.test("Retry-After is seconds or a date", () => {
  const now = Date.parse("2026-11-20T12:00:00Z");
  assertEquals(retryAfterMs("120", now), 120_000);
  assertEquals(retryAfterMs("Fri, 20 Nov 2026 12:00:30 GMT", now), 30_000);
  assertEquals(retryAfterMs("Fri, 20 Nov 2026 11:00:00 GMT", now), 0);
  assertEquals([retryAfterMs(null, now), retryAfterMs("soon", now)], [null, null]);
});
