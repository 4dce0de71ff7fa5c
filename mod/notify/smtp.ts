/** One mail to one SMTP server, by nodemailer. */
import type { MailConfig } from "../config/notify.ts";
import { Undeliverable } from "./deliveries.ts";
import type { Mail } from "./mail.ts";

export interface SmtpOptions extends Omit<MailConfig, "password_file" | "ca"> {
  readonly password?: string;
  /** PEM text. */
  readonly ca?: string;
}

const PORTS = { plain: 25, implicit: 465, submission: 587 } as const;
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/;

/** Rejects when it was not accepted: with an Undeliverable when it never will be. */
export async function sendMail(
  hostName: string,
  options: SmtpOptions,
  { subject, body }: Mail,
  signal: AbortSignal,
): Promise<void> {
  const { createTransport } = await import("nodemailer");
  signal.throwIfAborted();
  const transport = createTransport(settingsOf(hostName, options));
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const end = (): void => reject(signal.reason);
  signal.addEventListener("abort", end, { once: true });
  try {
    await Promise.race([
      ended,
      transport.sendMail({
        from: options.from ?? `vipd@${hostName}`,
        to: [...options.to],
        subject,
        text: `${body}\n`,
        headers: { "X-Mailer": "vipd", "Auto-Submitted": "auto-generated" },
      }),
    ]);
  } catch (error) {
    throw judged(error);
  } finally {
    signal.removeEventListener("abort", end);
    // A connection that hangs ends with its transport.
    transport.close();
  }
}

function settingsOf(hostName: string, options: SmtpOptions): Record<string, unknown> {
  const { server: { hostname, port }, tls, username, password, ca, helo_name, timeout } = options;
  const isImplicit = tls === "implicit";
  const usual = isImplicit ? PORTS.implicit : username === undefined ? PORTS.plain : PORTS.submission;
  // A password goes to another host under TLS or not at all, unless the operator says `none`.
  const isNeeded = tls === "starttls" ||
    (tls === "auto" && username !== undefined && !LOOPBACK.test(hostname));
  const mayDistrust = tls === "auto" && !isNeeded;
  return {
    host: hostname,
    port: port ?? usual,
    secure: isImplicit,
    ignoreTLS: tls === "none",
    requireTLS: isNeeded,
    opportunisticTLS: mayDistrust,
    tls: { rejectUnauthorized: !mayDistrust, ...(ca === undefined ? {} : { ca }) },
    name: helo_name ?? hostName,
    connectionTimeout: timeout,
    greetingTimeout: timeout,
    socketTimeout: timeout,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(username === undefined ? {} : { auth: { user: username, pass: password ?? "" } }),
  };
}

/** What nodemailer puts into its errors beside the message. */
interface SmtpError extends Error {
  readonly code?: string;
  readonly responseCode?: number;
}

function judged(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code, responseCode = 0, message }: SmtpError = error;
  // A server that refuses a recipient or a password does so again.
  if (responseCode >= 500) return new Undeliverable(message);
  return code === undefined ? error : new Error(`${message} (${code})`);
}
