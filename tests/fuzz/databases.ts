/**
 * Hostile servers of databases, to the checks that log in to them: whatever they say, the check passes or
 * fails with a reason, soon, and nothing is thrown past it.
 */
import type { CheckContext, CheckType } from "../../checks/check.ts";
import { CheckFailed } from "../../checks/check.ts";
import type { Connection } from "../../checks/connection.ts";
import { haproxy } from "../../checks/haproxy.ts";
import { mysql } from "../../checks/mysql.ts";
import { postgres } from "../../checks/postgres.ts";
import { redis } from "../../checks/redis.ts";
import type { Random } from "../sim/random.ts";
import { smallerText } from "./smaller.ts";
import type { Target } from "./target.ts";

interface DatabaseCase {
  readonly type: string;
  /** What the server says, octets as characters; each part behind a `|` when it has heard something. */
  readonly text: string;
  /** Octets that one read delivers. */
  readonly piece: number;
}

/** A check and a session that passes. */
const SESSIONS: Readonly<{ [type: string]: readonly [CheckType, options: object, text: string] }> = {
  mysql: [mysql as CheckType, {}, mysqlSession()],
  postgres: [postgres as CheckType, { query: "SELECT 1", expect: 1 }, postgresSession()],
  redis: [redis as CheckType, { role: "primary", command: ["GET", "x"], expect: 1 }, redisSession()],
  haproxy: [haproxy as CheckType, { frontends: ["web"], backend: "app" }, haproxySession()],
};

const PUT = [
  "",
  "\0",
  "\xff",
  "\xff\xff\xff\xff",
  "\0\0\0\0",
  "\x7f\xff\xff\xff",
  "\xfb",
  "\xfe",
  "-1\r\n",
  "$",
  "*",
  '"',
];

export const databases: Target<DatabaseCase> = {
  count: 200_000,
  limitMs: 20_000,
  generate(random: Random): DatabaseCase {
    const type = random.pick(Object.keys(SESSIONS));
    let text = SESSIONS[type]![2];
    for (let n = random.pick([0, 1, 1, 1, 2, 4]); n > 0; n--) text = spoilt(random, text);
    return { type, text, piece: random.pick([1, 5, 64, 4_096]) };
  },
  async judge({ type, text, piece }): Promise<string> {
    const [check, options] = SESSIONS[type]!;
    const server = new Server(text, piece);
    const host = { connect: () => Promise.resolve(server) } as unknown as CheckContext["host"];
    const given = check.options.parse({ address: "127.0.0.1", ...options });
    try {
      await check.probe({ name: type, host }, given, server.signal);
      return `${type}: passes`;
    } catch (error) {
      if (error instanceof CheckFailed) return `${type}: ${server.signal.aborted ? "is aborted" : "fails"}`;
      throw error;
    } finally {
      // What a library does later happens now, and is this case's.
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  },
  *smaller({ type, text, piece }: DatabaseCase): Generator<DatabaseCase> {
    for (const less of smallerText(text)) yield { type, text: less, piece };
  },
  toRow: ({ type, text, piece }) => [type, text, String(piece)],
  fromRow: ([type = "", text = "", piece]) => ({ type, text, piece: Number(piece) }),
};

function spoilt(random: Random, text: string): string {
  const at = random.integer(0, text.length);
  const put = random.chance(0.5) ? random.pick(PUT) : String.fromCharCode(random.integer(0, 255));
  return text.slice(0, at) + put + text.slice(at + random.integer(0, 4));
}

/** Where both wait for the other, the check's time is over after so long. */
const patienceMs = 5;

/** Says a part whenever it has heard something, and hangs up after the last one. */
class Server implements Connection {
  readonly #timeout = new AbortController();
  readonly signal = this.#timeout.signal;
  readonly #parts: Uint8Array[];
  readonly #piece: number;
  #heard = 0;
  #isOpen = true;
  #wake: () => void = () => {};

  constructor(text: string, piece: number) {
    this.#parts = text.split("|").map((part) =>
      Uint8Array.from(part, (letter) => letter.charCodeAt(0) & 0xff)
    );
    this.#piece = piece;
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    for (;;) {
      if (!this.#isOpen) throw new Error("the socket was closed");
      const [part] = this.#parts;
      if (part === undefined) return null;
      if (part.length > 0) {
        const count = Math.min(part.length, buffer.length, this.#piece);
        buffer.set(part.subarray(0, count));
        this.#parts[0] = part.subarray(count);
        return count;
      }
      if (this.#heard > 0 || this.#parts.length === 1) {
        this.#heard--;
        this.#parts.shift();
        continue;
      }
      const timer = setTimeout(() => {
        this.#timeout.abort(new CheckFailed("no answer"));
        // As a connection of the host does by itself.
        this.close();
      }, patienceMs);
      await new Promise<void>((resolve) => this.#wake = resolve);
      clearTimeout(timer);
    }
  }

  write(bytes: Uint8Array): Promise<number> {
    this.#heard++;
    this.#wake();
    return this.#isOpen ? Promise.resolve(bytes.length) : Promise.reject(new Error("the socket was closed"));
  }

  close(): void {
    this.#isOpen = false;
    this.#wake();
  }

  closeWrite(): Promise<void> {
    this.#wake();
    return Promise.resolve();
  }

  setNoDelay(): void {}
}

/** The server speaks first: greeting, OK, the answer `0` in one column. */
function mysqlSession(): string {
  const packet = (number: number, body: string): string =>
    String.fromCharCode(body.length, 0, 0, number) + body;
  const text = (value: string): string => String.fromCharCode(value.length) + value;
  const greeting = "\x0a10.11.6\0\x01\0\0\0abcdefgh\0\xff\xf7\x21\x02\0\x08\0\x15" + "\0".repeat(10) +
    "abcdefghijkl\0mysql_native_password\0";
  const ok = "\0\0\0\x02\0\0\0";
  const eof = "\xfe\0\0\x02\0";
  const column = text("def") + text("") + text("") + text("") + text("x") + text("") +
    "\x0c\x3f\0\x04\0\0\0\x08\x02\0\0\0\0";
  return packet(0, greeting) + "|" + packet(2, ok) + "|" + packet(1, "\x01") + packet(2, column) +
    packet(3, eof) +
    packet(4, text("0")) + packet(5, eof) + "|";
}

function postgresSession(): string {
  const message = (type: string, body: string): string =>
    `${type}\0\0\0${String.fromCharCode(body.length + 4)}${body}`;
  const ready = message("Z", "I");
  const column = message("T", "\0\x01x\0" + "\0".repeat(18));
  const answer = (value: string): string =>
    column + message("D", `\0\x01\0\0\0\x01${value}`) + message("C", "SELECT 1\0") + ready;
  const settings = message("S", "server_version\x0015\0") + message("K", "\0\0\0\x01\0\0\0\x02");
  return "|" + message("R", "\0\0\0\0") + settings + ready + "|" + answer("f") + "|" + answer("1") + "|";
}

function redisSession(): string {
  const info = "# Replication\r\nrole:master\r\n";
  return `|+PONG\r\n|$${info.length}\r\n${info}\r\n|$1\r\n1\r\n|`;
}

function haproxySession(): string {
  const rows = ["web,FRONTEND,OPEN", 'app,a,"UP"', "app,BACKEND,UP"].join("\n");
  return `|Name: HAProxy\nVersion: 2.6.12\nStopping: 0\n\n# pxname,svname,status\n${rows}\n\n`;
}
