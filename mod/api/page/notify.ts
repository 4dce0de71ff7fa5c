/** Who is told, on the status page: programs, FIFOs, webhooks and mail. PURE. */
import { html } from "hono/html";
import type { HookStatus, NotifyStatus } from "../../snapshot.ts";
import { formatAge } from "../../age.ts";
import type { Html } from "./servers.ts";

/** Empty when none of them has had anything to do. */
export function hookTable(hooks: readonly HookStatus[], at: string): Html | "" {
  const used = hooks.filter(({ runs, state, coalesced }) => runs + coalesced > 0 || state !== "idle");
  if (used.length === 0) return "";
  return html`
    <table>
      <tr>
        <th>Hook</th>
        <th>Program</th>
        <th>Runs</th>
        <th>Failed</th>
        <th>Left out</th>
        <th>Last</th>
      </tr>
      ${used.map(({ hook, argv0, state, runs, failures, coalesced, last }) =>
        html`
          <tr>
            <td>${hook}${state === "idle" ? "" : ` (${state})`}</td>
            <td><code>${argv0}</code></td>
            <td>${runs}</td>
            <td>${failures}</td>
            <td>${coalesced}</td>
            <td class="${last === null || last.problem === null ? "" : "alarm"}">${last === null
              ? ""
              : `${last.problem ?? "ok"}, ${formatAge(last.at, at)} ago`}</td>
          </tr>
        `
      )}
    </table>
  `;
}

/** Empty when nobody but the programs of virtual routers and servers is told. */
export function notifySection({ hooks, fifos, webhooks, mail }: NotifyStatus, at: string): Html | "" {
  const rows: [string, string, number, number, string | null][] = [
    ...fifos.map((
      { path, lines, dropped, problem },
    ): [string, string, number, number, string | null] => ["FIFO", path, lines, dropped, problem]),
    ...[
      ...webhooks.map((one) => ({ ...one, what: "Webhook", name: one.url })),
      ...(mail === null ? [] : [{ ...mail, what: "Mail", name: mail.server }]),
    ]
      .map((
        { what, name, delivered, failed, dropped, last_problem },
      ): [string, string, number, number, string | null] => [
        what,
        name,
        delivered,
        failed + dropped,
        last_problem,
      ]),
  ];
  const programs = hookTable(hooks, at);
  if (rows.length === 0 && programs === "") return "";
  return html`
    <h2>Told</h2>
    <div class="wide">${programs}${rows.length === 0 ? "" : html`
      <table>
        <tr>
          <th>Who</th>
          <th></th>
          <th>Told</th>
          <th>Lost</th>
          <th>Problem</th>
        </tr>
        ${rows.map(([what, name, told, lost, problem]) =>
          html`
            <tr>
              <td>${what}</td>
              <td><code>${name}</code></td>
              <td>${told}</td>
              <td>${lost}</td>
              <td class="${problem === null ? "" : "alarm"}">${problem ?? ""}</td>
            </tr>
          `
        )}
      </table>
    `}</div>
  `;
}
