/** TLS for probes: verified by Deno's own TLS; unverified, or with a client certificate, by node:tls. */
import { isIP } from "node:net";
import process from "node:process";
import nodeTls from "node:tls";
import { CheckFailed, describe, fail } from "./check.ts";
import type { Connection, Stream } from "./connection.ts";
import { formatMs, within } from "./deadline.ts";
import type { TlsOptions } from "./http_options.ts";
import { type Relay, relay } from "./relay.ts";
import { chosenVersion, helloLimit } from "./tls_version.ts";

// An address as the name to verify is what is meant; the runtime's advice on that is of no use to operators.
process.noDeprecation = true;

/** A TLS stream over what `connect` opens, for the name `serverName`, all of it within `timeoutMs`. */
export function connectTls(
  connect: (signal: AbortSignal) => Promise<Connection>,
  serverName: string,
  options: TlsOptions,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Stream> {
  return within(timeoutMs, `no TLS connection within ${formatMs(timeoutMs)}`, signal, async (limit) => {
    const files = await readPemFiles(options);
    const heard = new Uint8Array(helloLimit);
    let length = 0;
    const wire = relay(await connect(limit), (bytes) => {
      const part = bytes.subarray(0, helloLimit - length);
      heard.set(part, length);
      length += part.length;
    });
    // Deno.startTls has the better messages, but can neither skip verification nor show a client certificate.
    const start = options.verify && files.cert === undefined ? startTls : startNodeTls;
    const abort = (): void => wire.close();
    limit.addEventListener("abort", abort, { once: true });
    try {
      limit.throwIfAborted();
      const stream = await start(wire, serverName, files, options.verify);
      limit.throwIfAborted();
      const version = chosenVersion(heard.subarray(0, length));
      // The runtime speaks nothing older than 1.2.
      if (options.min_version !== "1.3" || version === "1.3") return stream;
      stream.close();
      return fail(`the server chose TLS ${version ?? "of an unknown version"}, expected at least 1.3`);
    } catch (error) {
      wire.close();
      limit.throwIfAborted();
      if (error instanceof CheckFailed) throw error;
      return fail(`TLS handshake failed: ${describe(error)}`);
    } finally {
      limit.removeEventListener("abort", abort);
    }
  });
}

export type PemFiles = { ca?: string; cert?: string; key?: string };

/** What the options name, read at each look; `CheckFailed` when that is impossible. */
export async function readPemFiles(
  { ca, cert, key }: Pick<TlsOptions, "ca" | "cert" | "key">,
): Promise<PemFiles> {
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
  const plain = await Deno.connect({ hostname: "127.0.0.1", port: wire.port });
  plain.setNoDelay();
  const secured = await Deno.startTls(plain, { hostname, ...(ca === undefined ? {} : { caCerts: [ca] }) });
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

async function startNodeTls(
  wire: Relay,
  servername: string,
  files: PemFiles,
  verify: boolean,
): Promise<Stream> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const options = { host: "127.0.0.1", port: wire.port, rejectUnauthorized: verify, ...files };
  // Where nothing is verified an IP address is left out: it is no name for SNI (RFC 6066 §3).
  const name = verify || isIP(servername) === 0 ? { servername } : {};
  const socket = nodeTls.connect({ ...options, ...name }, resolve);
  socket.on("error", reject);
  socket.on("close", () => reject(new Error("the server closed the connection")));
  await promise;
  socket.setNoDelay(true);
  return nodeStream(socket, wire);
}

/**
 * node:tls calls itself connected also when the handshake failed; what it says then has nothing to do with
 * the reason.
 */
function nodeStream(socket: nodeTls.TLSSocket, wire: Relay): Stream {
  const chunks: AsyncIterator<Uint8Array> = socket[Symbol.asyncIterator]();
  let rest = new Uint8Array();
  let heard = false;
  const explain = (error: unknown): never =>
    fail(heard ? describe(error) : `TLS handshake failed: ${UNACCEPTED}`);
  return {
    async read(buffer: Uint8Array): Promise<number | null> {
      if (rest.length === 0) {
        const { value, done } = await chunks.next().catch(explain);
        if (done === true) return heard ? null : fail(`TLS handshake failed: ${UNACCEPTED}`);
        heard = true;
        rest = new Uint8Array(value);
      }
      const count = Math.min(buffer.length, rest.length);
      buffer.set(rest.subarray(0, count));
      rest = rest.subarray(count);
      return count;
    },
    write(bytes: Uint8Array): Promise<number> {
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      socket.write(bytes, (error) => error ? reject(error) : resolve(bytes.length));
      return promise.catch(explain);
    },
    close: () => wire.close(),
  };
}

/** All that is known where the runtime keeps the reason to itself. */
export const UNACCEPTED = "the server's certificate is not accepted, or it does not speak TLS";
