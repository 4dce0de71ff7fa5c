/**
 * HTTP/1.1 messages (RFC 9112) as a probe needs them: writes one request, reads one answer of bounded size.
 */
import { fail } from "./check.ts";
import { type Stream, writeAll } from "./connection.ts";

export const headLimit = 64 * 1024;
export const bodyLimit = 1024 * 1024;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
  /** The body went on beyond `bodyLimit` and was not read to its end. */
  readonly cut: boolean;
}

/** Sends the request; header names are unique, `headers` holds Host. */
export function writeRequest(
  stream: Stream,
  method: string,
  target: string,
  headers: Readonly<Record<string, string>>,
  body: string | undefined,
): Promise<void> {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return writeAll(
    stream,
    new TextEncoder().encode(`${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n${body ?? ""}`),
  );
}

/** Reads the answer to a request with that method; interim (1xx) answers are skipped. */
export async function readAnswer(stream: Stream, method: string): Promise<Answer> {
  const inbox = new Inbox(stream);
  for (;;) {
    const { status, headers } = parseHead(await inbox.head());
    if (status >= 200) return { status, headers, ...await readBody(inbox, method, status, headers) };
  }
}

async function readBody(
  inbox: Inbox,
  method: string,
  status: number,
  headers: Headers,
): Promise<Pick<Answer, "body" | "cut">> {
  if (method === "HEAD" || status === 204 || status === 304) return { body: new Uint8Array(), cut: false };
  if (/\bchunked\b/i.test(headers.get("transfer-encoding") ?? "")) return await readChunks(inbox);
  const given = headers.get("content-length");
  const length = given === null ? Infinity : parseLength(given, 10);
  const body = await inbox.take(Math.min(length, bodyLimit), length !== Infinity);
  return { body, cut: length > bodyLimit && body.length === bodyLimit };
}

async function readChunks(inbox: Inbox): Promise<Pick<Answer, "body" | "cut">> {
  const parts: Uint8Array[] = [];
  for (let total = 0; total <= bodyLimit;) {
    const size = parseLength((await inbox.line()).split(";")[0]?.trim() ?? "", 16);
    if (size === 0) return { body: join(parts), cut: false };
    const part = await inbox.take(Math.min(size, bodyLimit), true);
    parts.push(part);
    total += size;
    if (total <= bodyLimit && await inbox.line() !== "") fail("the answer's chunks are malformed");
  }
  return { body: join(parts).subarray(0, bodyLimit), cut: true };
}

function parseHead(text: string): { status: number; headers: Headers } {
  const [first = "", ...lines] = text.split("\r\n");
  const [, code] = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(first) ?? [];
  if (code === undefined) return fail(`not an HTTP answer: ${JSON.stringify(first.slice(0, 60))}`);
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon < 1) return fail(`malformed header in the answer: ${JSON.stringify(line.slice(0, 60))}`);
    try {
      headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
    } catch (error) {
      return fail(`malformed header in the answer: ${String(error)}`);
    }
  }
  return { status: Number(code), headers };
}

function parseLength(text: string, radix: 10 | 16): number {
  const valid = radix === 10 ? /^\d{1,15}$/ : /^[0-9a-f]{1,12}$/i;
  return valid.test(text)
    ? parseInt(text, radix)
    : fail(`malformed length in the answer: ${JSON.stringify(text)}`);
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** What has been read from the stream and not been taken yet. */
class Inbox {
  readonly #stream: Stream;
  #bytes = new Uint8Array(4096);
  #start = 0;
  #end = 0;

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  /** Status line and headers, without the blank line. */
  head(): Promise<string> {
    return this.#until("\r\n\r\n", true);
  }

  line(): Promise<string> {
    return this.#until("\r\n", false);
  }

  /** `length` bytes; fewer when the stream ends before and that is not an error (`exact` false). */
  async take(length: number, exact: boolean): Promise<Uint8Array> {
    while (this.#end - this.#start < length) {
      if (await this.#fill()) continue;
      if (exact) fail("the server closed the connection before the end of its answer");
      length = this.#end - this.#start;
    }
    const taken = this.#bytes.slice(this.#start, this.#start + length);
    this.#start += length;
    return taken;
  }

  async #until(mark: string, isHead: boolean): Promise<string> {
    for (let searched = 0;;) {
      // Latin-1 keeps one character per byte, so that an index in the text is one in the bytes.
      const text = latin1.decode(this.#bytes.subarray(this.#start, this.#end));
      const found = text.indexOf(mark, Math.max(0, searched - mark.length));
      if (found >= 0) {
        this.#start += found + mark.length;
        return text.slice(0, found);
      }
      searched = text.length;
      if (searched > headLimit) fail(`a part of the answer has no end within ${headLimit} bytes`);
      if (!await this.#fill()) {
        fail(searched === 0 && isHead ? noAnswer : cutShort);
      }
    }
  }

  async #fill(): Promise<boolean> {
    if (this.#end === this.#bytes.length) {
      const grown = new Uint8Array(2 * (this.#end - this.#start) + 4096);
      grown.set(this.#bytes.subarray(this.#start, this.#end));
      this.#end -= this.#start;
      this.#start = 0;
      this.#bytes = grown;
    }
    const count = await this.#stream.read(this.#bytes.subarray(this.#end));
    this.#end += count ?? 0;
    return count !== null;
  }
}

const latin1 = new TextDecoder("latin1");
const noAnswer = "the server closed the connection without an answer";
const cutShort = "the server closed the connection in the middle of its answer";
