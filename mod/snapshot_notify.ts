/** The part of the read model (snapshot.ts) about who is told: programs, FIFOs, webhooks, mail. */
import * as z from "zod";

const time = z.iso.datetime();
const counter = z.int().nonnegative();

/** A program that is told of what happens. */
export const HookStatus = z.strictObject({
  /** Its key in the configuration. */
  hook: z.string(),
  argv0: z.string(),
  state: z.enum(["idle", "running", "waiting"]),
  /** `output`: the end of what it wrote; `exit_code` null: it was ended, or never ran. */
  last: z.strictObject({
    at: time,
    event: z.string(),
    exit_code: z.int().nullable(),
    duration_ms: z.number(),
    output: z.string(),
    problem: z.string().nullable(),
  }).nullable(),
  runs: counter,
  failures: counter,
  /** Left out because something newer had happened by the time that its turn came. */
  coalesced: counter,
});
export type HookStatus = z.infer<typeof HookStatus>;

const deliveries = {
  queued: counter,
  delivered: counter,
  /** Given up after all attempts. */
  failed: counter,
  /** Too many waited. */
  dropped: counter,
  /** Of the last attempt; null: it worked. */
  last_problem: z.string().nullable(),
};

/** A receiver of events; `url` without what may be secret in it. */
const WebhookStatus = z.strictObject({ url: z.string(), events: z.array(z.string()), ...deliveries });
export type WebhookStatus = z.infer<typeof WebhookStatus>;

const MailStatus = z.strictObject({ server: z.string(), to: z.array(z.string()), ...deliveries });
export type MailStatus = z.infer<typeof MailStatus>;

/** A named pipe with keepalived's lines. */
const FifoStatus = z.strictObject({
  path: z.string(),
  events: z.enum(["all", "virtual_router", "virtual_server"]),
  lines: counter,
  /** Nobody has read for so long that the pipe is full. */
  dropped: counter,
  problem: z.string().nullable(),
  /** The program that reads it. */
  reader: z.strictObject({
    argv0: z.string(),
    state: z.enum(["running", "waiting"]),
    restarts: counter,
    last_problem: z.string().nullable(),
  }).nullable(),
});
export type FifoStatus = z.infer<typeof FifoStatus>;

/** Who is told of what happens, beside the programs of virtual routers and servers. */
export const NotifyStatus = z.strictObject({
  /** `startup` and `shutdown`. */
  hooks: z.array(HookStatus),
  fifos: z.array(FifoStatus),
  webhooks: z.array(WebhookStatus),
  mail: MailStatus.nullable(),
});
export type NotifyStatus = z.infer<typeof NotifyStatus>;
