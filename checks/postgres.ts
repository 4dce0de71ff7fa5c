/** postgres: a PostgreSQL server lets the check in, runs a query, and is primary or standby as expected. */
import * as z from "zod";
import { expectQuery, judgeAnswer, judgeRole, queryFields, roleField } from "./answer.ts";
import { type CheckContext, CheckFailed, defineCheck, fail } from "./check.ts";
import { type Stream, using, writeAll } from "./connection.ts";
import { SocketLike } from "./duplex.ts";
import { exportsOf } from "./library.ts";
import { wellFormed } from "./postgres_messages.ts";
import {
  loginFields,
  onePassword,
  openService,
  orAbort,
  passwordOf,
  serverWords,
  serviceFields,
  serviceTls,
} from "./service.ts";

const usualPort = 5432;
const noPassword = "the server asks for a password: give password or password_file";

const options = z.strictObject({
  ...serviceFields(usualPort),
  ...loginFields,
  database: z.string().min(1).default("postgres").describe("Database to connect to"),
  tls: serviceTls,
  role: roleField,
  ...queryFields,
}).refine(...onePassword).refine(...expectQuery);
type Options = z.output<typeof options>;

export const postgres = defineCheck({
  type: "postgres",
  summary: "Passes when a PostgreSQL server lets the check in and answers a query as expected.",
  options,
  target: "address",
  probe,
});

async function probe(context: CheckContext, options: Options, signal: AbortSignal): Promise<string> {
  const { username = "postgres", database } = options;
  const password = await passwordOf(options);
  const stream = await openService(context, options, usualPort, signal, requestTls);
  return await using(stream, signal, async () => {
    const client = await newClient({
      // What is not given here the library looks for in the environment and in ~/.pgpass.
      ...{ user: username, password: () => password ?? fail(noPassword), database, application_name: "vipd" },
      ...{ host: "127.0.0.1", port: usualPort, ssl: false, stream: new SocketLike(wellFormed(stream)) },
    });
    signal.throwIfAborted();
    // What goes wrong is told to whoever waits; later nobody wants to know.
    client.on("error", () => {});
    return await orAbort(signal, look(client, options));
  });
}

/** The part of `pg` that is used here: it brings no types of its own. */
interface Client {
  on(event: "error", listener: () => void): void;
  connect(): Promise<void>;
  query(config: {
    readonly text: string;
    readonly rowMode: "array";
    readonly types: { getTypeParser(): (text: string) => string };
  }): Promise<{ readonly rows: unknown[][] } | readonly { readonly rows: unknown[][] }[]>;
  end(): Promise<void>;
}

async function newClient(settings: object): Promise<Client> {
  const { Client } = exportsOf(await import("pg")) as { readonly Client: new (settings: object) => Client };
  return new Client(settings);
}

async function look(client: Client, { role, query, expect }: Options): Promise<string> {
  try {
    await client.connect();
    const [row] = await run(client, "SELECT pg_is_in_recovery()");
    const recovering = row?.[0];
    if (recovering !== "f" && recovering !== "t") fail("the server does not tell whether it is in recovery");
    const actual = recovering === "f" ? "primary" : "replica";
    judgeRole(actual, role);
    const note = query === undefined ? actual : `${actual}, ${judgeAnswer(await run(client, query), expect)}`;
    await client.end();
    return note;
  } catch (error) {
    if (error instanceof CheckFailed) throw error;
    return fail(serverWords(error));
  }
}

/** Rows of texts and nulls, as the server sends them; of several statements the last one's. */
async function run(client: Client, text: string): Promise<unknown[][]> {
  const types = { getTypeParser: () => (value: string): string => value };
  const result = await client.query({ text, rowMode: "array", types });
  return [result].flat().at(-1)?.rows ?? [];
}

const SSL_REQUEST = Uint8Array.of(0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f);

/** SSLRequest (PostgreSQL's protocol, message formats): "S" says yes. One octet is read, and no more. */
async function requestTls(stream: Stream): Promise<void> {
  await writeAll(stream, SSL_REQUEST);
  const answer = new Uint8Array(1);
  const count = await stream.read(answer);
  if (count === null) fail("the server closed the connection instead of answering the request for TLS");
  if (answer[0] !== 0x53) fail("the server does not speak TLS");
}
