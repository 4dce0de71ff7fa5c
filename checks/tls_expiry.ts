/** tls: a server's certificate is trusted, is the right one, and stays valid for long enough. */
import { isIP } from "node:net";
import { connect as connectSocket, type PeerCertificate, type TLSSocket } from "node:tls";
import * as z from "zod";
import { type CheckContext, CheckFailed, defineCheck, describe, duration, fail } from "./check.ts";
import { using } from "./connection.ts";
import { formatMs, within } from "./deadline.ts";
import { tlsOptions } from "./http_options.ts";
import { relay } from "./relay.ts";
import { connectService, serverNameOf, serviceFields } from "./service.ts";
import { readPemFiles, UNACCEPTED } from "./tls.ts";

const usualPort = 443;
const dayMs = 86_400_000;

const options = z.strictObject({
  ...serviceFields(usualPort),
  ...tlsOptions.shape,
  min_validity: duration.prefault("0s").describe(
    'How long the certificate must still be valid, such as "14d"',
  ),
}).refine(({ cert, key }) => (cert === undefined) === (key === undefined), {
  error: "cert and key go together",
  path: ["cert"],
});
type Options = z.output<typeof options>;

export const tls = defineCheck({
  type: "tls",
  summary:
    "Passes when a server's certificate is trusted, bears the right name and does not expire too soon.",
  options,
  defaults: { interval: "10s" },
  target: "address",
  probe,
});

async function probe(context: CheckContext, options: Options, signal: AbortSignal): Promise<string> {
  const { connect_timeout, verify, min_validity } = options;
  const files = await readPemFiles(options);
  const servername = serverNameOf(context, { ...options, tls: options }, usualPort);
  const late = `no TLS connection within ${formatMs(connect_timeout)}`;
  return await within(connect_timeout, late, signal, async (limit) => {
    const wire = relay(await connectService(context, options, usualPort, limit));
    return await using(wire, limit, async () => {
      const place = { host: "127.0.0.1", port: wire.port };
      // Where nothing is verified an IP address is left out: it is no name for SNI (RFC 6066 §3).
      const name = verify || isIP(servername) === 0 ? { servername } : {};
      const socket = connectSocket({ ...place, ...name, ...files, rejectUnauthorized: verify });
      const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
      try {
        // The abort closes the wire, which ends the handshake.
        return judge(await handshaken(socket), min_validity, Date.now());
      } finally {
        socket.destroy();
        await closed;
      }
    });
  });
}

/**
 * The server's certificate. node:tls calls itself connected also when the handshake failed: then there is
 * no certificate, and what is wrong comes with the next error, if at all.
 */
function handshaken(socket: TLSSocket): Promise<PeerCertificate> {
  const { promise, resolve, reject } = Promise.withResolvers<PeerCertificate>();
  socket.on("error", (error) => reject(new CheckFailed(`TLS handshake failed: ${wordsOf(error)}`)));
  socket.on("close", () => reject(new CheckFailed(`TLS handshake failed: ${UNACCEPTED}`)));
  socket.on("secureConnect", () => {
    const certificate = socket.getPeerCertificate();
    if (certificate?.valid_to !== undefined) resolve(certificate);
  });
  // Errors come only to who reads.
  socket.resume();
  return promise;
}

/** An expired certificate's end as a date, where the runtime tells seconds. */
function wordsOf(error: Error): string {
  const [, seconds] = /certificate expired: .*not valid after (\d+)/.exec(error.message) ?? [];
  return seconds === undefined
    ? describe(error)
    : `the certificate has expired ${timeOf(Number(seconds) * 1000)}`;
}

/**
 * "the certificate of www.example.com is valid for 43 days, until 2026-12-31T23:59:59Z", as a note or with
 * what is wrong with that as the reason of a failure.
 */
export function judge(
  { subject, subjectaltname, valid_from, valid_to }: Pick<
    PeerCertificate,
    "subject" | "subjectaltname" | "valid_from" | "valid_to"
  >,
  minValidityMs: number,
  nowMs: number,
): string {
  const [fromMs, toMs] = [Date.parse(valid_from), Date.parse(valid_to)];
  const who = `the certificate of ${subject?.CN ?? subjectaltname ?? "nobody"}`;
  if (!Number.isFinite(toMs)) return fail(`${who} does not tell how long it is valid`);
  if (nowMs > toMs) return fail(`${who} has expired ${daysOf(nowMs - toMs)} ago, ${timeOf(toMs)}`);
  if (nowMs < fromMs) return fail(`${who} is not valid before ${timeOf(fromMs)}`);
  const note = `${who} is valid for ${daysOf(toMs - nowMs)}, until ${timeOf(toMs)}`;
  return toMs - nowMs >= minValidityMs ? note : fail(`${note}; expected ${daysOf(minValidityMs)} at least`);
}

function daysOf(ms: number): string {
  const days = Math.floor(ms / dayMs);
  return days === 0 ? `${Math.floor(ms / 3_600_000)} h` : days === 1 ? "1 day" : `${days} days`;
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}
