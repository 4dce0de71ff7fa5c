/** The command line's way to a running daemon: its unix socket, or its API over TCP. */
import { directRoute } from "../direct_route.ts";
import { UsageError } from "../errors.ts";
import { Snapshot } from "../snapshot.ts";
import type { Io } from "./io.ts";

const DEFAULT_SOCKET = "/run/vipd/vipd.sock";
const DEFAULT_URL = "http://127.0.0.1:8112";
const TIMEOUT_MS = 5000;

/** No daemon answered, or it refused; the message is for the operator. Exit code 1. */
export class ClientError extends Error {
  override readonly name = "ClientError";
}

export interface ApiClient {
  /** Sends a request. Rejects with ClientError when nobody answers. */
  request(method: "GET" | "POST", path: string, options?: RequestOptions): Promise<Response>;
  close(): void;
}

interface RequestOptions {
  readonly accept?: string;
  /** JSON text. */
  readonly body?: string;
  readonly signal?: AbortSignal;
  /** Null: there is none; 5 s unless it is said. */
  readonly timeoutMs?: number | null;
}

/** The options by which a subcommand chooses its daemon. */
export const TARGET_OPTIONS: readonly string[] = ["socket", "url", "token-file"];

type Target = { readonly kind: "unix"; readonly path: string } | {
  readonly kind: "tcp";
  readonly url: string;
  readonly token: string | null;
};

/**
 * A client for `--socket`, `--url` or, with neither, for the first of the default places that answers.
 * With `write`, TCP is not tried by default, because it would need a token.
 */
export async function connectApi(
  options: Readonly<Record<string, string | true>>,
  io: Io,
  { write = false }: { readonly write?: boolean } = {},
): Promise<ApiClient> {
  const { socket, url } = options;
  const tokenFile = options["token-file"];
  if (typeof socket === "string" && typeof url === "string") {
    throw new UsageError("--socket and --url exclude each other");
  }
  if (typeof tokenFile === "string" && typeof url !== "string") {
    throw new UsageError("--token-file goes with --url");
  }
  if (typeof socket === "string") return client({ kind: "unix", path: socket });
  if (typeof url === "string") {
    const token = typeof tokenFile === "string" ? await readToken(tokenFile, io) : null;
    return client({ kind: "tcp", url: baseUrl(url), token });
  }
  const unix: Target = { kind: "unix", path: DEFAULT_SOCKET };
  if (write) return client(unix);
  return await firstThatAnswers([unix, { kind: "tcp", url: DEFAULT_URL, token: null }]);
}

/**
 * Does something with a client for the daemon that the options name: resolves with the exit code of `use`, or
 * with 1 when nobody answered or the daemon refused, which is said. `write` as for a request that changes.
 */
export async function withApi(
  options: Readonly<Record<string, string | true>>,
  io: Io,
  use: (client: ApiClient) => Promise<number>,
  access: { readonly write?: boolean } = {},
): Promise<number> {
  let client: ApiClient | undefined;
  try {
    client = await connectApi(options, io, access);
    return await use(client);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    io.err(`vipd: ${error.message}`);
    return 1;
  } finally {
    client?.close();
  }
}

async function firstThatAnswers(targets: readonly Target[]): Promise<ApiClient> {
  const failures: string[] = [];
  for (const target of targets) {
    const candidate = client(target);
    try {
      await (await candidate.request("GET", "/healthz")).body?.cancel();
      return candidate;
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      candidate.close();
      failures.push(error.message);
    }
  }
  throw new ClientError(`${failures.join("\n")}\nIs it running? See "systemctl status vipd"`);
}

function client(target: Target): ApiClient {
  const http = Deno.createHttpClient({ proxy: routeOf(target) });
  const base = target.kind === "unix" ? "http://localhost" : target.url;
  return {
    async request(
      method,
      path,
      { accept = "application/json", body, signal, timeoutMs = TIMEOUT_MS } = {},
    ): Promise<Response> {
      const headers = new Headers({ accept });
      if (target.kind === "tcp" && target.token !== null) {
        headers.set("authorization", `Bearer ${target.token}`);
      }
      const signals = [
        ...(signal === undefined ? [] : [signal]),
        ...(timeoutMs === null ? [] : [AbortSignal.timeout(timeoutMs)]),
      ];
      try {
        const init = { method, headers, client: http, signal: AbortSignal.any(signals) };
        return await fetch(base + path, { ...init, ...(body === undefined ? {} : { body }) });
      } catch (error) {
        const reason = reasonOf(error, target, timeoutMs);
        throw new ClientError(`Cannot reach vipd at ${placeOf(target)}: ${reason}`, { cause: error });
      }
    },
    close: () => http.close(),
  };
}

function routeOf(target: Target): Deno.Proxy {
  return target.kind === "unix" ? { transport: "unix", path: target.path } : directRoute(target.url);
}

/** The body of a good answer; otherwise a ClientError with the problem's own words. */
export async function bodyOf(response: Response): Promise<string> {
  const body = await response.text();
  if (response.ok) return body;
  throw new ClientError(`vipd answered ${response.status}: ${problemDetail(body) ?? response.statusText}`);
}

/** The daemon may be of another version than this command line; say so rather than show half a truth. */
export function parseSnapshot(body: string): Snapshot {
  const parsed = Snapshot.safeParse(JSON.parse(body));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ClientError(
    `The daemon's status is not of this version (${
      issue?.path.join(".")
    }: ${issue?.message}); --json shows it as it is`,
  );
}

function problemDetail(body: string): string | null {
  try {
    const problem: unknown = JSON.parse(body);
    const detail = typeof problem === "object" && problem !== null && "detail" in problem
      ? problem.detail
      : null;
    return typeof detail === "string" ? detail : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function placeOf(target: Target): string {
  return target.kind === "unix" ? target.path : target.url;
}

/**
 * The kernel's words are at the end of a long chain ("error sending request ...: client error (Connect):
 * ...").
 */
function reasonOf(error: unknown, target: Target, timeoutMs: number | null): string {
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return `no answer within ${(timeoutMs ?? TIMEOUT_MS) / 1000} s`;
  }
  const message = error instanceof Error ? error.message : String(error);
  const system = message.match(/([A-Z][\w ]+) \(os error \d+\)/)?.[1] ?? message;
  return system === "Permission denied" && target.kind === "unix"
    ? "Permission denied (run as root, or as a member of the socket's group)"
    : system;
}

function baseUrl(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    throw new UsageError(`--url expects http://HOST:PORT, got "${url}"`);
  }
  return parsed.href.replace(/\/+$/, "");
}

async function readToken(path: string, io: Io): Promise<string> {
  try {
    return (await io.readTextFile(path)).trim();
  } catch (error) {
    throw new ClientError(`Cannot read ${path}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}
