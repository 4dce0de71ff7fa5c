/** `vipd validate`: what it prints where, its exit code, and its JSON. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { validate } from "../../mod/cli/validate.ts";
import type { EnginesHere } from "../../mod/config/engines_here.ts";
import { UsageError } from "../../mod/errors.ts";
import type { Io } from "../../mod/cli/io.ts";
import { type FakeIo, fakeIo } from "./fake_io.ts";

interface Surroundings {
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly isTerminal?: boolean;
}

/** The shared fake with an environment. */
function surroundings({ files = {}, env = {}, isTerminal = false }: Surroundings = {}): FakeIo {
  return { ...fakeIo(files, isTerminal), env: (name: string) => env[name] } satisfies Io;
}

function host(priority: number, track = ""): string {
  return `[virtual_router.web]
interface = "eth0"
vrid = 51
priority = ${priority}
addresses = ["192.0.2.10/24"]
${track}`;
}

const NGINX = `[check.nginx]\ntype = "nginx"\n`;
const GOOD = host(100, `track = ["nginx"]\n${NGINX}`);
const WEAK = host(100, `track = [{ check = "nginx", weight = -5 }]\n${NGINX}`);

Deno.test("validate() says what a good file means", async () => {
  const io = surroundings({ files: { "vipd.toml": GOOD } });
  assertEquals(await validate(["vipd.toml"], io), 0);
  assertEquals(io.stdout, [
    "vipd.toml: fine",
    "  virtual router web: 192.0.2.10/24",
    "    VRRPv3 VRID 51 on eth0, priority 100, every 1s, multicast 224.0.0.18",
    "    tracks nginx (failing: FAULT)",
    "  check nginx: nginx every 2s (timeout 2s), up after 2, down after 1",
    "  api: 127.0.0.1:8112, unix:/run/vipd/vipd.sock",
  ]);
  assertEquals(io.stderr, []);
});

Deno.test("validate() tells every problem of every file and exits with 2", async () => {
  const files = { "a.toml": host(300), "b.toml": "colour = 1\n", "c.toml": GOOD };
  const io = surroundings({ files });
  assertEquals(await validate(["a.toml", "b.toml", "c.toml", "d.toml"], io), 2);
  assertEquals(io.stderr, [
    "a.toml:4:12: virtual_router.web.priority: expected a whole number 1..255, got 300",
    "a.toml: 1 problem",
    "b.toml:1:1: colour: unknown key",
    "b.toml: 1 problem",
    "d.toml: cannot read: no such file or directory",
    "d.toml: 1 problem",
  ]);
  assertEquals(io.stdout[0], "c.toml: fine");
});

Deno.test("validate() warns about one file, and compares two", async () => {
  const files = { "lb1.toml": WEAK, "lb2.toml": host(90) };
  const alone = surroundings({ files });
  assertEquals(await validate(["lb1.toml"], alone), 0);
  assertEquals(alone.stderr, [
    "lb1.toml:6:10: warning: virtual_router.web.track[0]: weight -5 moves the addresses only if a peer's priority is less " +
    'than 5 below; leave it out to make a failing nginx FAULT, or give "vipd validate" the peer\'s file too',
  ]);
  const both = surroundings({ files });
  assertEquals(await validate(["lb1.toml", "lb2.toml"], both), 0);
  assertEquals(both.stderr, [
    "lb1.toml:6:10: warning: virtual_router.web.track[0]: a failing nginx does not move the addresses: weight -5 leaves " +
    "priority 95, still above the 90 of lb2.toml; weight -11 would, or no weight (FAULT)",
  ]);
  assertEquals(both.stdout.filter((line) => line.includes("fine")), [
    "lb1.toml: fine, 1 warning",
    "lb2.toml: fine",
  ]);
});

Deno.test("validate() tells once what holds for both families, and nothing of a weight that is multiplied", async () => {
  const both = (text: string): string =>
    text.replace(/addresses = .*/, 'addresses = ["192.0.2.10/24", "2001:db8::10/64"]')
      .replace("track = [", 'track = [{ check = "load", weight = -1 },') +
    '[check.load]\ntype = "file"\npath = "/run/load"\nmultiply = true\n';
  const io = surroundings({
    files: { "lb1.toml": both(WEAK), "lb2.toml": both(host(90, "track = []\n")) },
  });
  assertEquals(await validate(["--any-host", "lb1.toml", "lb2.toml"], io), 0);
  assertEquals(io.stderr.map((line) => line.split(":").slice(4, 6).join(":")), [
    " virtual_router.web.track[1]: a failing nginx does not move the addresses",
  ]);
});

Deno.test("validate() warns about a token file that cannot be read here or is empty", async () => {
  const text = `${GOOD}[api]\nlisten = ["0.0.0.0:8112"]\ntoken_file = "/t"\n`;
  const missing = surroundings({ files: { "vipd.toml": text } });
  await validate(["vipd.toml"], missing);
  assertEquals(missing.stderr, [
    "vipd.toml:11:14: warning: api.token_file: cannot read /t here (NotFound)",
  ]);
  const empty = surroundings({ files: { "vipd.toml": text, "/t": "\n" } });
  await validate(["vipd.toml"], empty);
  assertEquals(empty.stderr, [
    "vipd.toml:11:14: warning: api.token_file: /t is empty: vipd does not start with less than 16",
  ]);
  const short = surroundings({ files: { "vipd.toml": text, "/t": "a password\n" } });
  await validate(["vipd.toml"], short);
  assertEquals(short.stderr, [
    "vipd.toml:11:14: warning: api.token_file: /t has only 10 characters: vipd does not start with less than 16",
  ]);
});

Deno.test("validate() refuses a program that is missing here, unless it is for any host", async () => {
  const text = `${
    host(100, `track = ["app"]`)
  }\n[check.app]\ntype = "exec"\ncommand = ["/no/such/program"]\n`;
  const io = surroundings({ files: { "vipd.toml": text } });
  assertEquals(await validate(["vipd.toml"], io), 2);
  assertEquals(io.stderr, [
    "vipd.toml:9:12: check.app.command[0]: /no does not exist",
    "vipd.toml: 1 problem",
  ]);
  const other = surroundings({ files: { "vipd.toml": text } });
  assertEquals(await validate(["vipd.toml", "--any-host"], other), 0);
  assertEquals(other.stderr, []);
});

Deno.test("validate() takes ${NAME} from the environment it is given and never shows it", async () => {
  const text = host(100, `version = 2\npassword = "\${PASS}"\n`);
  const io = surroundings({ files: { "vipd.toml": text }, env: { PASS: "much-too-long" } });
  assertEquals(await validate(["vipd.toml"], io), 2);
  assert(!io.stderr.join("\n").includes("much-too-long"));
});

Deno.test("validate --json prints one document with problems, warnings and meaning", async () => {
  const io = surroundings({ files: { "a.toml": host(300), "b.toml": GOOD } });
  assertEquals(await validate(["--json", "a.toml", "b.toml"], io), 2);
  assertEquals(io.stderr, []);
  const { ok, files } = JSON.parse(io.stdout.join("\n"));
  assertEquals(ok, false);
  assertEquals(files[0], {
    file: "a.toml",
    ok: false,
    errors: [{
      file: "a.toml",
      line: 4,
      column: 12,
      path: "virtual_router.web.priority",
      message: "expected a whole number 1..255, got 300",
    }],
    warnings: [],
    summary: [],
  });
  assertEquals([files[1].ok, files[1].summary.length], [true, 5]);
});

Deno.test("validate() colours only a terminal, and not with NO_COLOR", async () => {
  const colours = async (isTerminal: boolean, env: Record<string, string>): Promise<boolean> => {
    const io = surroundings({ files: { "vipd.toml": GOOD }, isTerminal, env });
    await validate(["vipd.toml"], io);
    return io.stdout.join("").includes("\x1b[");
  };
  assertEquals(await colours(true, {}), true);
  assertEquals(await colours(false, {}), false);
  assertEquals(await colours(true, { NO_COLOR: "1" }), false);
});

Deno.test("validate() wants a file and knows its options", async () => {
  for (const args of [[], ["--jsn", "a.toml"], ["--json"]]) {
    let thrown: unknown;
    try {
      await validate(args, surroundings());
    } catch (error) {
      thrown = error;
    }
    assert(thrown instanceof UsageError, args.join(" "));
  }
});

const POOL = `[virtual_server.pool]
address = "192.0.2.10:80"
check = { type = "tcp" }
[[virtual_server.pool.real_server]]
address = "192.0.2.21:80"
[[virtual_server.pool.real_server]]
address = "192.0.2.22:80"
`;

/** A host that has this in place of what `engine = "auto"` asks for. */
function having(engine: "ipvs" | "nftables" | { problem: string }): () => Promise<EnginesHere> {
  return () => Promise.resolve(new Map([["auto", engine]]));
}

Deno.test("validate() refuses virtual servers whose engine this host does not have", async () => {
  const none = having({
    problem: "no engine can carry it (ipvs: the kernel has no IPVS; nftables: there is no nft)",
  });
  const io = surroundings({ files: { "vipd.toml": POOL } });
  assertEquals(await validate(["vipd.toml"], io, undefined, none), 2);
  assertEquals(io.stderr, [
    "vipd.toml:1:2: virtual_server.pool.engine: " +
    "on this host no engine can carry it (ipvs: the kernel has no IPVS; nftables: there is no nft)",
    "vipd.toml: 1 problem",
  ]);
  assertEquals(await validate(["--any-host", "vipd.toml"], io, undefined, none), 0);
  assertEquals(await validate(["vipd.toml"], io, undefined, having("ipvs")), 0);
  assertEquals(await validate(["vipd.toml"], io, undefined, having("nftables")), 0);
});

Deno.test("validate() refuses what the engine of this host cannot do, each thing once", async () => {
  const text = POOL.replace("check", `forward = "tunnel"\nscheduler = "lblc"\ncheck`);
  const io = surroundings({ files: { "vipd.toml": text } });
  assertEquals(await validate(["vipd.toml"], io, undefined, having("nftables")), 2);
  const because = 'on this host engine "auto" is nftables, as it has no IPVS: engine "nftables" cannot';
  assertEquals(io.stderr, [
    `vipd.toml:3:11: virtual_server.pool.forward: ${because} forward by "tunnel" (ipvs can)`,
    `vipd.toml:4:13: virtual_server.pool.scheduler: ${because} schedule by lblc (ipvs can)`,
    "vipd.toml: 2 problems",
  ]);
  assertEquals(await validate(["vipd.toml"], io, undefined, having("ipvs")), 0);
});

Deno.test("validate() warns about a witness that would be this node itself", async () => {
  const witness = (address: string): string =>
    host(100, `track = ["gw"]\n[check.gw]\ntype = "gateway"\naddresses = ["192.0.2.1", "${address}"]\n`);
  const told = async (address: string): Promise<string> => {
    const io = surroundings({ files: { "vipd.toml": witness(address) } });
    await validate(["vipd.toml"], io);
    return io.stderr.join();
  };
  assertStringIncludes(await told("192.0.2.10"), "check.gw.addresses[1]: 192.0.2.10 is an address of");
  assertEquals(await told("192.0.2.11"), "");
});
