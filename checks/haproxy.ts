/** haproxy: it answers at its stats socket, its frontends are open, enough servers of a backend are up. */
import * as z from "zod";
import { type CheckContext, defineCheck, fail } from "./check.ts";
import { type Stream, using, writeAll } from "./connection.ts";
import { parseTable } from "./haproxy_table.ts";
import { connectService, serviceFields } from "./service.ts";

const usualPort = 9999;
/** A row is some 400 octets: enough for ten thousand servers. */
const answerMax = 8 << 20;

const options = z.strictObject({
  ...serviceFields(usualPort),
  frontends: z.array(z.string().min(1)).default([]).describe("Frontends that must be open"),
  backend: z.string().min(1).optional().describe("Backend of which servers must be up"),
  min_up: z.int().min(1).max(100_000).default(1).describe("How many servers of the backend must be up"),
});
type Options = z.output<typeof options>;

export const haproxy = defineCheck({
  type: "haproxy",
  summary: "Passes while haproxy answers at its stats socket, with frontends open and servers up as asked.",
  options,
  target: "address",
  probe,
});

async function probe(context: CheckContext, options: Options, signal: AbortSignal): Promise<string> {
  const connection = await connectService(context, options, usualPort, signal);
  return await using(connection, signal, async () => {
    // Frontends (1), backends (2) and servers (4) of all proxies; haproxy closes after the answer.
    await writeAll(connection, new TextEncoder().encode("show info;show stat -1 7 -1\n"));
    return judge(await readAll(connection), options);
  });
}

async function readAll(stream: Stream): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(16 * 1024);
  let text = "";
  for (let count = await stream.read(buffer); count !== null; count = await stream.read(buffer)) {
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
    if (text.length > answerMax) return fail(`haproxy's answer is longer than ${answerMax >> 20} MiB`);
  }
  return text;
}

/** The note of a pass, of the answer to `show info` and `show stat`; `CheckFailed` otherwise. */
export function judge(
  text: string,
  { frontends, backend, min_up }: Pick<Options, "frontends" | "backend" | "min_up">,
): string {
  const [, version] = /^Version: (\S+)/m.exec(text) ?? [];
  if (!/^Name: /m.test(text) || version === undefined) return fail(`not haproxy's answer: ${quote(text)}`);
  if (/^Stopping: [1-9]/m.test(text)) return fail("haproxy is stopping");
  const notes = [`haproxy ${version}`];
  // A table ends with an empty line.
  if (!text.endsWith("\n\n")) return fail("haproxy's answer is cut off");
  const rows = frontends.length === 0 && backend === undefined ? [] : tableOf(text);
  for (const name of frontends) {
    const status = rows.find((row) => row.proxy === name && row.name === "FRONTEND")?.status;
    if (status === undefined) return fail(`haproxy has no frontend ${name}`);
    if (status !== "OPEN") return fail(`frontend ${name} is ${status}`);
    notes.push(`${name} open`);
  }
  return [...notes, ...backend === undefined ? [] : [judgeBackend(rows, backend, min_up)]].join(", ");
}

interface Row {
  readonly proxy: string;
  /** "FRONTEND", "BACKEND", or a server's name. */
  readonly name: string;
  readonly status: string;
}

function tableOf(text: string): Row[] {
  const start = text.search(/^# pxname,/m);
  try {
    return parseTable(start < 0 ? "" : text.slice(start), ["pxname", "svname", "status"])
      .map(([proxy = "", name = "", status = ""]) => ({ proxy, name, status }));
  } catch {
    return fail(`haproxy lists no proxies: ${quote(text.slice(Math.max(0, start)))}`);
  }
}

function judgeBackend(rows: readonly Row[], backend: string, minUp: number): string {
  const own = rows.filter(({ proxy, name }) => proxy === backend && name !== "FRONTEND");
  if (own.length === 0) return fail(`haproxy has no backend ${backend}`);
  const servers = own.filter(({ name }) => name !== "BACKEND");
  // "UP", and "UP 1/3" while failures are counted; a server without a check serves as well.
  const up = servers.filter(({ status }) => /^(UP\b|no check$)/.test(status));
  const said = `${up.length} of ${servers.length} servers of ${backend} up`;
  if (up.length >= minUp) return said;
  const down = servers.filter((row) => !up.includes(row)).slice(0, 5).map(({ name, status }) =>
    `${name} ${status}`
  );
  return fail(`${said}, expected ${minUp}${down.length === 0 ? "" : `: ${down.join(", ")}`}`);
}

function quote(text: string): string {
  return text === "" ? "nothing" : JSON.stringify(text.slice(0, 80));
}
