/**
 * Answers of a hostile web server to the HTTP check: read to a bound, understood the same in whatever pieces
 * they come, and refused as a failed check and nothing else.
 */
import { assert, assertEquals } from "@std/assert";
import { CheckFailed } from "../../checks/check.ts";
import type { Stream } from "../../checks/connection.ts";
import { bodyLimit, headLimit, readAnswer } from "../../checks/http_message.ts";
import type { Random } from "../sim/random.ts";
import { smallerText } from "./smaller.ts";
import type { Target } from "./target.ts";

export interface AnswerCase {
  readonly method: "GET" | "HEAD";
  /** Octets as characters; what stands behind `…` the server says again and again. */
  readonly text: string;
  /** Octets that one read delivers. */
  readonly piece: number;
}

const HEADS = [
  "HTTP/1.1 200 OK\r\n",
  "HTTP/1.0 200\r\n",
  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n",
  "HTTP/1.1 204 No Content\r\n",
  "HTTP/1.1 304 \r\n",
  "HTTP/1.1 999 X\r\n",
  "HTTP/1.1 101 Switching\r\n",
  "HTTP/2 200\r\n",
  "ICY 200 OK\r\n",
];
const LINES = [
  "Content-Length: 5\r\n",
  "Content-Length: 5\r\nContent-Length: 5\r\n",
  "Content-Length: 999999999999999\r\n",
  "Content-Length: -1\r\n",
  "Content-Length: +5\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding: gzip, chunked\r\n",
  "Server: a\r\n",
  ": x\r\n",
  "X\0: y\r\n",
  "X: \xff\r\n",
  " folded\r\n",
  "Location: /\r\n",
];
const BODIES = [
  "hello",
  "5\r\nhello\r\n0\r\n\r\n",
  "5;a=b\r\nhello\r\n0\r\n",
  "1\r\nx\r\n2\r\nyz\r\n0\r\n\r\n",
  "ffffffffffff\r\nx",
  "fffffffffffff\r\nx",
  "-1\r\nx\r\n",
  "5\r\nhelloX0\r\n",
  "\r\n\r\n",
];
/** What a server may say for ever. */
const ENDLESS = [
  "…x",
  "…\r\n",
  "…1\r\nx\r\n",
  "…HTTP/1.1 100 Continue\r\n\r\n",
  "…X: y\r\n",
  "…\0",
];

export const answers: Target<AnswerCase> = {
  count: 1_000_000,
  // A megabyte in chunks of one octet, twice: a second or two on a machine that has nothing else to do.
  limitMs: 60_000,
  generate(random: Random): AnswerCase {
    const lines = Array.from({ length: random.integer(0, 3) }, () => random.pick(LINES)).join("");
    let text = `${random.pick(HEADS)}${lines}\r\n${random.pick(BODIES)}`;
    for (let n = random.pick([0, 1, 1, 2, 4]); n > 0; n--) text = spoilt(random, text);
    if (random.chance(0.01)) text = text.slice(0, random.integer(0, text.length)) + random.pick(ENDLESS);
    return { method: random.pick(["GET", "GET", "HEAD"]), text, piece: random.pick([1, 2, 3, 7, 64, 4_096]) };
  },
  async judge({ method, text, piece }): Promise<string> {
    const outcome = await outcomeOf(text, method, text.includes("…") ? 4_096 : piece);
    assertEquals(await outcomeOf(text, method, 1_000), outcome, "it depends on the pieces");
    return outcome.replace(/[:;].*/s, "");
  },
  *smaller({ method, text, piece }: AnswerCase): Generator<AnswerCase> {
    for (const less of smallerText(text)) yield { method, text: less, piece };
  },
  toRow: ({ method, text, piece }) => [method, text, String(piece)],
  fromRow: ([method, text = "", piece]) => ({
    method: method === "HEAD" ? "HEAD" : "GET",
    text,
    piece: Number(piece),
  }),
};

function spoilt(random: Random, text: string): string {
  const at = random.integer(0, text.length);
  const put = random.pick([
    "",
    "\r",
    "\n",
    "\r\n",
    "\0",
    ":",
    "0",
    "f",
    " ",
    String.fromCharCode(random.integer(0, 255)),
  ]);
  return text.slice(0, at) + put + text.slice(at + random.integer(0, 2));
}

async function outcomeOf(text: string, method: string, piece: number): Promise<string> {
  try {
    const { status, body, cut } = await readAnswer(server(text, piece), method);
    assert(status >= 200 && status <= 999 && body.length <= bodyLimit);
    // What the check looks at: as long as the bound or all there is.
    return `${status}; ${body.length} ${body.subarray(0, 100).toHex()} ${cut}`;
  } catch (error) {
    if (error instanceof CheckFailed) return `failed: ${error.message}`;
    throw error;
  }
}

/** Says the text in pieces; hangs up, or says its end for ever. */
function server(text: string, piece: number): Stream {
  const [once = "", again = ""] = text.split("…");
  const repeated = again === "" ? "" : again.repeat(Math.ceil(65_536 / again.length));
  const [first, rest] = [octets(once), octets(repeated)];
  let said = 0;
  return {
    read(buffer: Uint8Array): Promise<number | null> {
      assert(said < 16 * (bodyLimit + headLimit), "it reads for ever");
      const from = said < first.length ? first : rest;
      const at = said < first.length ? said : (said - first.length) % (rest.length || 1);
      const part = from.subarray(at, at + Math.min(piece, buffer.length));
      buffer.set(part);
      said += part.length;
      return Promise.resolve(part.length === 0 ? null : part.length);
    },
    write: (sent: Uint8Array): Promise<number> => Promise.resolve(sent.length),
    close: (): void => {},
  };
}

function octets(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
