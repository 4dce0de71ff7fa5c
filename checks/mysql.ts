/** mysql: a MySQL or MariaDB server lets the check in, runs a query, is primary or replica as expected. */
import { connect as connectSocket, isIP } from "node:net";
import type { Duplex } from "node:stream";
import type { Connection as MysqlConnection, ConnectionOptions, RowDataPacket } from "mysql2";
import * as z from "zod";
import { expectQuery, judgeAnswer, judgeRole, queryFields, roleField } from "./answer.ts";
import { type CheckContext, CheckFailed, defineCheck, fail } from "./check.ts";
import { using } from "./connection.ts";
import { SocketLike } from "./duplex.ts";
import { exportsOf } from "./library.ts";
import { relay } from "./relay.ts";
import {
  connectService,
  loginFields,
  onePassword,
  orAbort,
  passwordOf,
  serverNameOf,
  serverWords,
  serviceFields,
  serviceTls,
} from "./service.ts";
import { readPemFiles, UNACCEPTED } from "./tls.ts";

const usualPort = 3306;
/** Microtasks until a failure has reached whoever waits. */
const settlingTurns = 20;

const options = z.strictObject({
  ...serviceFields(usualPort),
  ...loginFields,
  database: z.string().min(1).optional().describe("Database to select"),
  tls: serviceTls,
  role: roleField,
  ...queryFields,
}).refine(...onePassword).refine(...expectQuery);
type Options = z.output<typeof options>;

export const mysql = defineCheck({
  type: "mysql",
  summary: "Passes when a MySQL or MariaDB server lets the check in and answers a query as expected.",
  options,
  target: "address",
  probe,
});

async function probe(context: CheckContext, options: Options, signal: AbortSignal): Promise<string> {
  const settings = await settingsOf(context, options);
  const wire = await connectService(context, options, usualPort, signal);
  const relayed = options.tls === undefined ? undefined : relay(wire);
  return await using(relayed ?? wire, signal, async () => {
    const { createConnection } = exportsOf(await import("mysql2"));
    signal.throwIfAborted();
    // The library's TLS wants a real socket.
    const stream = relayed === undefined
      ? new SocketLike(wire)
      : connectSocket({ host: "127.0.0.1", port: relayed.port, noDelay: true });
    // What goes wrong is told to the query that waits; later nobody wants to know.
    stream.on("error", () => {});
    const client = createConnection({ ...settings, stream });
    client.on("error", () => {});
    try {
      const note = await orAbort(signal, Promise.race([look(client, options), lost(stream)]));
      // Who only hangs up is counted as an aborted client.
      await orAbort(signal, new Promise<void>((resolve) => client.end(() => resolve())));
      return note;
    } finally {
      client.destroy();
    }
  });
}

async function settingsOf(context: CheckContext, options: Options): Promise<ConnectionOptions> {
  const { username, database, tls } = options;
  const host = serverNameOf(context, options, usualPort);
  if (tls?.verify === true && isIP(host) !== 0) {
    // The library would verify no name at all.
    return fail(`the certificate's name cannot be verified for the address ${host}: give tls.server_name`);
  }
  return {
    host,
    user: username ?? "",
    password: await passwordOf(options) ?? "",
    ...(database === undefined ? {} : { database }),
    ...(tls === undefined ? {} : {
      ssl: { ...await readPemFiles(tls), rejectUnauthorized: tls.verify, verifyIdentity: tls.verify },
    }),
    // The check has a limit of its own.
    connectTimeout: 0,
    rowsAsArray: true,
    typeCast: (field) => field.string(),
    // No program text made of what the server says, and no file of this host for it.
    disableEval: true,
    flags: ["-LOCAL_FILES"],
  };
}

async function look(client: MysqlConnection, { role, query, expect }: Options): Promise<string> {
  const [row] = await run(client, "SELECT @@global.read_only");
  if (typeof row?.[0] !== "string") return fail("the server does not tell whether it is read-only");
  const actual = ["0", "OFF"].includes(row[0]) ? "primary" : "replica";
  judgeRole(actual, role);
  return query === undefined ? actual : `${actual}, ${judgeAnswer(await run(client, query), expect)}`;
}

/** Fails once the connection is closed: who waits for the rest of an answer is not told of that. */
async function lost(stream: Duplex): Promise<never> {
  await new Promise<void>((resolve) => stream.once("close", () => resolve()));
  // What the library has to say of it comes first.
  for (let turn = 0; turn < settlingTurns; turn++) await undefined;
  return fail("connection lost: the server closed the connection");
}

/** Rows of texts and nulls; `CheckFailed` with the server's own words. */
function run(client: MysqlConnection, sql: string): Promise<unknown[][]> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown[][]>();
  client.query<RowDataPacket[][]>(sql, (error, rows) => {
    if (error !== null) reject(new CheckFailed(wordsOf(error)));
    else resolve(Array.isArray(rows) ? rows : []);
  });
  return promise;
}

function wordsOf(error: Error): string {
  // What a broken TLS handshake is called where the library notices it.
  if (error.message === "write UNKNOWN") return `TLS handshake failed: ${UNACCEPTED}`;
  return serverWords(error);
}
