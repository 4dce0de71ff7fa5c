/** Connections of probes: endpoints as text, whose service it is, streams that end with the abort. */
import { isIPv6 } from "node:net";
import { type CheckContext, CheckFailed, describe, fail } from "./check.ts";

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

/** A TCP connection. */
export interface Connection extends Stream {
  /** It closes itself when this aborts. */
  readonly signal: AbortSignal;
  /** Nothing more comes from here; the peer may go on. */
  closeWrite(): Promise<void>;
  /** Sends small pieces at once, though the ones before are not acknowledged yet. */
  setNoDelay(): void;
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

/**
 * Where the service is that a check is about: its own `address`, or that of the real server, each with
 * `connect_port` in place of the port; `CheckFailed` when there is neither, or no port.
 */
export function serviceEndpoint(
  { target }: CheckContext,
  { address, connect_port }: {
    readonly address?: string | undefined;
    readonly connect_port?: number | undefined;
  },
  defaultPort?: number,
): Endpoint {
  const given = address === undefined ? undefined : parseEndpoint(address, connect_port ?? defaultPort);
  if (given !== undefined) return { host: given.host, port: connect_port ?? given.port };
  if (address !== undefined) return fail("the address has no port");
  if (target === undefined) return fail("address is missing");
  const port = connect_port ?? (target.port === 0 ? defaultPort : target.port);
  return port === undefined ? fail("the real server has no port") : { host: target.address, port };
}

/** Uses a stream or socket and closes it, at the abort already, which ends what is under way. */
export async function using<T>(
  stream: Pick<Stream, "close"> & { readonly signal?: AbortSignal },
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  let open = true;
  const close = (): void => {
    if (open) stream.close();
    open = false;
  };
  const closesItself = stream.signal === signal;
  if (!closesItself) signal.addEventListener("abort", close, { once: true });
  try {
    signal.throwIfAborted();
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof CheckFailed) throw error;
    return fail(`connection lost: ${describe(error)}`);
  } finally {
    if (!closesItself) signal.removeEventListener("abort", close);
    close();
  }
}

export async function writeAll(stream: Stream, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await stream.write(bytes.subarray(sent));
}
