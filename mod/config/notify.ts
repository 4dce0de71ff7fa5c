/**
 * Who is told of what happens: `[notify]`, `[mail]`, and the `notify` table that virtual routers and sync
 * groups have in common.
 */
import * as z from "zod";
import { duration } from "./duration.ts";
import { wholeNumber } from "./values.ts";

/** A program and its arguments; never a shell. */
export type Argv = readonly string[];

const ARGV = { error: 'expected a program and its arguments such as ["/usr/local/bin/notify", "--quick"]' };
const argv = z.array(z.string(), ARGV).min(1, ARGV);
const account = z.string().min(1, { error: "expected a name" }).exactOptional();
const path = z.string().startsWith("/", { error: "expected an absolute path" });
const url = z.url({ protocol: /^https?$/, error: "expected an http:// or https:// URL" });

/** What a virtual router, a sync group or a virtual server says about its own programs. */
export const hookLimits = {
  timeout: duration("10ms", "1h").prefault("30s").describe("A program that takes longer is ended"),
  user: account.describe("User for these programs; default: that of [notify], else vipd's own"),
  group: account.describe("Group for these programs; default: that of the user"),
  webhook: url.exactOptional().describe("Is told as well, by POST: see [notify] webhooks"),
  mail: z.boolean().exactOptional().describe("Whether a mail is sent; default: as [mail] says"),
};

/** The `notify` table of virtual routers and of sync groups. */
export const hooks = z.strictObject({
  active: argv.exactOptional().describe("Run when it becomes ACTIVE, after the addresses are there"),
  backup: argv.exactOptional().describe("Run when it becomes BACKUP, after the addresses are gone"),
  fault: argv.exactOptional().describe("Run when it becomes FAULT"),
  stop: argv.exactOptional().describe("Run when it no longer takes part: vipd stops, maintenance"),
  deleted: argv.exactOptional().describe("Run when a reload has removed it from the configuration"),
  any: argv.exactOptional().describe(
    "Run after each of these, with keepalived's arguments: INSTANCE or GROUP, name, MASTER, BACKUP, FAULT, STOP or DELETED, priority",
  ),
  lower_priority: argv.exactOptional().describe(
    "Run when it is ACTIVE and hears another active router of lower priority",
  ),
  ...hookLimits,
});

/** Programs by the name of what they are run for, and how. */
export interface HooksConfig extends HookLimits {
  readonly active?: Argv;
  readonly backup?: Argv;
  readonly fault?: Argv;
  readonly stop?: Argv;
  readonly deleted?: Argv;
  readonly any?: Argv;
  readonly lower_priority?: Argv;
}

export interface HookLimits {
  /** Milliseconds. */
  readonly timeout: number;
  readonly user?: string;
  readonly group?: string;
  readonly webhook?: string;
  readonly mail?: boolean;
}

/** What a FIFO or a webhook wants to hear of. */
const TOLD_KINDS = [
  "virtual_router",
  "sync_group",
  "override",
  "conflict",
  "virtual_server",
  "real_server",
  "check",
  "config",
  "node",
] as const;

const fifo = z.strictObject({
  path: path.describe("Created when it is not there"),
  events: z.enum(["all", "virtual_router", "virtual_server"]).default("all").describe(
    "virtual_router: of virtual routers and sync groups; virtual_server: of virtual and real servers",
  ),
  command: argv.exactOptional().describe(
    "Program that reads it: gets the path as its last argument, and is started anew when it ends",
  ),
  user: account.describe("User for that program; default: that of [notify]"),
  group: account.describe("Group for that program; default: that of the user"),
});

const webhook = z.strictObject({
  url: url.describe("Is told by POST, in JSON"),
  events: z.array(z.enum(TOLD_KINDS)).min(1, { error: "expected at least one kind of event" })
    .prefault(["virtual_router", "sync_group", "virtual_server", "real_server"]).describe(
      "What it is told of",
    ),
  headers: z.record(
    z.string().regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, "expected a header's name"),
    z.string(),
  )
    .prefault({}).describe("Further headers of the request"),
  token_file: path.exactOptional().describe("File with a bearer token for the Authorization header"),
  ca: path.exactOptional().describe("PEM file of authorities to trust besides the system's"),
  timeout: duration("100ms", "5m").prefault("5s").describe("An attempt that takes longer has failed"),
  attempts: wholeNumber(1, 100).default(5).describe("So often is each event tried, ever more slowly"),
}).refine(({ url, token_file }) => token_file === undefined || new URL(url).username === "", {
  path: ["token_file"],
  error: "the url has a user already, and a request has one Authorization",
});

function areDistinct(fifos: readonly { readonly path: string }[]): boolean {
  return new Set(fifos.map(({ path }) => path)).size === fifos.length;
}

/** `[notify]`: what all hooks share, and who else is told. */
export const notifyFields = z.strictObject({
  startup: argv.exactOptional().describe("Run once, before anything takes part"),
  startup_timeout: duration("10ms", "10m").prefault("10s").describe("When it takes longer, it is ended"),
  shutdown: argv.exactOptional().describe("Run once, after everything has left"),
  shutdown_timeout: duration("10ms", "10m").prefault("10s").describe("When it takes longer, it is ended"),
  user: account.describe("User for programs that name none; default: vipd's own"),
  group: account.describe("Group for programs that name none; default: that of the user"),
  fifos: z.array(fifo).refine(areDistinct, { error: "expected each path once" }).prefault([])
    .describe("Named pipes that get keepalived's lines"),
  priority_changes: z.boolean().default(false).describe(
    "FIFOs are told of changed priorities too (MASTER_PRIORITY, BACKUP_PRIORITY)",
  ),
  webhooks: z.array(webhook).prefault([]).describe("Are told by POST, in JSON"),
});

export type NotifyConfig = Readonly<z.output<typeof notifyFields>>;
export type FifoConfig = Readonly<z.output<typeof fifo>>;
export type WebhookConfig = Readonly<z.output<typeof webhook>>;

/** Where mail goes first. */
export interface MailServer {
  readonly hostname: string;
  /** Undefined: the usual one. */
  readonly port?: number;
}

const SERVER = 'expected "mail.example.org", "192.0.2.25:587" or "[2001:db8::25]:25"';
const mailServer: z.ZodType<MailServer, string> = z.string({ error: SERVER }).transform(
  (text, context): MailServer => {
    const [, bracketed, plain, digits] = /^(?:\[([^\]\s]+)\]|([^:\s[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
    const hostname = bracketed ?? plain;
    const port = digits === undefined ? undefined : Number(digits);
    if (hostname !== undefined && (port === undefined || (port >= 1 && port <= 65535))) {
      return port === undefined ? { hostname } : { hostname, port };
    }
    context.addIssue({ code: "custom", message: SERVER });
    return z.NEVER;
  },
);

const MAIL_ADDRESS = { error: 'expected a mail address such as "ops@example.org"' };
// The part before the @ may be anything that needs no quotes.
const mailAddress = z.string(MAIL_ADDRESS).regex(/^[^\s@<>,;:"]+@[^\s@<>,;:"]+$/, MAIL_ADDRESS);

/** `[mail]`: without it nobody gets mail. */
export const mailFields = z.strictObject({
  server: mailServer.prefault("127.0.0.1").describe(
    'Where mail is handed in: "127.0.0.1:25"; the port is 25, 465 for implicit TLS, 587 with a username',
  ),
  tls: z.enum(["auto", "none", "starttls", "implicit"]).default("auto").describe(
    "auto: STARTTLS where it is offered, and always with a username; starttls, implicit: TLS or no mail; none: never",
  ),
  ca: path.exactOptional().describe("PEM file of authorities to trust besides the system's"),
  username: z.string().min(1, { error: "expected a name" }).exactOptional().describe("For SMTP AUTH"),
  password_file: path.exactOptional().describe("File with the password for SMTP AUTH"),
  from: mailAddress.exactOptional().describe("Sender; default: vipd@ and the host's name"),
  to: z.array(mailAddress).min(1, { error: "expected at least one address" }).describe("Recipients"),
  helo_name: z.string().regex(/^[^\s]+$/, "expected a host name").exactOptional().describe(
    "Name that this host gives itself; default: the host's name",
  ),
  timeout: duration("1s", "10m").prefault("30s").describe("A server that is silent for longer has failed"),
  virtual_routers: z.boolean().default(false).describe(
    "Mail of virtual routers and sync groups that say nothing about it (keepalived: smtp_alert_vrrp)",
  ),
  real_servers: z.boolean().default(true).describe(
    "Mail of virtual servers that say nothing about it (keepalived: smtp_alert_checker)",
  ),
}).refine(({ username, password_file }) => (username === undefined) === (password_file === undefined), {
  error: "expected username and password_file, or neither",
  path: ["username"],
});

export type MailConfig = Readonly<z.output<typeof mailFields>>;
