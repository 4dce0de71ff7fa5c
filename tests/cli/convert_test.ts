/** `vipd convert`: what it prints where, what it writes, and with which exit code it ends. */
import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { convert, type ConvertFiles } from "../../mod/cli/convert.ts";
import { UsageError } from "../../mod/errors.ts";
import { filesOf } from "../config/keepalived/files.ts";
import { type FakeIo, fakeIo } from "./fake_io.ts";

const GOOD = `vrrp_instance V {
  state MASTER
  interface eth0
  virtual_router_id 51
  priority 100
  virtual_ipaddress {
    192.0.2.10/24
  }
}
`;
const ROUTES = GOOD.replace("priority 100", "virtual_routes {\n10.0.0.0/8 via 192.0.2.1\n}");

interface Ran {
  readonly code: number;
  readonly io: FakeIo;
  readonly written: readonly (readonly [path: string, text: string])[];
}

/** `taken.toml` is there already. */
async function run(text: string, ...args: string[]): Promise<Ran> {
  const io = fakeIo();
  const written: [string, string][] = [];
  const files: ConvertFiles = {
    ...filesOf({ "k.conf": text }),
    write: (path, toml, replaces) => {
      if (path === "taken.toml" && !replaces) return Promise.reject(new Deno.errors.AlreadyExists(path));
      written.push([path, toml]);
      return Promise.resolve();
    },
  };
  return { code: await convert(["k.conf", ...args], io, undefined, files), io, written };
}

Deno.test("convert: the result goes to standard output, the report to standard error", async () => {
  const { code, io, written } = await run(GOOD);
  assertEquals([code, written], [0, []]);
  assertMatch(io.stdout.join("\n"), /^\[virtual_router\.V\]$/m);
  assertEquals(io.stderr, ["6 statements: 6 converted"]);
});

Deno.test("convert: -o writes a file, and replaces one only when told to", async () => {
  const { code, io, written } = await run(GOOD, "-o", "vipd.toml");
  assertEquals([code, io.stdout, written.map(([path]) => path)], [0, [], ["vipd.toml"]]);
  assertEquals(io.stderr.at(-1), "Written: vipd.toml. Next: vipd validate vipd.toml");

  const refused = await run(GOOD, "--output", "taken.toml");
  assertEquals([refused.code, refused.written], [1, []]);
  assertEquals(refused.io.stderr.at(-1), "vipd convert: taken.toml is there already: --force replaces it");
  assertEquals((await run(GOOD, "-o", "taken.toml", "--force")).written.length, 1);
});

Deno.test("convert: with something essential that cannot be converted nothing is written", async () => {
  const { code, io, written } = await run(ROUTES, "-o", "vipd.toml");
  assertEquals([code, io.stdout, written], [2, [], []]);
  assertEquals(io.stderr.slice(0, 2), [
    "Cannot be converted:",
    "  k.conf:5:3: virtual_routes: vipd moves no routes: let notify.active and notify.backup call `ip route`",
  ]);
});

Deno.test("convert: --partial leaves a comment where it would be", async () => {
  const { code, io } = await run(ROUTES, "--partial");
  assertEquals(code, 0);
  assertMatch(
    io.stdout.join("\n"),
    /^# NOT CONVERTED, k\.conf:5:3: virtual_routes: [^\[]*\[virtual_router\.V\]$/ms,
  );
});

Deno.test("convert: what not even --partial makes usable is not told to use --partial", async () => {
  const { code, io } = await run("vrrp_instance a {\n}\n", "--partial");
  assertEquals([code, io.stdout], [2, []]);
  assertEquals(io.stderr.at(-1), "Nothing is written: what --partial leaves is not usable.");
});

Deno.test("convert: --partial puts the comment above the table that it is about", async () => {
  const other = ROUTES.replace("V {", "W {").replace("51", "52").replace(".10/24", ".11/24");
  const { io } = await run(GOOD + other, "--partial");
  assertMatch(io.stdout.join("\n"), /^# NOT CONVERTED, k\.conf:14:3: [^\[]*\[virtual_router\.W\]$/ms);
});

Deno.test("convert: what vipd would not load is told where keepalived.conf says it", async () => {
  const twice = GOOD + GOOD.replace("V {", "W {").replace(".10/24", ".11/24");
  const { code, io } = await run(twice);
  assertEquals(code, 2);
  assertStringIncludes(
    io.stderr.join("\n"),
    "k.conf:10:1: virtual_router.W.vrid: IPv4 VRID 51 on eth0 is already",
  );
});

Deno.test("convert: a program that this host does not have is told, and no obstacle", async () => {
  const { code, io } = await run(GOOD.replace("priority 100", 'notify "/nowhere/notify.sh"'));
  assertEquals(code, 0);
  assertMatch(
    io.stderr.join("\n"),
    /k\.conf:1:1: virtual_router\.V\.notify\.any.*: on this host: .*\/nowhere/,
  );
});

Deno.test("convert: --mend puts lost line breaks back, and is offered where they are missed", async () => {
  const text = GOOD.replaceAll("\n", " ");
  const { code, io } = await run(text);
  assertEquals(code, 2);
  assertStringIncludes(io.stderr.at(-1)!, "--mend puts them back");
  assertEquals((await run(text, "--mend")).code, 0);
});

Deno.test("convert: --json holds all rows, the counts and the result", async () => {
  const { io } = await run(ROUTES, "--json");
  const report = JSON.parse(io.stdout.join("\n"));
  assertEquals([report.ok, report.toml, report.counts.refused], [false, null, 1]);
  assertEquals(report.rows.find(({ blocks }: { blocks: boolean }) => blocks).line, 5);
  assertEquals(io.stderr, []);
});

Deno.test("convert: --id chooses the lines of this instance", async () => {
  const text = GOOD.replace("  priority 100", "@a priority 7\n@b priority 8");
  assertStringIncludes((await run(text, "--id", "b")).io.stdout.join("\n"), "priority = 8");
});

Deno.test("convert: colour is for terminals, and what a file says moves no cursor", async () => {
  const io = fakeIo({}, true);
  const files = { ...filesOf({ k: "odd\x1b[2J\n" }), write: () => Promise.resolve() };
  await convert(["k"], io, undefined, files);
  assertStringIncludes(io.stderr[0]!, "\x1b[1;31mCannot be converted:");
  assertEquals(io.stderr[1], "  k:1:1: odd [2J: unknown; keepalived would pass over it");
});

Deno.test("convert: usage", async () => {
  await assertRejects(() => convert([], fakeIo()), UsageError, "Name the keepalived.conf");
  await assertRejects(() => convert(["k", "--fast"], fakeIo()), UsageError, 'Unknown option "--fast"');
  await assertRejects(() => convert(["k", "l"], fakeIo()), UsageError, 'Unexpected argument "l"');
});

Deno.test("convert: this host's files: read, written whole, kept from others", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const [from, to] = [`${directory}/k.conf`, `${directory}/vipd.toml`];
    await Deno.writeTextFile(from, `include ${directory}/conf.d/*.conf\n`);
    await Deno.mkdir(`${directory}/conf.d`);
    await Deno.writeTextFile(`${directory}/conf.d/v.conf`, GOOD);
    for (const force of [[], ["--force"]]) {
      assertEquals(await convert([from, "-o", to, ...force], fakeIo()), 0);
      assertStringIncludes(await Deno.readTextFile(to), "[virtual_router.V]");
      assertEquals((await Deno.stat(to)).mode! & 0o777, 0o640);
    }
    assertEquals(await convert([from, "-o", to], fakeIo()), 1);
    assertEquals(await convert([`${directory}/gone`], fakeIo()), 2);
    assertEquals([...Deno.readDirSync(directory)].length, 3);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
