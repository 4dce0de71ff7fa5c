/** What programs, FIFOs and people are told of virtual servers and their real servers. */
import type { VirtualServer } from "../../balance/virtual_servers.ts";
import type { Config } from "../../config/schema.ts";
import type { RealServerConfig, VirtualServerConfig } from "../../config/virtual_server.ts";
import { hookAccount } from "../../hook_account.ts";
import type { Channels } from "../../notify/channels.ts";
import { type Hooks, ownerOf } from "../../notify/hooks.ts";
import {
  realServerLine,
  realServerMail,
  serviceName,
  virtualServerLine,
  virtualServerMail,
  withReason,
} from "../../notify/words.ts";

/** Without `realServer` it is about the quorum. */
export interface ServerNews {
  readonly server: Pick<VirtualServer, "name" | "config">;
  readonly realServer?: string;
  readonly isUp: boolean;
  readonly reason: string;
}

export interface ServerAudience {
  readonly config: Config;
  readonly hooks: Hooks;
  readonly channels: Channels;
  /** What programs read. */
  document(): Promise<string>;
}

export function tellServer(news: ServerNews, audience: ServerAudience): void {
  runHook(news, audience);
  const { server, realServer, isUp, reason } = news;
  const { config, channels } = audience;
  const service = serviceOf(server);
  const name = realServer === undefined ? undefined : addressOf(server.config, realServer);
  const node = config.node.name;
  const [line, text] = name === undefined
    ? [virtualServerLine(service, isUp), virtualServerMail(node, service, isUp)]
    : [realServerLine(name, service, isUp), realServerMail(node, name, service, isUp)];
  channels.line("virtual_server", line);
  if (config.mail === undefined || !(server.config.notify.mail ?? config.mail.real_servers)) return;
  channels.mail(withReason(text, reason, new Date().toISOString()));
}

function runHook(
  { server: { name, config }, realServer, isUp, reason }: ServerNews,
  { config: { node, notify: defaults }, hooks, document }: ServerAudience,
): void {
  const { notify } = config;
  const hook = realServer === undefined ? (isUp ? "quorum_up" : "quorum_down") : isUp ? "up" : "down";
  const argv = notify[hook];
  if (argv === undefined) return;
  const env = {
    VIPD_NODE: node.name,
    VIPD_VIRTUAL_SERVER: name,
    VIPD_EVENT: hook,
    VIPD_REASON: reason,
    ...(realServer === undefined ? {} : { VIPD_REAL_SERVER: realServer }),
  };
  hooks.tell({
    owner: ownerOf("virtual_server", name),
    topic: realServer === undefined ? "quorum" : `real_server/${realServer}`,
    event: hook,
    calls: [{ hook, argv, env, timeout: notify.timeout, ...hookAccount(notify, defaults) }],
    input: document,
  });
}

/** As keepalived names it; of several addresses the name stands for all. */
function serviceOf({ name, config: { addresses, protocol } }: ServerNews["server"]): string {
  const [first] = addresses;
  if (first === undefined || addresses.length > 1) {
    return `[${name}]:${first?.kind === "address" ? first.port : 0}`;
  }
  return first.kind === "fwmark" ? `FWM ${first.fwmark}` : serviceName(first.address, protocol, first.port);
}

function addressOf({ real_server, protocol }: VirtualServerConfig, name: string): string {
  const server: RealServerConfig | undefined = real_server.find((one) => one.name === name);
  return server === undefined ? name : serviceName(server.address, protocol, server.port);
}
