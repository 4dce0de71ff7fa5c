/** A scripted SMTP server: it says what the test wants, and remembers what it was told. */

export interface SmtpScript {
  /** Replies by the first word of a command; others are 250. EHLO offers what is listed in `extensions`. */
  readonly replies?: Readonly<Record<string, string>>;
  readonly extensions?: readonly string[];
  /** PEM texts: the whole conversation is under TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** It says nothing at all. */
  readonly isMute?: boolean;
}

export class SmtpServer {
  readonly commands: string[] = [];
  /** Whole messages, headers and body. */
  readonly messages: string[] = [];
  readonly port: number;
  readonly #script: SmtpScript;
  readonly #listener: Deno.Listener | Deno.TlsListener;
  readonly #open = new Set<Deno.Conn>();
  readonly #done: Promise<void>;

  constructor(script: SmtpScript = {}) {
    this.#script = script;
    const place = { hostname: "127.0.0.1", port: 0 };
    this.#listener = script.tls === undefined
      ? Deno.listen(place)
      : Deno.listenTls({ ...place, ...script.tls });
    this.port = (this.#listener.addr as Deno.NetAddr).port;
    this.#done = this.#accept();
  }

  async close(): Promise<void> {
    this.#listener.close();
    for (const conn of this.#open) shut(conn);
    await this.#done;
  }

  async #accept(): Promise<void> {
    const talks: Promise<void>[] = [];
    try {
      for await (const conn of this.#listener) talks.push(this.#talk(conn));
    } catch (error) {
      if (!(error instanceof Error)) throw error;
    }
    await Promise.all(talks);
  }

  async #talk(conn: Deno.Conn): Promise<void> {
    this.#open.add(conn);
    const say = async (line: string): Promise<void> => {
      await conn.write(new TextEncoder().encode(`${line}\r\n`));
    };
    let message: string[] | null = null;
    try {
      if (this.#script.isMute !== true) await say("220 test ESMTP");
      for await (const line of linesOf(conn)) {
        if (message !== null) {
          if (line !== ".") message.push(line);
          else {
            this.messages.push(message.join("\n"));
            message = null;
            await say(this.#script.replies?.["."] ?? "250 taken");
          }
          continue;
        }
        this.commands.push(line);
        const [word = ""] = line.toUpperCase().split(" ");
        const reply = this.#script.replies?.[word];
        if (reply !== undefined) await say(reply);
        else if (word === "EHLO") await say(["250-test", ...this.#extensions()].join("\r\n"));
        else if (word === "DATA") {
          message = [];
          await say("354 go on");
        } else if (word === "AUTH") await say("235 welcome");
        else if (word === "QUIT") {
          await say("221 bye");
          break;
        } else await say("250 fine");
      }
    } catch (error) {
      // The client has gone, or refused the certificate.
      if (!(error instanceof Error)) throw error;
    }
    shut(conn);
    this.#open.delete(conn);
  }

  #extensions(): string[] {
    const all = [...this.#script.extensions ?? [], "8BITMIME"];
    return all.map((one, i) => `250${i === all.length - 1 ? " " : "-"}${one}`);
  }
}

function shut(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

async function* linesOf(conn: Deno.Conn): AsyncGenerator<string> {
  let text = "";
  for await (const chunk of conn.readable.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf("\r\n"); end >= 0; end = text.indexOf("\r\n")) {
      yield text.slice(0, end);
      text = text.slice(end + 2);
    }
  }
}
