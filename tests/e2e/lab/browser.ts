/**
 * A real browser, without a library: Chromium, driven over the Chrome DevTools Protocol
 * (https://chromedevtools.github.io/devtools-protocol/), and a way for it into a host's loopback.
 */
import type { Host } from "../lab.ts";
import { Child } from "./child.ts";
import { waitFor } from "./wait.ts";

const START_TIMEOUT_MS = 30_000;
const ANSWER_TIMEOUT_MS = 30_000;
const FLAGS = [
  "--headless=new",
  // Everything here is root in a container.
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--remote-debugging-port=0",
];

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

/** One tab. */
export class Page {
  /** Errors and warnings of the console, refused resources, exceptions that nobody caught. */
  readonly complaints: string[] = [];
  /** Every address that was asked for. */
  readonly requests: string[] = [];
  readonly #waiting = new Map<number, PromiseWithResolvers<Record<string, unknown>>>();
  #lastId = 0;

  constructor(readonly socket: WebSocket) {
    socket.onmessage = ({ data }): void => this.#take(JSON.parse(data) as Message);
  }

  /** One command of the protocol. */
  async send(method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<Record<string, unknown>>();
    this.#waiting.set(id, answer);
    const timer = setTimeout(() => answer.reject(new Error(`${method}: no answer`)), ANSWER_TIMEOUT_MS);
    this.socket.send(JSON.stringify({ id, method, params }));
    return await answer.promise.finally(() => clearTimeout(timer));
  }

  async go(url: string): Promise<void> {
    await this.send("Page.navigate", { url });
    await waitFor(
      "the page to load",
      async () => await this.run("document.readyState") === "complete",
      10_000,
    );
  }

  /** The value of an expression in the page; a promise is awaited. */
  async run(expression: string): Promise<unknown> {
    const options = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", options) as {
      result: { value?: unknown; description?: string };
      exceptionDetails?: unknown;
    };
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${result.description}`);
    return result.value;
  }

  /** What the element shows. */
  async text(selector = "body"): Promise<string> {
    return String(await this.run(`document.querySelector(${JSON.stringify(selector)})?.innerText ?? ""`));
  }

  #take({ id, method, params, result, error }: Message): void {
    if (id !== undefined) {
      const answer = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) answer?.resolve(result ?? {});
      else answer?.reject(new Error(error.message));
    } else if (method === "Log.entryAdded" || method === "Runtime.exceptionThrown") {
      this.complaints.push(JSON.stringify(params));
    } else if (method === "Runtime.consoleAPICalled") {
      this.complaints.push(JSON.stringify(params));
    } else if (method === "Network.requestWillBeSent") {
      this.requests.push((params?.["request"] as { url: string }).url);
    }
  }
}

export class Browser implements AsyncDisposable {
  readonly #children: Child[] = [];
  readonly #sockets: WebSocket[] = [];

  private constructor(readonly directory: string, chromium: Child) {
    this.#children.push(chromium);
  }

  /** Throws when there is no Chromium on this machine: nothing is skipped. */
  static async start(): Promise<Browser> {
    const directory = await Deno.makeTempDir({ prefix: "vipd-browser-" });
    const chromium = new Child("chromium", [
      "chromium",
      ...FLAGS,
      `--user-data-dir=${directory}`,
      "about:blank",
    ]);
    const browser = new Browser(directory, chromium);
    const started = (): Promise<boolean> =>
      Deno.stat(`${directory}/DevToolsActivePort`).then(({ size }) => size > 0);
    await waitFor("chromium to start", started, START_TIMEOUT_MS).catch(async (error) => {
      await browser[Symbol.asyncDispose]();
      throw new Error(`${error.message}\n${chromium.output}`);
    });
    return browser;
  }

  /** A new tab of this size. */
  async open(width: number, height: number): Promise<Page> {
    const [port] = (await Deno.readTextFile(`${this.directory}/DevToolsActivePort`)).split("\n");
    const answer = await fetch(`http://127.0.0.1:${port}/json/new?about:blank`, { method: "PUT" });
    const { webSocketDebuggerUrl } = await answer.json() as { webSocketDebuggerUrl: string };
    const socket = new WebSocket(webSocketDebuggerUrl);
    await new Promise<void>((resolve, reject) => {
      socket.onopen = (): void => resolve();
      socket.onerror = (): void => reject(new Error(`Cannot connect to ${webSocketDebuggerUrl}`));
    });
    this.#sockets.push(socket);
    const page = new Page(socket);
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await page.send(`${domain}.enable`);
    const metrics = { width, height, deviceScaleFactor: 1, mobile: width < 600 };
    await page.send("Emulation.setDeviceMetricsOverride", metrics);
    return page;
  }

  /** Makes a port of the host's loopback one of ours, where the browser is: `http://127.0.0.1:PORT`. */
  async reach({ namespace }: Host, port: number): Promise<string> {
    const ours = freePort();
    const inside = `ip netns exec ${namespace} socat STDIO TCP\\:127.0.0.1\\:${port}`;
    const listen = `TCP-LISTEN:${ours},bind=127.0.0.1,fork,reuseaddr`;
    this.#children.push(new Child("socat", ["socat", listen, `EXEC:"${inside}"`]));
    const listens = async (): Promise<boolean> => {
      (await Deno.connect({ hostname: "127.0.0.1", port: ours })).close();
      return true;
    };
    await waitFor("the way into the host", listens);
    return `http://127.0.0.1:${ours}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) {
      const closed = new Promise<void>((resolve) => socket.onclose = (): void => resolve());
      socket.close();
      await closed;
    }
    for (const child of this.#children) await child.stop("SIGTERM", 5000);
    await Promise.all(this.#children.map(({ drained }) => drained));
    await Deno.remove(this.directory, { recursive: true });
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
