/** `[haproxy]` of vipd.toml and the `options` of a virtual server whose engine it is. */
import * as z from "zod";
import { globalLineProblem, lineProblem } from "../haproxy_line.ts";

/** The haproxy that vipd writes the configuration of, and runs. */
export interface HaproxyConfig {
  /** Absolute path; absent: looked for in a fixed PATH. */
  readonly binary?: string;
  /** vipd's own files: haproxy.cfg, sockets. */
  readonly directory: string;
  /** Lines added to the section `global`, and to `defaults`. */
  readonly global: readonly string[];
  readonly defaults: readonly string[];
}

/** What only haproxy can do for a virtual server. */
export interface HaproxyOptions {
  /** PEM file, or directory of these: TLS ends here. */
  readonly certificate?: string;
  /** http: whoever comes without TLS is sent to https://. */
  readonly redirect_https?: boolean;
  /** X-Forwarded-For and X-Forwarded-Proto tell the real server who asked. */
  readonly forwarded?: boolean;
  /** The real server learns the client's address by the PROXY protocol, of this version. */
  readonly proxy_protocol?: "v1" | "v2";
  /** A cookie of this name keeps a client on its real server. */
  readonly cookie?: string;
  /** In haproxy's words, in place of what the scheduler says. */
  readonly balance?: string;
  /** Lines added to the sections `frontend` and `backend`. */
  readonly frontend?: readonly string[];
  readonly backend?: readonly string[];
}

const absolutePath = z.string().startsWith("/", { error: "expected an absolute path" });

/** A socket in it, with the ending that it has while it is made, is a path of at most 107 bytes (unix(7)). */
const DIRECTORY = { error: "expected an absolute path of at most 75 characters, without blanks and commas" };
const directory = z.string(DIRECTORY).regex(/^\/[^\s,]{1,74}$/, DIRECTORY).regex(/[^/]$/, DIRECTORY);

/** A line of haproxy.cfg. */
const line = lineOf(lineProblem);
const globalLine = lineOf(globalLineProblem);

function lineOf(problemOf: (text: string) => string | null): z.ZodString {
  return z.string().superRefine((text, context) => {
    const problem = problemOf(text);
    if (problem !== null) context.addIssue({ code: "custom", message: problem });
  });
}

export const haproxy: z.ZodType<HaproxyConfig, unknown> = z.strictObject({
  binary: absolutePath.exactOptional().describe("The program; default: haproxy in the usual directories"),
  directory: directory.default("/run/vipd/haproxy").describe("vipd's own files: haproxy.cfg and sockets"),
  global: z.array(globalLine).prefault([]).describe("Lines added to the section global of haproxy.cfg"),
  defaults: z.array(line).prefault([]).describe("Lines added to the section defaults of haproxy.cfg"),
});

export const haproxyOptions: z.ZodType<HaproxyOptions, unknown> = z.strictObject({
  certificate: absolutePath.exactOptional().describe(
    "PEM file with certificate and key, or a directory of these: TLS ends at haproxy",
  ),
  redirect_https: z.boolean().exactOptional().describe(
    "Whoever comes without TLS is sent to https:// (http)",
  ),
  forwarded: z.boolean().exactOptional().describe(
    "X-Forwarded-For and X-Forwarded-Proto tell the real server who asked, in place of what the client says; " +
      "default with http: true",
  ),
  proxy_protocol: z.enum(["v1", "v2"]).exactOptional().describe(
    "The real server, which must expect it, learns the client's address by the PROXY protocol",
  ),
  cookie: z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, { error: "expected the name of a cookie" })
    .exactOptional().describe("A cookie of this name keeps a client on its real server (http)"),
  balance: line.exactOptional().describe(
    'haproxy\'s own algorithm in place of the scheduler\'s: "uri", "hdr(Host)"',
  ),
  frontend: z.array(line).exactOptional().describe("Lines added to the frontend"),
  backend: z.array(line).exactOptional().describe("Lines added to the backend"),
});
