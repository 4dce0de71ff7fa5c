/** TLS for probes: verified by Deno's own TLS; unverified, or with a client certificate, by node:tls. */
import nodeTls from "node:tls";
import { describe, fail } from "./check.ts";
import { connect, type Endpoint, type Stream } from "./connection.ts";
import { formatMs, within } from "./deadline.ts";
import type { TlsOptions } from "./http_options.ts";
import { type Relay, relay } from "./relay.ts";

/** A TLS stream to `endpoint` for the name `serverName`, connection and handshake within `timeoutMs`. */
export function connectTls(
  endpoint: Endpoint,
  serverName: string,
  options: TlsOptions,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Stream> {
  return within(timeoutMs, `no TLS connection within ${formatMs(timeoutMs)}`, signal, async (limit) => {
    const files = await readFiles(options);
    const wire = await relay(await connect(endpoint, timeoutMs, limit));
    // Deno.startTls has the better messages, but can neither skip verification nor show a client certificate.
    const start = options.verify && files.cert === undefined ? startTls : startNodeTls;
    const abort = (): void => wire.close();
    limit.addEventListener("abort", abort, { once: true });
    try {
      limit.throwIfAborted();
      return await start(wire, serverName, files, options.verify);
    } catch (error) {
      wire.close();
      limit.throwIfAborted();
      return fail(`TLS handshake failed: ${describe(error)}`);
    } finally {
      limit.removeEventListener("abort", abort);
    }
  });
}

type PemFiles = { ca?: string; cert?: string; key?: string };

async function readFiles({ ca, cert, key }: TlsOptions): Promise<PemFiles> {
  const files: PemFiles = {};
  if (ca !== undefined) files.ca = await readPem(ca);
  if (cert !== undefined) files.cert = await readPem(cert);
  if (key !== undefined) files.key = await readPem(key);
  return files;
}

async function readPem(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    return fail(`cannot read ${path}: ${describe(error)}`);
  }
}

async function startTls(wire: Relay, hostname: string, { ca }: PemFiles): Promise<Stream> {
  const secured = await Deno.startTls(wire.inner, { hostname, ...(ca === undefined ? {} : { caCerts: [ca] }) });
  const close = (): void => {
    wire.close();
    secured.close();
  };
  try {
    await secured.handshake();
  } catch (error) {
    close();
    throw error;
  }
  return { read: (buffer) => secured.read(buffer), write: (bytes) => secured.write(bytes), close };
}
