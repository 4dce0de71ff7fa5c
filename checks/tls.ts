/** TLS on top of a probe's connection: verified by Deno's own TLS, unverified or with a client certificate by node:tls. */
import nodeTls from "node:tls";
import { fail } from "./check.ts";
import { connect, describe, type Endpoint, type Stream } from "./connection.ts";
import { formatMs, within } from "./deadline.ts";
import type { TlsOptions } from "./http_options.ts";

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
    // Deno.startTls has the better messages, but can neither skip verification nor show a client certificate.
    if (options.verify && files.cert === undefined) {
      return await startTls(await connect(endpoint, timeoutMs, limit), serverName, files.ca, limit);
    }
    return await startNodeTls(endpoint, serverName, { ...files, rejectUnauthorized: options.verify }, limit);
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

async function startTls(
  connection: Deno.TcpConn,
  hostname: string,
  ca: string | undefined,
  signal: AbortSignal,
): Promise<Stream> {
  // Otherwise the request waits for the ACK of the handshake's last flight, which the server delays by 40 ms.
  connection.setNoDelay();
  const secured = await Deno.startTls(connection, {
    hostname,
    ...(ca === undefined ? {} : { caCerts: [ca] }),
  });
  const close = (): void => secured.close();
  signal.addEventListener("abort", close, { once: true });
  try {
    await secured.handshake();
  } catch (error) {
    signal.throwIfAborted();
    secured.close();
    return fail(`TLS handshake failed: ${describe(error)}`);
  } finally {
    signal.removeEventListener("abort", close);
  }
  return secured;
}

async function startNodeTls(
  { host, port }: Endpoint,
  serverName: string,
  options: PemFiles & { rejectUnauthorized: boolean },
  signal: AbortSignal,
): Promise<Stream> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = nodeTls.connect({ host, port, servername: serverName, ...options }, resolve);
  socket.on("error", reject);
  const abort = (): void => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    await promise;
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    return fail(`TLS handshake failed: ${describeNode(error)}`);
  } finally {
    signal.removeEventListener("abort", abort);
  }
  socket.setNoDelay(true);
  return nodeStream(socket);
}

/** node:tls reports a certificate that is refused as "write UNKNOWN". */
function describeNode(error: unknown): string {
  const message = describe(error);
  return message.includes("UNKNOWN") ? "the certificate is not trusted or is for another name" : message;
}

function nodeStream(socket: nodeTls.TLSSocket): Stream {
  const chunks: AsyncIterator<Uint8Array> = socket[Symbol.asyncIterator]();
  let rest = new Uint8Array();
  return {
    async read(buffer: Uint8Array): Promise<number | null> {
      if (rest.length === 0) {
        const { value, done } = await chunks.next();
        if (done === true) return null;
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
      return promise;
    },
    close: () => void socket.destroy(),
  };
}
