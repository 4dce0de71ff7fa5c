/** The checks of databases against servers that are none: every answer is a failure, and breaks nothing. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { judgeAnswer } from "../../checks/answer.ts";
import type { CheckType } from "../../checks/check.ts";
import { mysql } from "../../checks/mysql.ts";
import { postgres } from "../../checks/postgres.ts";
import { redis } from "../../checks/redis.ts";
import { Peer } from "./peer.ts";
import { verdict } from "./verdict.ts";

/** A login that the server may not want; no failure may tell it. */
const SECRET = "hunter2secret";
const login = { username: "probe", password: SECRET };

/** It speaks first: seven octets of a header and a text are its error packet. */
const mysqlError = "\x17\x00\x00\x00\xff\x10\x04Too many connections";
const hostile = [
  "",
  "\0",
  "\r\n",
  "\xff".repeat(100),
  "\0".repeat(70_000),
  "E\0\0\0\x04",
  "R\0\0\0\x08\0\0\0\x0a",
];

/** Answers once, when it has heard something or at once, and hangs up. */
async function asked(
  check: CheckType,
  answer: string,
  options: Record<string, unknown> = {},
): Promise<string> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    using connection = await listener.accept();
    if (check.type !== "mysql") await connection.read(new Uint8Array(4096));
    const bytes = Uint8Array.from(answer, (letter) => letter.charCodeAt(0));
    for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
  })().catch((error) => {
    // The client has heard enough.
    if (!(error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe)) {
      throw error;
    }
  });
  const address = `127.0.0.1:${listener.addr.port}`;
  const said = await verdict(check, { address, ...login, ...options }, {
    signal: AbortSignal.timeout(3_000),
  });
  await serving;
  return said;
}

for (const check of [mysql, postgres, redis] as const) {
  Deno.test(`${check.type}: a server that is none fails, hangs up or not, and hears no secret back`, async () => {
    for (const answer of hostile) {
      const said = await asked(check as CheckType, answer);
      assert(!said.startsWith("pass"), `${JSON.stringify(answer.slice(0, 20))}: ${said}`);
      assert(!said.includes(SECRET), said);
    }
  });

  Deno.test(`${check.type}: TLS that the server does not speak`, async () => {
    const said = await asked(check as CheckType, "N", { tls: { server_name: "db.example.com" } });
    assert(!said.startsWith("pass"), said);
  });

  Deno.test(`${check.type}: a password that cannot be read, one that is too long, two of them`, async () => {
    const none = { address: "127.0.0.1:1", password_file: "/no/such/file" };
    assertStringIncludes(await verdict(check as CheckType, none), "cannot read /no/such/file: no such file");
    const path = await Deno.makeTempFile();
    await Deno.writeTextFile(path, "x".repeat(5_000));
    const long = { address: "127.0.0.1:1", password_file: path };
    assertEquals(await verdict(check as CheckType, long), `${path} holds more than a password`);
    await Deno.remove(path);
    assert(!check.options.safeParse({ ...none, password: "x" }).success);
  });
}

Deno.test("databases: a real server's address and port, and its usual port where it has every port", async () => {
  for (const [check, usual] of [[mysql, 3306], [postgres, 5432], [redis, 6379]] as const) {
    for (const [port, expected] of [[1, 1], [0, usual]]) {
      const said = await verdict(check as CheckType, {}, {
        target: { address: "127.99.99.99", port: port ?? 0 },
      });
      assertEquals(said, `cannot connect to 127.99.99.99:${expected}: connection refused`);
    }
  }
});

Deno.test("mysql: the server's own words", async () => {
  assertEquals(await asked(mysql as CheckType, mysqlError), "too many connections");
});

Deno.test("mysql: an address is no name of a certificate", async () => {
  const options = { address: "127.0.0.1:1", tls: {} };
  assertEquals(
    await verdict(mysql as CheckType, options),
    "the certificate's name cannot be verified for the address 127.0.0.1: give tls.server_name",
  );
});

Deno.test("postgres: TLS is asked for before anything else is said", async () => {
  await using peer = new Peer("N");
  const said = await verdict(postgres as CheckType, { address: `127.0.0.1:${peer.port}`, tls: {}, ...login });
  assertEquals(said, "the server does not speak TLS");
  assertEquals(peer.requests.map((text) => text.length), [8]);
});

Deno.test("redis: while it loads, and what it is told", async () => {
  await using peer = new Peer("-LOADING Redis is loading the dataset in memory\r\n");
  const address = `127.0.0.1:${peer.port}`;
  assertEquals(
    await verdict(redis as CheckType, { address }),
    "PING: LOADING Redis is loading the dataset in memory",
  );
  assertEquals(
    await asked(redis as CheckType, "HTTP/1.1 400 Bad Request\r\n"),
    "the server does not speak Redis's protocol",
  );
});

const replication = (lines: string): string => `$${lines.length}\r\n${lines}\r\n`;

const roles: [name: string, info: string, options: Record<string, unknown>, verdict: string][] = [
  ["a primary", "role:master\r\n", { role: "primary" }, "pass: primary"],
  [
    "a primary where a replica is wanted",
    "role:master\r\n",
    { role: "replica" },
    "the server is a primary, expected a replica",
  ],
  ["a primary has no lag", "role:master\r\n", { max_lag: "5s" }, "pass: primary"],
  [
    "a replica in step",
    "role:slave\r\nmaster_link_status:up\r\nmaster_last_io_seconds_ago:3\r\n",
    { role: "replica", max_lag: "5s" },
    "pass: the replica heard from its primary 3 s ago",
  ],
  [
    "a replica behind",
    "role:slave\r\nmaster_link_status:up\r\nmaster_last_io_seconds_ago:9\r\n",
    { max_lag: "5s" },
    "the replica heard from its primary 9 s ago, expected at most 5 s",
  ],
  [
    "no link",
    "role:slave\r\nmaster_link_status:down\r\n",
    { max_lag: "5s" },
    "the replica has no link to its primary",
  ],
  [
    "never heard",
    "role:slave\r\nmaster_link_status:up\r\nmaster_last_io_seconds_ago:-1\r\n",
    { max_lag: "5s" },
    "the replica has not heard from its primary yet",
  ],
  ["nonsense", "hello", { role: "primary" }, "INFO does not tell the server's role"],
];

for (const [name, info, options, expected] of roles) {
  Deno.test(`redis: ${name}`, async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const serving = (async () => {
      using connection = await listener.accept();
      const buffer = new Uint8Array(1000);
      while (await connection.read(buffer) !== null) {
        const heard = new TextDecoder().decode(buffer);
        await connection.write(
          new TextEncoder().encode(
            heard.includes("info") || heard.includes("INFO") ? replication(info) : "+PONG\r\n",
          ),
        );
        buffer.fill(0);
      }
    })();
    assertEquals(
      await verdict(redis as CheckType, { address: `127.0.0.1:${listener.addr.port}`, ...options }),
      expected,
    );
    await serving;
  });
}

const answers: [rows: unknown[][], expected: Parameters<typeof judgeAnswer>[1], said: string | RegExp][] = [
  [[["1"]], undefined, 'the query says "1"'],
  [[], undefined, "the query says nothing: there is no row"],
  [[], 1, /nothing: there is no row, expected 1$/],
  [[["wsrep_local_state", "4"]], 4, 'the query says "4"'],
  [[["4.0"]], 4, 'the query says "4.0"'],
  [[["2"]], [4, 2], 'the query says "2"'],
  [[["5"]], [4, "2"], /says "5", expected 4 or "2"$/],
  [[["t"]], true, 'the query says "t"'],
  [[["1"]], false, /says "1", expected false$/],
  [[[null]], "NULL", /says NULL, expected "NULL"$/],
  [[[null]], 0, /says NULL, expected 0$/],
  [[[""]], 0, /says "", expected 0$/],
  [[["x".repeat(200)]], "y", /says "x{80}…", expected "y"$/],
];

Deno.test("what a query must say", () => {
  for (const [rows, expected, said] of answers) {
    let result: string;
    try {
      result = judgeAnswer(rows, expected);
      assertEquals(typeof said, "string", result);
    } catch (error) {
      result = error instanceof Error ? error.message : "";
      assertEquals(typeof said, "object", result);
    }
    assert(typeof said === "string" ? said === result : said.test(result), result);
  }
});
