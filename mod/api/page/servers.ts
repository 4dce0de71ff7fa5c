/** Virtual servers on the status page: an article each, with a table of its real servers. PURE. */
import { html } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";
import type { DirectRoutingStatus, RealServerStatus, VirtualServerStatus } from "../../snapshot.ts";
import { formatAge } from "../../age.ts";

export type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

/** A page with more rows would be of no use to anybody. */
const SHOWN_MAX = 200;

export function serverArticle(server: VirtualServerStatus, at: string): Html {
  const { name, quorum, scheduler, engine, virtual_router, checking, problem, sorry_server: sorry } = server;
  const router = virtual_router === null ? "" : ` · with ${virtual_router}`;
  const { live_weight: live, required, hysteresis } = quorum;
  return html`
    <article>
      <h3>${name}</h3>
      <span class="state ${quorum.up ? "up" : "down"}">${quorum.up ? "quorum" : "no quorum"}</span>
      <span class="soft">for ${formatAge(quorum.since, at)} · ${scheduler} by ${engine ??
        "nothing"}${router}${checking ? "" : " · not ACTIVE here, checks pause"}</span>
      ${problem === null ? "" : html`
        <p class="alarm">${problem}</p>
      `} ${server.warnings.map((one) =>
        html`
          <p class="soft">${one}</p>
        `
      )}
      <p>${server.services.slice(0, SHOWN_MAX).map(serviceText)}</p>
      <p>
        Healthy weight <code>${live}</code> of ${required} needed${hysteresis === 0
          ? ""
          : ` (hysteresis ${hysteresis})`}${sorry === null
          ? ""
          : `; sorry server ${sorry.address} ${SORRY[sorry.state]}`}
      </p>
      ${server.last_healed === null ? "" : html`
        <p class="soft">Changes of somebody else undone: ${server.healed}; ${formatAge(
          server.last_healed.at,
          at,
        )} ago ${server.last_healed.what}</p>
      `}
      <div class="wide">${realServerTable(shownOf(server), at)}</div>
    </article>
  `;
}

const SORRY = { out: "stands by", in: "serves", quiesced: "keeps the connections that it has" } as const;

function serviceText({ service, present }: VirtualServerStatus["services"][number]): Html {
  return html`
    <code>${service}</code> ${present ? "" : html`
      <small>not there</small>
    `}
  `;
}

/** Of very many those come first that are not simply up. */
function shownOf({ real_servers: all }: VirtualServerStatus): RealServerStatus[] {
  if (all.length <= SHOWN_MAX) return all;
  return all.toSorted((a, b) => Number(a.state === "up") - Number(b.state === "up")).slice(0, SHOWN_MAX);
}

function realServerTable(servers: readonly RealServerStatus[], at: string): Html {
  return html`
    <table>
      <tr>
        <th>Real server</th>
        <th>State</th>
        <th>For</th>
        <th>Reason</th>
        <th>Weight</th>
        <th>Active</th>
        <th>Connections</th>
      </tr>
      ${servers.map((server) =>
        html`
          <tr>
            <td>${server.name}${server.name === server.address ? "" : html`
              <small>${server.address}</small>
            `}</td>
            <td><span class="state ${server.state}">${server.state}</span></td>
            <td>${formatAge(server.since, at)}</td>
            <td>${server.reason}</td>
            <td class="n">${server.weight ?? "-"} of ${server.configured_weight}</td>
            <td class="n">${server.active_connections ?? "-"}</td>
            <td class="n">${server.traffic?.connections ?? "-"}</td>
          </tr>
        `
      )}
    </table>
  `;
}

/** The addresses that this host answers as a real server. */
export function directTable(all: readonly DirectRoutingStatus[]): Html {
  return html`
    <table>
      <tr>
        <th>Name</th>
        <th>Interface</th>
        <th>Addresses</th>
        <th>Problem</th>
      </tr>
      ${all.map(({ name, interface: device, addresses, problem }) =>
        html`
          <tr>
            <td>${name}</td>
            <td>${device}</td>
            <td>${addresses.map(({ address, present }) =>
              html`
                <code>${address}</code>${present ? "" : html`
                  <span class="state down">missing</span>
                `}
              `
            )}</td>
            <td>${problem ?? ""}</td>
          </tr>
        `
      )}
    </table>
  `;
}
