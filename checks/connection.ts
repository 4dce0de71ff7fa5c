/** TCP connections of probes: endpoints as text, connecting within a limit, ending with the abort. */
import { isIPv6 } from "node:net";
import { CheckFailed, describe, fail } from "./check.ts";
import { formatMs, within } from "./deadline.ts";

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** What a probe does with a connection; any `Deno.Conn` is one. */
export interface Stream {
  read(buffer: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

/**
 * Reads "host:port", "192.0.2.1:80", "[2001:db8::1]:80"; with a default port also "host", "192.0.2.1",
 * "2001:db8::1". Undefined when it is none of these.
 */
export function parseEndpoint(text: string, defaultPort?: number): Endpoint | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? (isIPv6(text) ? text : undefined);
  const port = digits === undefined ? defaultPort : Number(digits);
  if (host === undefined || port === undefined || port < 1 || port > 65535) return undefined;
  return { host, port };
}

export function formatEndpoint({ host, port }: Endpoint): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A new connection, or `CheckFailed` that says where and why not. */
export function connect(endpoint: Endpoint, timeoutMs: number, signal: AbortSignal): Promise<Deno.TcpConn> {
  const place = formatEndpoint(endpoint);
  const late = `no connection to ${place} within ${formatMs(timeoutMs)}`;
  return within(timeoutMs, late, signal, async (limit) => {
    try {
      return await Deno.connect({ hostname: endpoint.host, port: endpoint.port, signal: limit });
    } catch (error) {
      limit.throwIfAborted();
      return fail(`cannot connect to ${place}: ${describe(error)}`);
    }
  });
}

/** Uses a stream and closes it, at the abort already, which ends a read or write that is under way. */
export async function using<T>(stream: Stream, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  let open = true;
  const close = (): void => {
    if (open) stream.close();
    open = false;
  };
  signal.addEventListener("abort", close, { once: true });
  try {
    signal.throwIfAborted();
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof CheckFailed) throw error;
    return fail(`connection lost: ${describe(error)}`);
  } finally {
    signal.removeEventListener("abort", close);
    close();
  }
}

export async function writeAll(stream: Stream, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await stream.write(bytes.subarray(sent));
}
