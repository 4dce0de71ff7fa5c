/** http: asks a web server in process and judges status, body, digest or JSON of its answer. */
import { type CheckContext, defineCheck, fail } from "./check.ts";
import {
  type Connection,
  type Endpoint,
  formatEndpoint,
  parseEndpoint,
  type Stream,
  using,
} from "./connection.ts";
import { judge } from "./http_expect.ts";
import { type Answer, readAnswer, writeRequest } from "./http_message.ts";
import { type HttpOptions, httpOptions } from "./http_options.ts";
import { originOf } from "./origin.ts";
import { passwordOf } from "./service.ts";
import { connectTls } from "./tls.ts";

const redirectLimit = 10;

/** One request of the chain that redirects make. */
interface Step {
  readonly url: URL;
  readonly method: string;
  readonly body: string | undefined;
}

/**
 * Every probe opens a new connection, as a kept one would hide that no new one is accepted; no proxy is ever
 * used.
 */
export const http = defineCheck({
  type: "http",
  summary: "Passes when the web server answers as expected; every probe opens a new connection.",
  options: httpOptions,
  target: "url",
  probe: probeHttp,
});

/** See `CheckType.probe`. */
export async function probeHttp(
  context: CheckContext,
  options: HttpOptions,
  signal: AbortSignal,
): Promise<string> {
  const { answer, place } = await fetchAnswer(context, options, signal);
  const problem = judge(answer, options.expect);
  return problem === undefined ? `status ${answer.status}${place}` : fail(`${problem}${place}`);
}

/**
 * The answer that a probe judges, after redirects if they are followed; `place` is " at URL" after one.
 * Rejects with `CheckFailed` when there is none.
 */
export async function fetchAnswer(
  context: CheckContext,
  options: HttpOptions,
  signal: AbortSignal,
): Promise<{ answer: Answer; place: string }> {
  const first = firstUrl(context, options);
  let step: Step = { url: first, method: options.method, body: options.body };
  for (let redirects = 0; redirects <= redirectLimit; redirects++) {
    const answer = await ask(context, options, first, step, signal);
    const next = options.follow_redirects ? redirected(step, answer) : undefined;
    if (next === undefined) {
      return { answer, place: step.url.href === first.href ? "" : ` at ${step.url.href}` };
    }
    step = next;
  }
  return fail(`more than ${redirectLimit} redirects`);
}

const firstUrls = new WeakMap<HttpOptions, { target: CheckContext["target"]; url: URL }>();

/** The same options and real server come again with every look. */
function firstUrl(context: CheckContext, options: HttpOptions): URL {
  const known = firstUrls.get(options);
  if (known !== undefined && known.target === context.target) return known.url;
  const url = makeUrl(context, options);
  firstUrls.set(options, { target: context.target, url });
  return url;
}

function makeUrl({ target }: CheckContext, options: HttpOptions): URL {
  const { url, path = "/", scheme = "http", virtual_host, connect_port } = options;
  if (url !== undefined) return new URL(url);
  if (target === undefined) return fail("url is missing");
  const usualPort = scheme === "https" ? 443 : 80;
  const port = connect_port ?? (target.port === 0 ? usualPort : target.port);
  return new URL(`${scheme}://${virtual_host ?? formatEndpoint({ host: target.address, port })}${path}`);
}

async function ask(
  context: CheckContext,
  options: HttpOptions,
  first: URL,
  { url, method, body }: Step,
  signal: AbortSignal,
): Promise<Answer> {
  const own = isOwn(url, first, options);
  // Before the connection: what it cannot read is told even where nobody listens.
  const login = own ? await authorization(options) : undefined;
  const endpoint = own ? ownEndpoint(context, options, url, first) : urlEndpoint(url);
  const stream = await open(context, url, endpoint, options, own, signal);
  return await using(stream, signal, async () => {
    await writeRequest(
      stream,
      method,
      `${url.pathname}${url.search}`,
      options.http_version,
      headersFor(url, options, own, login, body),
      body,
    );
    return await readAnswer(stream, method);
  });
}

/**
 * Whether a URL is the server's own, which gets the credentials and headers: the same origin, the virtual
 * host that the Host header names, or either of them on https after http. A redirect may lead anywhere else.
 */
function isOwn(url: URL, first: URL, { headers }: HttpOptions): boolean {
  const isVirtualHost = url.host === header(headers, "host");
  if (url.hostname !== first.hostname && !isVirtualHost) return false;
  if (url.protocol !== first.protocol) return url.protocol === "https:";
  return isVirtualHost || url.port === first.port;
}

function ownEndpoint(context: CheckContext, options: HttpOptions, url: URL, first: URL): Endpoint {
  const { connect_to, connect_port } = options;
  const { target } = context;
  const base = connect_to === undefined ? undefined : parseEndpoint(connect_to, portOf(first));
  const own = target === undefined
    ? urlEndpoint(first)
    : { host: target.address, port: target.port === 0 ? portOf(first) : target.port };
  const { host, port } = base ?? own;
  // After a redirect from http to https the port that was given for the one does not hold for the other.
  return { host, port: url.protocol === first.protocol ? connect_port ?? port : portOf(url) };
}

function urlEndpoint(url: URL): Endpoint {
  return { host: unbracket(url.hostname), port: portOf(url) };
}

async function open(
  { host }: CheckContext,
  url: URL,
  endpoint: Endpoint,
  options: HttpOptions,
  own: boolean,
  signal: AbortSignal,
): Promise<Stream> {
  const { tls, connect_timeout } = options;
  const connect = (limit: AbortSignal): Promise<Connection> =>
    host.connect(endpoint, originOf(options), connect_timeout, limit);
  if (url.protocol === "http:") return await connect(signal);
  const serverName = (own ? tls.server_name : undefined) ?? unbracket(url.hostname);
  return await connectTls(connect, serverName, tls, connect_timeout, signal);
}

/** `login` is the server's own Authorization, undefined for any other server. */
function headersFor(
  url: URL,
  { headers }: HttpOptions,
  own: boolean,
  login: string | undefined,
  body: string | undefined,
): Record<string, string> {
  const given: Record<string, string> = own ? headers : {};
  const usual: Record<string, string> = { Host: url.host, "User-Agent": "vipd", Accept: "*/*" };
  if (body !== undefined) usual["Content-Length"] = String(new TextEncoder().encode(body).length);
  const authorization = login ?? basic(userInfo(url));
  if (authorization !== undefined) usual["Authorization"] = authorization;
  const wanted = Object.entries(usual).filter(([name]) => header(given, name) === undefined);
  return { ...Object.fromEntries(wanted), ...given, Connection: "close" };
}

/** What the options have to say in the Authorization header; files are read anew, so that they may change. */
async function authorization({ basic_auth, bearer_token_file }: HttpOptions): Promise<string | undefined> {
  if (bearer_token_file !== undefined) {
    const token = await passwordOf({ password_file: bearer_token_file }) ?? "";
    return /^[\x21-\x7e]+$/.test(token) ? `Bearer ${token}` : fail(`${bearer_token_file} holds no token`);
  }
  if (basic_auth === undefined) return undefined;
  return basic(`${basic_auth.username}:${await passwordOf(basic_auth) ?? ""}`);
}

function basic(login: string): string | undefined {
  return login === "" ? undefined : `Basic ${base64(login)}`;
}

/** The request that a redirect asks for; undefined when the answer is none (RFC 9110 §15.4). */
function redirected({ url, method, body }: Step, { status, headers }: Answer): Step | undefined {
  const location = headers.get("location");
  if (![301, 302, 303, 307, 308].includes(status) || location === null) return undefined;
  const next = URL.parse(location, url);
  if (next === null || !/^https?:$/.test(next.protocol)) {
    return fail(`cannot follow the redirect to ${location}`);
  }
  const becomesGet = status === 303 ? method !== "HEAD" : status <= 302 && method === "POST";
  return becomesGet ? { url: next, method: "GET", body: undefined } : { url: next, method, body };
}

function header(headers: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.entries(headers).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
}

function userInfo({ username, password }: URL): string {
  return username === "" && password === ""
    ? ""
    : `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

function portOf({ port, protocol }: URL): number {
  return port !== "" ? Number(port) : protocol === "https:" ? 443 : 80;
}

function unbracket(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, "");
}
