/**
 * HTTP/1.1 messages (RFC 9112) as a probe needs them: writes one request, reads one answer of bounded size.
 */
import { fail } from "./check.ts";
import { type Stream, writeAll } from "./connection.ts";

export const headLimit = 64 * 1024;
export const bodyLimit = 1024 * 1024;
/** More of them are no answer, and a server that sends nothing else would be read for ever. */
const interimLimit = 16;

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
  version: string,
  headers: Readonly<Record<string, string>>,
  body: string | undefined,
): Promise<void> {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return writeAll(
    stream,
    new TextEncoder().encode(`${method} ${target} HTTP/${version}\r\n${lines.join("")}\r\n${body ?? ""}`),
  );
}

/** Reads the answer to a request with that method; a few interim (1xx) answers are skipped. */
export async function readAnswer(stream: Stream, method: string): Promise<Answer> {
  const inbox = new Inbox(stream);
  for (let interim = 0; interim <= interimLimit; interim++) {
    const { status, headers } = parseHead(await inbox.head());
    if (status < 200) continue;
    const body = await readBody(inbox, method, status, headers);
    inbox.release();
    return { status, headers, ...body };
  }
  return fail(`more than ${interimLimit} interim answers`);
}

async function readBody(
  inbox: Inbox,
  method: string,
  status: number,
  headers: Headers,
): Promise<Pick<Answer, "body" | "cut">> {
  if (method === "HEAD" || status === 204 || status === 304) return { body: new Uint8Array(), cut: false };
  const encoding = headers.get("transfer-encoding") ?? "";
  if (encoding !== "" && !/^\s*(?:identity\s*,\s*)?(?:chunked|identity)\s*$/i.test(encoding)) {
    return fail(`the answer has the transfer encoding ${JSON.stringify(encoding.slice(0, 60))}, not chunked`);
  }
  if (/\bchunked\b/i.test(encoding)) return await readChunks(inbox);
  const given = headers.get("content-length");
  const length = given === null ? Infinity : parseLength(given, 10);
  const body = await inbox.take(Math.min(length, bodyLimit), length !== Infinity);
  return { body, cut: length > bodyLimit && body.length === bodyLimit };
}

async function readChunks(inbox: Inbox): Promise<Pick<Answer, "body" | "cut">> {
  // One array for all: chunks may be an octet each.
  let body = new Uint8Array(4096);
  for (let total = 0;;) {
    const size = parseLength((await inbox.line()).split(";")[0]?.trim() ?? "", 16);
    if (size === 0) return { body: body.slice(0, total), cut: false };
    const part = await inbox.take(Math.min(size, bodyLimit - total), true);
    if (total + part.length > body.length) body = grown(body, total, 2 * total + part.length);
    body.set(part, total);
    total += part.length;
    if (part.length < size || total === bodyLimit) return { body: body.subarray(0, total), cut: true };
    if (await inbox.line() !== "") fail("the answer's chunks are malformed");
  }
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

/** The first `length` octets in an array with room for `size`. */
function grown(bytes: Uint8Array, length: number, size: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(size);
  larger.set(bytes.subarray(0, length));
  return larger;
}

/** Where `mark` begins in the bytes, at `from` or behind it; -1 when it does not. */
function indexOf(bytes: Uint8Array, mark: readonly number[], from: number): number {
  for (let at = bytes.indexOf(mark[0]!, from); at >= 0; at = bytes.indexOf(mark[0]!, at + 1)) {
    if (mark.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  return -1;
}

const roomSize = 4096;
/** Memory outside of V8's heap is dear to make and to collect, and a thousand answers a second need it. */
const spares: Uint8Array<ArrayBuffer>[] = [];
const sparesMax = 32;

/** What has been read from the stream and not been taken yet. */
class Inbox {
  readonly #stream: Stream;
  #bytes = spares.pop() ?? new Uint8Array(roomSize);
  #start = 0;
  #end = 0;

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  /** Status line and headers, without the blank line. */
  head(): Promise<string> {
    return this.#until([13, 10, 13, 10], true);
  }

  line(): Promise<string> {
    return this.#until([13, 10], false);
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

  /** Leaves its memory to another one. Only when nothing can be reading into it any more. */
  release(): void {
    if (this.#bytes.length === roomSize && spares.length < sparesMax) spares.push(this.#bytes);
    this.#bytes = new Uint8Array();
  }

  async #until(mark: readonly number[], isHead: boolean): Promise<string> {
    for (let searched = 0;;) {
      const waiting = this.#bytes.subarray(this.#start, this.#end);
      const found = indexOf(waiting, mark, Math.max(0, searched - mark.length));
      if (found >= 0) {
        this.#start += found + mark.length;
        return latin1.decode(waiting.subarray(0, found));
      }
      searched = waiting.length;
      if (searched > headLimit) fail(`a part of the answer has no end within ${headLimit} bytes`);
      if (!await this.#fill()) {
        fail(searched === 0 && isHead ? noAnswer : cutShort);
      }
    }
  }

  async #fill(): Promise<boolean> {
    if (this.#end === this.#bytes.length) {
      const waiting = this.#end - this.#start;
      this.#bytes = grown(this.#bytes.subarray(this.#start), waiting, 2 * waiting + 4096);
      this.#end = waiting;
      this.#start = 0;
    }
    const count = await this.#stream.read(this.#bytes.subarray(this.#end));
    this.#end += count ?? 0;
    return count !== null;
  }
}

const latin1 = new TextDecoder("latin1");
const noAnswer = "the server closed the connection without an answer";
const cutShort = "the server closed the connection in the middle of its answer";
