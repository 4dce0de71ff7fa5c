/** Hooks, FIFOs, webhooks and mail as families of Prometheus samples. PURE. */
import type { FifoStatus, HookStatus, MailStatus, Snapshot, WebhookStatus } from "../snapshot.ts";
import type { Family, Labels, Sample } from "./exposition.ts";

interface Owned {
  readonly labels: Labels;
  readonly hook: HookStatus;
}

const HOOK_COUNTERS: readonly (readonly [string, string, (hook: HookStatus) => number])[] = [
  ["runs", "How often the program has run.", ({ runs }) => runs],
  ["failures", "How often it failed.", ({ failures }) => failures],
  [
    "coalesced",
    "How often it was left out because something newer had happened.",
    ({ coalesced }) => coalesced,
  ],
];

const FIFO_COUNTERS: readonly (readonly [string, string, (fifo: FifoStatus) => number])[] = [
  ["lines", "Lines written to the FIFO.", ({ lines }) => lines],
  ["dropped", "Lines that the FIFO had no room for.", ({ dropped }) => dropped],
];

type Deliveries = Pick<WebhookStatus | MailStatus, "delivered" | "failed" | "dropped">;
const DELIVERY_COUNTERS: readonly (readonly [string, string, (one: Deliveries) => number])[] = [
  ["delivered", "that were delivered", ({ delivered }) => delivered],
  ["failed", "that were given up", ({ failed }) => failed],
  ["dropped", "that were dropped because too many waited", ({ dropped }) => dropped],
];

export function notifyFamilies(
  { virtual_routers, sync_groups, virtual_servers, notify }: Snapshot,
): Family[] {
  const { fifos, webhooks, mail } = notify;
  const hooks = [
    ...owned("virtual_router", virtual_routers),
    ...owned("sync_group", sync_groups),
    ...owned("virtual_server", virtual_servers),
    ...owned("node", [{ name: "", hooks: notify.hooks }]),
  ];
  const mails = mail === null ? [] : [mail];
  return [
    ...HOOK_COUNTERS.map(([name, help, value]) =>
      counter(
        `vipd_hook_${name}`,
        help,
        hooks.map(({ labels, hook }) => ({ labels, value: value(hook) })),
      )
    ),
    gauge(
      "vipd_hook_last_success",
      "Whether the program succeeded when it ran last; absent when it never did.",
      hooks.flatMap(({ labels, hook: { last } }) =>
        last === null ? [] : [{ labels, value: Number(last.problem === null) }]
      ),
    ),
    gauge(
      "vipd_hook_last_duration_seconds",
      "How long the program took when it ran last.",
      hooks.flatMap(({ labels, hook: { last } }) =>
        last === null ? [] : [{ labels, value: last.duration_ms / 1000 }]
      ),
    ),
    ...FIFO_COUNTERS.map(([name, help, value]) =>
      counter(
        `vipd_fifo_${name}`,
        help,
        fifos.map((one) => ({ labels: { path: one.path }, value: value(one) })),
      )
    ),
    ...DELIVERY_COUNTERS.map(([name, which, value]) =>
      counter(
        `vipd_webhook_${name}`,
        `Events ${which}.`,
        byUrl(webhooks, value),
      )
    ),
    gauge(
      "vipd_webhook_queued",
      "Events that wait for the receiver.",
      byUrl(webhooks, ({ queued }) => queued),
    ),
    ...DELIVERY_COUNTERS.map(([name, which, value]) =>
      counter(
        `vipd_mail_${name}`,
        `Mails ${which}.`,
        mails.map((one) => ({ labels: {}, value: value(one) })),
      )
    ),
    gauge("vipd_mail_queued", "Mails that wait.", mails.map(({ queued }) => ({ labels: {}, value: queued }))),
  ];
}

function owned(kind: string, owners: readonly { name: string; hooks: readonly HookStatus[] }[]): Owned[] {
  return owners.flatMap(({ name, hooks }) =>
    hooks.map((hook) => ({ labels: { kind, name, hook: hook.hook }, hook }))
  );
}

function gauge(name: string, help: string, samples: Sample[]): Family {
  return { name, type: "gauge", help, samples };
}

function counter(name: string, help: string, samples: Sample[]): Family {
  return { name: `${name}_total`, type: "counter", help, samples };
}

/** Only the origin of a URL is shown, so receivers of one origin count together: no series twice. */
function byUrl(webhooks: readonly WebhookStatus[], value: (one: WebhookStatus) => number): Sample[] {
  const sums = new Map<string, number>();
  for (const one of webhooks) sums.set(one.url, (sums.get(one.url) ?? 0) + value(one));
  return [...sums].map(([url, sum]) => ({ labels: { url }, value: sum }));
}
