/** The listeners, for real: a TCP port and a unix socket. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { createApi, serveApi } from "../../mod/api/mod.ts";
import { isLoopback } from "../../mod/api/server.ts";
import type { Snapshot } from "../../mod/snapshot.ts";
import { fakeContext, snapshot } from "./fixture.ts";

const SILENT = { info: (): void => {}, error: (): void => {} };
const ANY_PORT = { kind: "tcp", hostname: "127.0.0.1", port: 0 } as const;

async function withSocketPath(test: (path: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "vipd-api-" });
  try {
    await test(`${directory}/vipd.sock`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function post(path: string): Promise<number> {
  using client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
  const response = await fetch("http://localhost/reload", { method: "POST", client });
  await response.body?.cancel();
  return response.status;
}

Deno.test("serveApi() serves TCP: open reads, guarded writes, checked Host", async () => {
  const server = await serveApi(createApi(fakeContext()), [ANY_PORT], SILENT);
  const [base] = server.addresses;
  try {
    using client = Deno.createHttpClient({ allowHost: true });
    assertEquals(await (await fetch(`${base}/status`, { client })).json(), snapshot());
    const write = await fetch(`${base}/reload`, { method: "POST", client });
    assertEquals((await write.json()).status, 401);
    const foreign = await fetch(`${base}/status`, { headers: { host: "evil.example" }, client });
    assertEquals((await foreign.json()).status, 421);
  } finally {
    await server.stop();
  }
});

Deno.test("serveApi() serves a unix socket that only owner and group may open", async () => {
  await withSocketPath(async (path) => {
    const server = await serveApi(
      createApi(fakeContext({ token: () => null })),
      [{ kind: "unix", path }],
      SILENT,
    );
    assertEquals(server.addresses, [`unix:${path}`]);
    assertEquals((await Deno.lstat(path)).mode! & 0o777, 0o660);
    assertEquals(await post(path), 200);
    await server.stop();
    await assertRejects(() => Deno.lstat(path), Deno.errors.NotFound);
  });
});

Deno.test("serveApi() replaces a dead socket, and nothing else", async () => {
  await withSocketPath(async (path) => {
    const app = createApi(fakeContext());
    const listens = [{ kind: "unix", path }] as const;
    await leaveDeadSocket(path);
    const server = await serveApi(app, listens, SILENT);
    assertEquals(await post(path), 200);

    await assertRejects(() => serveApi(app, listens, SILENT), Error, "another process is listening there");
    assertEquals(await post(path), 200);
    await server.stop();

    await Deno.writeTextFile(path, "precious");
    await assertRejects(
      () => serveApi(app, listens, SILENT),
      Error,
      "a file that is no socket is in the way",
    );
    assertEquals(await Deno.readTextFile(path), "precious");
  });
});

/** A process killed with -9 leaves its socket behind. */
async function leaveDeadSocket(path: string): Promise<void> {
  const code = `Deno.listen({ transport: "unix", path: ${
    JSON.stringify(path)
  } }); Deno.kill(Deno.pid, "SIGKILL");`;
  await new Deno.Command(Deno.execPath(), { args: ["eval", code] }).output();
  assert((await Deno.lstat(path)).isSocket);
}

Deno.test("serveApi() opens all listeners or none, and says which failed", async () => {
  await withSocketPath(async (path) => {
    const app = createApi(fakeContext());
    const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = taken.addr;
    const listens = [{ kind: "unix", path }, { kind: "tcp", hostname: "127.0.0.1", port }] as const;
    const failure = await assertRejects(() => serveApi(app, listens, SILENT), Error);
    taken.close();
    assertStringIncludes(failure.message, `Cannot listen on 127.0.0.1:${port}: Address already in use`);
    await assertRejects(() => Deno.lstat(path), Deno.errors.NotFound);
  });
});

Deno.test("stop() does not wait for event streams", async () => {
  const server = await serveApi(createApi(fakeContext()), [ANY_PORT], SILENT);
  const response = await fetch(`${server.addresses[0]}/events`);
  const before = performance.now();
  await server.stop();
  assert(performance.now() - before < 5_000);
  assertStringIncludes(await response.text(), ": connected");
});

Deno.test("stop() waits a moment for a request in flight, and not for ever", async () => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Snapshot>();
  const slow = (): Promise<Snapshot> => {
    asked.resolve();
    return answer.promise;
  };
  const server = await serveApi(createApi(fakeContext({ snapshot: slow })), [ANY_PORT], SILENT);
  const response = fetch(`${server.addresses[0]}/status`);
  await asked.promise;
  const before = performance.now();
  await server.stop();
  const took = performance.now() - before;
  assert(took > 400 && took < 20_000, `${took} ms`);
  await assertRejects(() => fetch(`${server.addresses[0]}/status`), TypeError, "refused");
  answer.resolve(snapshot());
  assertEquals(await (await response).json(), snapshot());
});

Deno.test("isLoopback() knows what only this machine can reach", () => {
  for (const name of ["127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost"]) assert(isLoopback(name), name);
  for (const name of ["0.0.0.0", "::", "10.0.0.1", "lb1", "127.0.0.1.example"]) {
    assert(!isLoopback(name), name);
  }
});
