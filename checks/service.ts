/** What checks of a service share that listens at a port or a unix socket: where, as whom, TLS or not. */
import * as z from "zod";
import { absolutePath, type CheckContext, describe, fail } from "./check.ts";
import { type Connection, parseEndpoint, serviceEndpoint, type Stream } from "./connection.ts";
import { tlsOptions } from "./http_options.ts";
import { connectPort, connectTimeout, originFields, originOf } from "./origin.ts";
import { connectTls } from "./tls.ts";

const passwordMax = 4096;

/** `address` of a service with that usual port, and all that says how to get there. */
export function serviceFields(usualPort: number): {
  readonly address: z.ZodOptional<z.ZodString>;
  readonly connect_port: typeof connectPort;
  readonly connect_timeout: typeof connectTimeout;
} & typeof originFields {
  return {
    address: z.string().refine((text) => isPath(text) || parseEndpoint(text, usualPort), {
      error: "expected host, host:port or the absolute path of a unix socket",
    }).optional().describe(
      `Where to connect: "host" (port ${usualPort}), "host:port" or the path of a unix socket; ` +
        "a real server has its own",
    ),
    connect_port: connectPort,
    connect_timeout: connectTimeout,
    ...originFields,
  };
}

type ServiceOptions = z.output<z.ZodObject<ReturnType<typeof serviceFields>>>;

/** Who the check says it is; not both ways to give the password, see `onePassword`. */
export const loginFields = {
  username: z.string().min(1).optional().describe("User name"),
  password: z.string().optional().describe("Password; ${ENV_NAME} keeps it out of the file"),
  password_file: absolutePath.optional().describe(
    "File that holds the password, read at each look; a line break at its end is none of it",
  ),
} as const;

interface Login {
  readonly password?: string | undefined;
  readonly password_file?: string | undefined;
}

/** What `refine` of a schema takes: what must hold, and what is wrong where otherwise. */
export type Refinement<Options> = readonly [
  holds: (options: Options) => boolean,
  otherwise: { readonly error: string; readonly path: PropertyKey[] },
];

/** The password stands in the configuration or in a file, not in both. */
export const onePassword: Refinement<Login> = [
  ({ password, password_file }) => password === undefined || password_file === undefined,
  { error: "give password or password_file, not both", path: ["password_file"] },
];

export const serviceTls = tlsOptions.optional().describe(
  "Speak TLS: {} verifies the server's certificate against the system's authorities",
);

/** The password, if any; `CheckFailed` when its file cannot be read. */
export async function passwordOf({ password, password_file }: Login): Promise<string | undefined> {
  if (password_file === undefined) return password;
  const text = await Deno.readTextFile(password_file)
    .catch((error: unknown) => fail(`cannot read ${password_file}: ${describe(error)}`));
  if (text.length > passwordMax) return fail(`${password_file} holds more than a password`);
  return text.replace(/\r?\n$/, "");
}

/** A connection to the service, within `connect_timeout`. */
export function connectService(
  context: CheckContext,
  options: ServiceOptions,
  usualPort: number,
  signal: AbortSignal,
): Promise<Connection> {
  const { address, connect_timeout } = options;
  if (address !== undefined && isPath(address)) return connectUnix(address, signal);
  const endpoint = serviceEndpoint(context, options, usualPort);
  return context.host.connect(endpoint, originOf(options), connect_timeout, signal);
}

/**
 * The same, over TLS where `tls` is given. `prepare` is what client and server say to each other before the
 * handshake.
 */
export async function openService(
  context: CheckContext,
  options: ServiceOptions & { readonly tls?: z.output<typeof tlsOptions> | undefined },
  usualPort: number,
  signal: AbortSignal,
  prepare?: (connection: Connection) => Promise<void>,
): Promise<Stream> {
  const { tls, connect_timeout } = options;
  if (tls === undefined) return await connectService(context, options, usualPort, signal);
  const connect = async (limit: AbortSignal): Promise<Connection> => {
    const connection = await connectService(context, options, usualPort, limit);
    try {
      await prepare?.(connection);
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  };
  return await connectTls(connect, serverNameOf(context, options, usualPort), tls, connect_timeout, signal);
}

/** The name to verify: the one that is given, or the host that is connected to. */
export function serverNameOf(
  context: CheckContext,
  options: ServiceOptions & { readonly tls?: z.output<typeof tlsOptions> | undefined },
  usualPort: number,
): string {
  const { address, tls } = options;
  if (tls?.server_name !== undefined) return tls.server_name;
  if (address !== undefined && isPath(address)) return "localhost";
  return serviceEndpoint(context, options, usualPort).host;
}

function isPath(address: string): boolean {
  return address.startsWith("/");
}

async function connectUnix(path: string, signal: AbortSignal): Promise<Connection> {
  signal.throwIfAborted();
  // The kernel answers at once: it connects, or says why not.
  const socket = await Deno.connect({ transport: "unix", path })
    .catch((error: unknown) => fail(`cannot connect to ${path}: ${describe(error)}`));
  let isOpen = true;
  const close = (): void => {
    if (isOpen) socket.close();
    isOpen = false;
    signal.removeEventListener("abort", close);
  };
  signal.addEventListener("abort", close, { once: true });
  if (signal.aborted) close();
  signal.throwIfAborted();
  return {
    signal,
    read: (buffer) => socket.read(buffer),
    write: (bytes) => socket.write(bytes),
    closeWrite: () => socket.closeWrite(),
    setNoDelay: () => {},
    close,
  };
}

/** What a server says of itself is shown, but not at any length. */
const wordsMax = 200;

/** A server's own words about what is wrong, as a library passes them on. */
export function serverWords(error: unknown): string {
  return describe(error).slice(0, wordsMax);
}

/** `work`, or the abort, whichever comes first; what a library says after the abort is of no interest. */
export function orAbort<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  work.then(resolve, reject);
  return promise.finally(() => signal.removeEventListener("abort", abort));
}
