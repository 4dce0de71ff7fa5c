/**
 * `vipd status --watch`: the status redrawn on every transition and every second, on the terminal's other
 * screen.
 */
import { type ApiClient, bodyOf, ClientError, parseSnapshot } from "./client.ts";
import type { Hooks } from "./hooks.ts";
import { terminalSize } from "./io.ts";
import { transitions } from "./status_follow.ts";
import { renderStatus } from "./status_view.ts";
import { paint, text } from "./text.ts";

const REFRESH_MS = 1000;
const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";

/** Draws until q, Escape, Ctrl-C or SIGTERM; resolves with the exit code. */
export async function watchScreen(
  client: ApiClient,
  color: boolean,
  hooks?: Pick<Hooks, "signals">,
): Promise<number> {
  const screen = new Screen(client, color);
  const quit = new AbortController();
  hooks?.signals.onTerminate(() => quit.abort());
  write(ENTER);
  Deno.stdin.setRaw(true);
  const timer = setInterval(() => void screen.refresh(), REFRESH_MS);
  try {
    await screen.refresh();
    const events = redrawOnEvents(client, screen, quit.signal);
    await Promise.race([keys(screen), aborted(quit.signal)]);
    quit.abort();
    await events;
    return 0;
  } finally {
    clearInterval(timer);
    Deno.stdin.setRaw(false);
    write(LEAVE);
  }
}

/** What is shown: the last snapshot's lines, from the line scrolled to. */
class Screen {
  readonly #client: ApiClient;
  readonly #color: boolean;
  #lines: string[] = [];
  #trouble = "";
  #top = 0;
  #busy = false;

  constructor(client: ApiClient, color: boolean) {
    this.#client = client;
    this.#color = color;
  }

  async refresh(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      const snapshot = parseSnapshot(await bodyOf(await this.#client.request("GET", "/status")));
      this.#lines = renderStatus(snapshot, { width: terminalSize().columns, color: this.#color }).split(
        "\n",
      );
      this.#trouble = "";
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      this.#trouble = error.message;
    } finally {
      this.#busy = false;
    }
    this.draw();
  }

  scroll(by: number): void {
    this.#top += by;
    this.draw();
  }

  draw(): void {
    write(frame(this.#lines, this.#top = this.#clampedTop(), terminalSize().rows, this.#footer()));
  }

  #clampedTop(): number {
    return Math.max(0, Math.min(this.#top, this.#lines.length - terminalSize().rows + 1));
  }

  #footer(): string {
    return this.#trouble === ""
      ? paint("q quits, j/k scroll", "dim", this.#color)
      : paint(text(`${this.#trouble} (retrying)`).slice(0, terminalSize().columns), "red", this.#color);
  }
}

/** One screen: home, each line cleared to its end, the rest cleared, and the footer in the last row. */
export function frame(lines: readonly string[], top: number, rows: number, footer: string): string {
  const shown = lines.slice(top, top + rows - 1).map((line) => `${line}\x1b[K\r\n`).join("");
  return `\x1b[H${shown}\x1b[J\x1b[${rows};1H${footer}`;
}

async function redrawOnEvents(client: ApiClient, screen: Screen, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const _transition of transitions(client, signal)) await screen.refresh();
    } catch (error) {
      // A lost stream shows as the trouble of the next refresh; aborting it is how the watch ends.
      if (!signal.aborted && !(error instanceof ClientError) && !(error instanceof TypeError)) throw error;
    }
    if (!signal.aborted) await delay(REFRESH_MS, signal);
  }
}

const QUIT_KEYS: ReadonlySet<string> = new Set(["q", "Q", "\x03", "\x1b"]);
const SCROLL_KEYS: Readonly<Record<string, number>> = {
  j: 1,
  "\x1b[B": 1,
  k: -1,
  "\x1b[A": -1,
  " ": 20,
  "\x1b[6~": 20,
  "\x1b[5~": -20,
};

async function keys(screen: Screen): Promise<void> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(64);
  while (true) {
    const count = await Deno.stdin.read(buffer);
    const key = count === null ? "q" : decoder.decode(buffer.subarray(0, count));
    if (QUIT_KEYS.has(key)) return;
    const by = SCROLL_KEYS[key];
    if (by !== undefined) screen.scroll(by);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}

function write(content: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(content));
}
