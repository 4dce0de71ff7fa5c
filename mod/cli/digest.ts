/** `vipd digest URL`: the digests of a page, as `expect.digest` of an http check takes them. */
import { fetchAnswer } from "../../checks/http.ts";
import { digestOf } from "../../checks/http_expect.ts";
import { httpOptions } from "../../checks/http_options.ts";
import { parseDuration } from "../config/duration.ts";
import { UsageError } from "../errors.ts";
import { LinuxHost } from "../health/host.ts";
import type { Io } from "./io.ts";
import { parseOptions } from "./options.ts";

const algorithms = ["sha256", "md5"];
const STRINGS = ["connect-to", "host", "method", "timeout"];

/** `digest URL [--connect-to ADDRESS] [--host NAME] [--method M] [--follow] [--insecure]`; 0 done, 1 not. */
export async function digest(args: string[], io: Io): Promise<number> {
  const [url, ...rest] = args;
  if (url === undefined || url.startsWith("-")) throw new UsageError("Name the URL first");
  const options = parseOptions(rest, { boolean: ["follow", "insecure"], string: STRINGS });
  const timeoutMs = timeoutOf(options["timeout"]);
  const request = requestOf(url, options);
  const host = new LinuxHost();
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const { answer, place } = await fetchAnswer({ name: "digest", host }, request, signal);
    io.err(`status ${answer.status}${place}, ${answer.body.length} octets`);
    if (answer.cut) {
      throw new Error(`the body is longer than ${answer.body.length} octets: no check can compare it`);
    }
    for (const algorithm of algorithms) io.out(digestOf(algorithm, answer.body));
    return 0;
  } catch (error) {
    io.err(error instanceof Error ? `vipd digest: ${error.message}` : String(error));
    return 1;
  } finally {
    await host.idle();
  }
}

function timeoutOf(text: string | true = "10s"): number {
  const ms = typeof text === "string" ? parseDuration(text) : undefined;
  if (ms === undefined || ms <= 0) throw new UsageError('--timeout needs a duration such as "10s"');
  return ms;
}

/** The options of the check that asks the same. */
function requestOf(
  url: string,
  options: Readonly<Record<string, string | true>>,
): ReturnType<typeof httpOptions.parse> {
  const { "connect-to": connect_to, host, method, follow, insecure } = options;
  const { data, error } = httpOptions.safeParse({
    url,
    ...(connect_to === undefined ? {} : { connect_to }),
    ...(host === undefined ? {} : { headers: { Host: host }, tls: { server_name: host } }),
    ...(method === undefined ? {} : { method }),
    ...(insecure === true
      ? { tls: { verify: false, ...(host === undefined ? {} : { server_name: host }) } }
      : {}),
    follow_redirects: follow === true,
    connect_timeout: "1h",
  });
  if (data !== undefined) return data;
  const [issue] = error.issues;
  throw new UsageError(`${issue?.path.join(".").replace("_", "-")}: ${issue?.message}`);
}
