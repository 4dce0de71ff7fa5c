/** Mail in global_defs of keepalived.conf: `[mail]`. */
import { formatDuration } from "../../../checks/duration.ts";
import { switchAt, wholeNumberAt, wordAt } from "./arguments.ts";
import type { Conversion } from "./conversion.ts";
import { type Draft, set, tableAt } from "./draft.ts";
import type { Mail } from "./globals.ts";
import type { Tell } from "./report.ts";
import { type Keywords, rows } from "./table.ts";
import type { Statement } from "./tree.ts";

export const MAIL_GLOBALS: Keywords<Conversion> = [
  {
    keyword: "notification_email",
    outcome: "converted",
    why: "mail.to",
    convert: ({ raw }, { globals: { mail } }, tell) => {
      for (const { text } of (raw ?? []).flat()) {
        const address = mailAddress(text, tell);
        if (address !== undefined && !mail.to.includes(address)) mail.to.push(address);
      }
    },
  },
  {
    keyword: "notification_email_from",
    outcome: "converted",
    why: "mail.from",
    convert: (statement, { globals: { mail } }, tell) => {
      const word = wordAt(statement, 0, tell);
      const address = word === undefined ? undefined : mailAddress(word.text, tell);
      if (address !== undefined) mail.from = address;
    },
  },
  {
    keyword: "smtp_server",
    outcome: "converted",
    why: "mail.server",
    convert: (statement, { globals: { mail } }, tell) => {
      const host = wordAt(statement, 0, tell)?.text;
      const port = statement.args.length > 1 ? wholeNumberAt(statement, 1, [1, 65_535], tell) : 25;
      if (host !== undefined && port !== undefined) {
        mail.server = `${host.includes(":") ? `[${host}]` : host}:${port}`;
      }
    },
  },
  {
    keyword: "smtp_helo_name",
    outcome: "converted",
    why: "mail.helo_name",
    convert: (statement, { globals: { mail } }, tell) => {
      const name = wordAt(statement, 0, tell)?.text;
      if (name !== undefined) mail.heloName = name;
    },
  },
  {
    keyword: "smtp_connect_timeout",
    outcome: "converted",
    why: "mail.timeout",
    convert: (statement, { globals: { mail } }, tell) => {
      const seconds = wholeNumberAt(statement, 0, [0, 600], tell);
      if (seconds !== undefined) mail.timeoutMs = Math.max(1, seconds) * 1000;
    },
  },
  alert("smtp_alert", "mail.virtual_routers and mail.real_servers", (mail, on) => mail.all = on),
  alert("smtp_alert_vrrp", "mail.virtual_routers", (mail, on) => mail.virtualRouters = on),
  alert("smtp_alert_checker", "mail.real_servers", (mail, on) => mail.realServers = on),
  {
    keyword: "no_checker_emails",
    outcome: "converted",
    why: "mail.real_servers = false",
    convert: (_statement, { globals: { mail } }) => {
      mail.realServers = false;
    },
  },
  ...rows("refused", "mail of a virtual router tells FAULT too: turn it off there with notify.mail = false", [
    "no_email_faults",
  ], true),
];

function alert(
  keyword: string,
  why: string,
  put: (mail: Mail, on: boolean) => void,
): Keywords<Conversion>[number] {
  return {
    keyword,
    outcome: "converted",
    why,
    convert: (statement: Statement, { globals: { mail } }: Conversion, tell: Tell) => {
      const on = switchAt(statement, tell);
      if (on !== undefined) put(mail, on);
    },
  };
}

/** `Name <a@b>` is `a@b` in vipd.toml. */
function mailAddress(text: string, tell: Tell): string | undefined {
  const [, inner] = /<([^<>]*)>\s*$/.exec(text) ?? [];
  const address = (inner ?? text).trim();
  if (/^[^\s@<>,;:"]+(?:@[^\s@<>,;:"]+)?$/.test(address)) return address;
  tell.refuse(`expected a mail address, got "${text}"`);
  return undefined;
}

/** `[mail]`, when keepalived would send any. */
export function writeMail(draft: Draft, mail: Mail, tell: Tell): void {
  const { server, to, from, heloName, timeoutMs, all, virtualRouters, realServers } = mail;
  if (server === undefined || to.length === 0) {
    if (server !== undefined || to.length > 0) {
      tell.nothing("keepalived sends no mail without both smtp_server and notification_email: no [mail]");
    }
    return;
  }
  const table = tableAt(draft, ["mail"]);
  set(table, "server", server);
  set(table, "tls", "none", {
    comment: 'keepalived knows no TLS; by itself vipd would use it where it is offered ("auto")',
  });
  set(table, "from", from);
  set(table, "to", to);
  set(table, "helo_name", heloName);
  set(table, "timeout", formatDuration(timeoutMs));
  set(table, "virtual_routers", virtualRouters ?? all ?? false);
  set(table, "real_servers", realServers ?? all ?? true);
}
