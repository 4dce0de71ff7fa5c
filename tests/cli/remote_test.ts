/** `vipd status` and `vipd reload` against a real listener. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { createApi, serveApi } from "../../mod/api/mod.ts";
import { ClientError, connectApi } from "../../mod/cli/client.ts";
import { reload } from "../../mod/cli/reload.ts";
import { status } from "../../mod/cli/status.ts";
import { formatTransition, transitions } from "../../mod/cli/status_follow.ts";
import { renderStatus } from "../../mod/cli/status_view.ts";
import { type FakeContext, fakeContext, snapshot, transition } from "../api/fixture.ts";
import { fakeIo } from "./fake_io.ts";

const SILENT = { info: (): void => {}, error: (): void => {} };

interface Daemon {
  readonly socket: string;
  readonly url: string;
}

async function withDaemon(context: FakeContext, test: (daemon: Daemon) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "vipd-cli-" });
  const socket = `${directory}/vipd.sock`;
  const listens = [{ kind: "unix", path: socket }, { kind: "tcp", hostname: "127.0.0.1", port: 0 }] as const;
  const server = await serveApi(createApi(context), listens, SILENT);
  try {
    await test({ socket, url: server.addresses[1] ?? "" });
  } finally {
    await server.stop();
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("vipd status shows the snapshot over the socket and over TCP, as text and as JSON", async () => {
  await withDaemon(fakeContext(), async ({ socket, url }) => {
    for (const target of [["--socket", socket], ["--url", url], ["--url", `${url}/`]]) {
      const io = fakeIo();
      assertEquals(await status(target, io), 0);
      assertEquals(io.stdout, [renderStatus(snapshot(), { width: Infinity, color: false })]);
      const json = fakeIo();
      assertEquals(await status(["--json", ...target], json), 0);
      assertEquals(JSON.parse(json.stdout.join("\n")), snapshot());
    }
  });
});

Deno.test("vipd status says in one line why it cannot reach the daemon", async () => {
  const rows: [string[], string][] = [
    [
      ["--socket", "/nonexistent/vipd.sock"],
      "vipd: Cannot reach vipd at /nonexistent/vipd.sock: No such file or directory",
    ],
    [["--url", "http://127.0.0.1:9"], "vipd: Cannot reach vipd at http://127.0.0.1:9: Connection refused"],
  ];
  for (const [args, message] of rows) {
    const io = fakeIo();
    assertEquals([await status(args, io), io.stderr], [1, [message]]);
  }
});

Deno.test("who waits longer than usual says for how long it has waited", async () => {
  const gate = Promise.withResolvers<ReturnType<typeof snapshot>>();
  await withDaemon(fakeContext({ snapshot: () => gate.promise }), async ({ socket }) => {
    const client = await connectApi({ socket }, fakeIo());
    const asked = client.request("GET", "/status", { timeoutMs: 200 });
    await assertRejects(() => asked, ClientError, `${socket}: no answer within 0.2 s`);
    gate.resolve(snapshot());
    client.close();
  });
});

Deno.test("vipd status of a daemon of another version says so", async () => {
  const stranger = { ...snapshot(), more: 1 };
  await withDaemon(fakeContext({ snapshot: () => Promise.resolve(stranger) }), async ({ socket }) => {
    const io = fakeIo();
    assertEquals(await status(["--socket", socket], io), 1);
    assertStringIncludes(io.stderr[0] ?? "", "not of this version");
    assertEquals(await status(["--json", "--socket", socket], io), 0);
  });
});

Deno.test("vipd status --watch in a pipe prints a line for each transition", async () => {
  const context = fakeContext();
  await withDaemon(context, async ({ socket }) => {
    const client = await connectApi({ socket }, fakeIo());
    const events = transitions(client);
    const first = events.next();
    const emitting = setInterval(() => context.emit(transition()), 10);
    const { value } = await first;
    clearInterval(emitting);
    if (value === undefined) throw new Error("The stream ended");
    assertEquals(
      formatTransition(value),
      "2026-11-20T06:00:00.000Z virtual_router VI_1 BACKUP -> ACTIVE priority 100: no advertisement for 3.6 s",
    );
    await events.return();
    client.close();
  });
});

Deno.test("vipd reload prints the summary, over TCP with the token", async () => {
  await withDaemon(fakeContext(), async ({ socket, url }) => {
    const io = fakeIo({ "/token": "s3cret\n" });
    assertEquals(await reload(["--socket", socket], io), 0);
    assertEquals(await reload(["--url", url, "--token-file", "/token"], io), 0);
    assertEquals(io.stdout, ["1 virtual router unchanged", "1 virtual router unchanged"]);
    assertEquals(await reload(["--url", url], io), 1);
    assertEquals(io.stderr, [
      "vipd: vipd answered 401: This request needs the bearer token of api.token_file",
    ]);
  });
});

Deno.test("vipd reload prints every problem of a bad file and exits 2", async () => {
  const problems = [{
    file: "vipd.toml",
    line: 14,
    column: 12,
    path: "node.name",
    message: "expected text, got 300",
  }];
  await withDaemon(
    fakeContext({ reload: () => Promise.resolve({ ok: false, problems }) }),
    async ({ socket }) => {
      const io = fakeIo();
      assertEquals(await reload(["--socket", socket], io), 2);
      assertEquals(io.stderr, [
        "vipd.toml:14:12: node.name: expected text, got 300",
        "vipd: nothing was changed; the running configuration stays in force",
      ]);
    },
  );
});
