/** main.ts as a process: exit codes, streams, signals. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

const ROOT = new URL("../../", import.meta.url);

async function vipd(args: string[], env: Record<string, string> = {}): Promise<[number, string, string]> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "main.ts", ...args],
    cwd: ROOT,
    env,
  });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return [code, decoder.decode(stdout), decoder.decode(stderr)];
}

Deno.test("main.ts gives answers to stdout, complaints to stderr, and exit codes", async () => {
  const [code, out, err] = await vipd(["version"]);
  assertEquals([code, err], [0, ""]);
  assertMatch(out, /^vipd \d+\.\d+\.\d+ \(deno .*\)\n$/);
  const [wrong, nothing, complaint] = await vipd(["statsu"]);
  assertEquals([wrong, nothing], [2, ""]);
  assertStringIncludes(complaint, 'did you mean "status"?');
});

Deno.test("main.ts status reaches the daemon directly, whatever proxy the environment names", async () => {
  const proxy = "http://127.0.0.1:9";
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    () => new Response('{"direct":true}'),
  );
  const url = `http://127.0.0.1:${server.addr.port}`;
  const [code, out] = await vipd(["status", "--json", "--url", url], {
    http_proxy: proxy,
    HTTP_PROXY: proxy,
  });
  await server.shutdown();
  assertEquals([code, JSON.parse(out)], [0, { direct: true }]);
});

Deno.test("main.ts stays a table of contents", async () => {
  const text = await Deno.readTextFile(new URL("main.ts", ROOT));
  assert(text.split("\n").length <= 80);
});
