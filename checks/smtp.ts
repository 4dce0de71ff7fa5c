/** smtp: a mail server greets, takes a HELO or EHLO and says goodbye (RFC 5321 §4.1.1). */
import * as z from "zod";
import { type CheckContext, defineCheck, fail } from "./check.ts";
import { parseEndpoint, serviceEndpoint, type Stream, using, writeAll } from "./connection.ts";
import { connectPort, connectTimeout, originFields, originOf } from "./origin.ts";

const usualPort = 25;
/** RFC 5321 §4.5.3.1.5 wants at least 512 octets a line. */
const lineLimit = 2048;
const linesLimit = 64;

const options = z.strictObject({
  address: z.string().refine((text) => parseEndpoint(text, usualPort), {
    error: "expected host or host:port",
  })
    .optional().describe('Where to connect: "host" (port 25) or "host:port"; a real server has its own'),
  connect_port: connectPort,
  connect_timeout: connectTimeout,
  ...originFields,
  helo_name: z.string().regex(/^[!-~]+$/, { error: "expected a host name or an address literal" }).optional()
    .describe("Name to introduce vipd with; default: this host's name"),
  ehlo: z.boolean().default(false).describe("Say EHLO, the greeting of ESMTP, instead of HELO"),
});
type Options = z.output<typeof options>;

export const smtp = defineCheck({
  type: "smtp",
  summary: "Passes when the mail server greets with 220 and answers HELO or EHLO with 250.",
  options,
  target: "address",
  probe,
});

async function probe(context: CheckContext, options: Options, signal: AbortSignal): Promise<string> {
  const { connect_timeout, helo_name = Deno.hostname(), ehlo } = options;
  const endpoint = serviceEndpoint(context, options, usualPort);
  const connection = await context.host.connect(endpoint, originOf(options), connect_timeout, signal);
  return await using(connection, signal, async () => {
    const replies = new Replies(connection);
    const greeting = await replies.expect(220, "the greeting");
    const command = ehlo ? "EHLO" : "HELO";
    await say(connection, `${command} ${helo_name}`);
    await replies.expect(250, command);
    // It passes whatever comes of this: the server does its work.
    await say(connection, "QUIT");
    return greeting;
  });
}

function say(stream: Stream, line: string): Promise<void> {
  return writeAll(stream, new TextEncoder().encode(`${line}\r\n`));
}

/** Reads replies (RFC 5321 §4.2): a code and text, on one line or on many. */
class Replies {
  readonly #stream: Stream;
  readonly #buffer = new Uint8Array(lineLimit);
  #text = "";

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  /** The whole reply's last line, when its code is that one; `CheckFailed` otherwise. */
  async expect(code: number, what: string): Promise<string> {
    for (let count = 0; count < linesLimit; count++) {
      const line = await this.#line(what);
      const [, digits, mark] = /^(\d{3})([ -]|$)/.exec(line) ?? [];
      if (digits === undefined) return fail(`${what} is not SMTP: ${JSON.stringify(line.slice(0, 80))}`);
      if (Number(digits) !== code) return fail(`${what} was answered with ${line.slice(0, 200)}`);
      if (mark !== "-") return line.slice(0, 200);
    }
    return fail(`${what} was answered with more than ${linesLimit} lines`);
  }

  async #line(what: string): Promise<string> {
    for (;;) {
      const end = this.#text.indexOf("\n");
      if (end >= 0) {
        const line = this.#text.slice(0, end).replace(/\r$/, "");
        this.#text = this.#text.slice(end + 1);
        return line;
      }
      if (this.#text.length > lineLimit) return fail(`${what} was answered with an endless line`);
      const count = await this.#stream.read(this.#buffer);
      if (count === null) return fail(`the server closed the connection instead of answering ${what}`);
      this.#text += latin1.decode(this.#buffer.subarray(0, count));
    }
  }
}

const latin1 = new TextDecoder("latin1");
