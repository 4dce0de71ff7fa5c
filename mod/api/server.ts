/**
 * Listeners of the API: TCP and unix sockets, opened all or none, stopped without waiting for endless
 * streams.
 */
import type { Hono } from "hono";
import type { Logger } from "@logtape/logtape";
import type { ApiEnv, Connection } from "./context.ts";

export type Listen =
  | { readonly kind: "tcp"; readonly hostname: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

export interface ApiServer {
  /** Where it listens, as a client would write it: `http://127.0.0.1:8112`, `unix:/run/vipd/vipd.sock`. */
  readonly addresses: readonly string[];
  /** Ends event streams, closes the listeners, and waits for requests in flight, at most half a second. */
  stop(): Promise<void>;
}

/** What the API needs of a log; a LogTape logger fits. */
export type ApiLog = Pick<Logger, "info" | "error">;

/** Owner and group may talk to the unix socket; its mode is the lock on POST. */
const SOCKET_MODE = 0o660;
/** Whoever does not end their request shall not hold up the end. */
const STOP_GRACE_MS = 500;

interface Listener {
  readonly address: string;
  stop(): Promise<void>;
}

/**
 * Serves the app on every listen. Rejects, with nothing left open, when one of them cannot be had:
 * `Cannot listen on 127.0.0.1:8112: Address already in use`.
 */
export async function serveApi(
  app: Hono<ApiEnv>,
  listens: readonly Listen[],
  log: ApiLog,
): Promise<ApiServer> {
  const listeners: Listener[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(listeners.map((listener) => listener.stop()));
  };
  for (const listen of listens) {
    try {
      listeners.push(await open(app, listen, log));
    } catch (error) {
      await stop();
      const place = listen.kind === "unix" ? listen.path : authority(listen.hostname, listen.port);
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`Cannot listen on ${place}: ${why}`, { cause: error });
    }
  }
  const addresses = listeners.map(({ address }) => address);
  for (const address of addresses) log.info("api_listening {address}", { address });
  return { addresses, stop };
}

/** Whether a listen can be reached from this machine only. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "::1" || hostname === "[::1]" ||
    /^127(\.\d{1,3}){3}$/.test(hostname);
}

async function open(app: Hono<ApiEnv>, listen: Listen, log: ApiLog): Promise<Listener> {
  const stopping = new AbortController();
  const options = {
    onListen: () => {},
    onError: (error: unknown) => {
      log.error("api_request_failed", { error });
      return new Response(null, { status: 500 });
    },
  };
  const server = listen.kind === "tcp"
    ? serveTcp(app, listen, stopping.signal, options)
    : await serveUnix(app, listen.path, stopping.signal, options);
  return {
    address: listen.kind === "unix" ? `unix:${listen.path}` : `http://${boundAuthority(server.addr)}`,
    async stop(): Promise<void> {
      stopping.abort();
      const grace = Promise.withResolvers<void>();
      const timer = setTimeout(grace.resolve, STOP_GRACE_MS);
      // Who does not end is left behind: a server that shuts down can no longer be aborted, trying to throws.
      await Promise.race([server.shutdown(), grace.promise]);
      clearTimeout(timer);
    },
  };
}

interface ServeOptions {
  readonly onListen: () => void;
  readonly onError: (error: unknown) => Response;
}

type Server = Pick<Deno.HttpServer<Deno.Addr>, "addr" | "shutdown">;

function serveTcp(
  app: Hono<ApiEnv>,
  { hostname, port }: { hostname: string; port: number },
  stopping: AbortSignal,
  options: ServeOptions,
): Server {
  const loopback = isLoopback(hostname);
  const bare = hostname.replace(/^\[(.*)\]$/, "$1");
  return Deno.serve({ ...options, hostname: bare, port }, (request, { remoteAddr }) => {
    const client = (): string => authority(remoteAddr.hostname, remoteAddr.port);
    return app.fetch(request, { transport: "tcp", loopback, client, stopping } satisfies Connection);
  });
}

async function serveUnix(
  app: Hono<ApiEnv>,
  path: string,
  stopping: AbortSignal,
  options: ServeOptions,
): Promise<Server> {
  const connection: Connection = { transport: "unix", loopback: true, client: () => "unix socket", stopping };
  await removeStaleSocket(path);
  // The mode is set by the umask, not by chmod afterwards: there is no moment at which others could connect.
  const umask = Deno.umask(0o777 & ~SOCKET_MODE);
  try {
    return Deno.serve({ ...options, path }, (request) => app.fetch(request, connection));
  } finally {
    Deno.umask(umask);
  }
}

/**
 * Removes what a dead process left at `path`; refuses when somebody listens there or when it is no socket at
 * all.
 */
async function removeStaleSocket(path: string): Promise<void> {
  const info = await lstatOrNull(path);
  if (info === null) return;
  if (info.isSocket !== true) throw new Error("a file that is no socket is in the way");
  if (await answers(path)) throw new Error("another process is listening there");
  await Deno.remove(path);
}

async function answers(path: string): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function lstatOrNull(path: string): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function boundAuthority(addr: Deno.Addr): string {
  return "hostname" in addr ? authority(addr.hostname, addr.port) : "";
}

function authority(hostname: string, port: number): string {
  return hostname.includes(":") && !hostname.startsWith("[")
    ? `[${hostname}]:${port}`
    : `${hostname}:${port}`;
}
