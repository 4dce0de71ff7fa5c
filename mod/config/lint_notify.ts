/** What is allowed in `[notify]`, `[mail]` and the `notify` tables but hardly meant. */
import type { Path } from "./document.ts";
import type { Config } from "./schema.ts";

type Warn = (path: Path, message: string) => void;

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1|\[::1\])$/;

export function lintNotify(config: Config, warn: Warn): void {
  lintWebhooks(config, warn);
  lintMail(config, warn);
  lintFifos(config, warn);
}

function lintWebhooks({ notify }: Config, warn: Warn): void {
  for (const [i, { url, token_file, headers }] of notify.webhooks.entries()) {
    const { protocol, hostname } = new URL(url);
    const isSecret = token_file !== undefined || Object.keys(headers).length > 0;
    if (protocol === "https:" || LOOPBACK.test(hostname) || !isSecret) continue;
    warn(["notify", "webhooks", i, "url"], "http:// shows the token and the headers to everybody on the way");
  }
}

function lintMail({ mail, virtual_router, sync_group, virtual_server }: Config, warn: Warn): void {
  if (mail !== undefined) {
    const isOpen = mail.tls === "none" && mail.username !== undefined && !LOOPBACK.test(mail.server.hostname);
    if (isOpen) warn(["mail", "tls"], "none shows the password to everybody on the way");
    return;
  }
  for (const [table, entries] of Object.entries({ virtual_router, sync_group, virtual_server })) {
    for (const [name, { notify }] of Object.entries(entries)) {
      if (notify.mail !== true) continue;
      warn([table, name, "notify", "mail"], "nobody gets mail: there is no [mail] table");
    }
  }
}

function lintFifos({ notify: { fifos, priority_changes } }: Config, warn: Warn): void {
  const isTold = fifos.some(({ events }) => events !== "virtual_server");
  if (priority_changes && !isTold) {
    warn(["notify", "priority_changes"], "has no effect: no FIFO is told of virtual routers");
  }
}
