/** The status page: a snapshot as one HTML document that reads well with and without its script. PURE. */
import { html, raw } from "hono/html";
import {
  type CheckStatus,
  type ForeignRouter,
  RouterState,
  type Snapshot,
  type SyncGroupStatus,
  type VirtualRouterStatus,
} from "../../snapshot.ts";
import { recoveryText } from "../../recovery_text.ts";
import { formatAge } from "../../age.ts";
import { SCRIPT, STYLE } from "./assets.ts";
import { hookTable, notifySection } from "./notify.ts";
import { directTable, type Html, serverArticle } from "./servers.ts";

/** The whole document. Every value of the snapshot is escaped by the template. */
export function renderPage(snapshot: Snapshot): string {
  const { node, virtual_routers, sync_groups, virtual_servers, direct_routing } = snapshot;
  const { foreign_routers, checks, at } = snapshot;
  return String(html`
    <!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>${titleOf(snapshot)}</title>
        <link rel="icon" href="data:,">
        ${raw(`<style>${STYLE}</style>`)}
        <noscript><meta http-equiv="refresh" content="5"></noscript>
      </head>
      <body>
        <main>
          <header>
            <h1>${node.name}</h1>
            <span>vipd ${node.version}, engine ${node.engine}, up ${formatAge(node.started, at)}</span>
            <span class="soft">${at}</span>
          </header>
          ${node.maintenance === null ? "" : html`
            <p class="alarm">Maintenance ${node.maintenance.until === null
              ? "until it is ended"
              : `until ${node.maintenance.until}`}: this node stays out</p>
          `} ${virtual_routers.map(overrideAlarm)} ${node.state_file.problem === null ? "" : html`
            <p class="alarm">State file: ${node.state_file.problem}</p>
          `} ${node.last_reload_error === null ? "" : html`
            <p class="alarm">Last reload failed: ${node.last_reload_error}</p>
          `}
          <h2>Virtual routers</h2>
          ${virtual_routers.length === 0
            ? html`
              <p class="soft">None is configured.</p>
            `
            : virtual_routers.map((router) => routerArticle(router, at))} ${sync_groups.length === 0
            ? ""
            : html`
              <h2>Sync groups</h2>
              ${sync_groups.map((group) => groupArticle(group, at))}
            `} ${virtual_servers.length === 0 ? "" : html`
            <h2>Virtual servers</h2>
            ${virtual_servers.map((server) => serverArticle(server, at))}
          `} ${direct_routing.length === 0 ? "" : html`
            <h2>Direct routing</h2>
            <div class="wide">${directTable(direct_routing)}</div>
          `}
          <h2>Checks</h2>
          ${checks.length === 0
            ? html`
              <p class="soft">None is configured.</p>
            `
            : html`
              <div class="wide">${checkTable(checks, at)}</div>
            `} ${notifySection(snapshot.notify, at)} ${foreign_routers.length === 0 ? "" : html`
            <h2>Other virtual routers on our links</h2>
            <div class="wide">${foreignTable(foreign_routers, at)}</div>
          `}
        </main>
        <footer>
          <small><span id="link">static</span> · <a href="status">JSON</a> · <a href="metrics">metrics</a> · <a
            href="openapi.json"
          >API</a></small>
        </footer>
        ${raw(`<script>${SCRIPT}</script>`)}
      </body>
    </html>
  `).trim() + "\n";
}

function overrideAlarm({ name, base_priority, override }: VirtualRouterStatus): Html | "" {
  if (override === null) return "";
  const { by, priority, until, suspended } = override;
  const what = by === "prefer" ? "is preferred here" : `has priority ${priority} instead of ${base_priority}`;
  return html`
    <p class="alarm">${name} ${what}, by the operator${until === null
      ? ""
      : ` until ${until}`}${suspended === null ? "" : `; not now: ${suspended}`}</p>
  `;
}

/** `lb1 · VI_1 ACTIVE`; with many routers how many are in each state. */
function titleOf({ node, virtual_routers }: Snapshot): string {
  if (virtual_routers.length <= 3) {
    return [node.name, ...virtual_routers.map(({ name, state }) => `${name} ${state}`)].join(" · ");
  }
  const counts = RouterState.options
    .map((state) => ({ state, count: virtual_routers.filter((router) => router.state === state).length }))
    .filter(({ count }) => count > 0);
  return [node.name, ...counts.map(({ state, count }) => `${count} ${state}`)].join(" · ");
}

function routerArticle(router: VirtualRouterStatus, at: string): Html {
  const { name, state, since, reason, vrid, version, family, interface: device } = router;
  return html`
    <article>
      <h3>${name}</h3>
      <span class="state ${state}">${state}</span>
      <span class="soft"
      >for ${formatAge(since, at)} · vrid ${vrid} · VRRPv${version} ${family} on ${device}${router.handover
        ? " · handing over"
        : ""}</span>
      <p>${reason}</p>
      ${router.held_back === null ? "" : html`
        <p>Does not take over: ${router.held_back}</p>
      `}
      <p>${router.addresses.map(addressText)}</p>
      ${router.conflicts.map(({ address, interface: port, mac, last_seen }) =>
        html`
          <p class="alarm">
            <code>${address}</code> is in use by <code>${mac}</code> on ${port}${state === "ACTIVE"
              ? " as well"
              : ""}, seen ${formatAge(
                last_seen,
                at,
              )}
            ago
          </p>
        `
      )}
      <p>Priority <code>${router.effective_priority}</code>${priorityText(router)}</p>
      ${router.peers.length === 0
        ? html`
          <p class="soft">No other router heard.</p>
        `
        : peerTable(router, at)} ${router.rejected.length === 0 ? "" : rejectedTable(router, at)} ${hookTable(
          router.hooks,
          at,
        )}
    </article>
  `;
}

function addressText(
  { address, interface: device, present }: VirtualRouterStatus["addresses"][number],
): Html {
  return html`
    <code>${address}</code> <small>${present ? `bound on ${device}` : "not bound here"}</small>
  `;
}

function groupArticle({ name, state, since, reason, members, hooks }: SyncGroupStatus, at: string): Html {
  return html`
    <article>
      <h3>${name}</h3>
      <span class="state ${state}">${state}</span>
      <span class="soft">for ${formatAge(since, at)} · ${members.join(", ")}</span>
      <p>${reason}</p>
      ${hookTable(hooks, at)}
    </article>
  `;
}

function priorityText({ base_priority, contributions }: VirtualRouterStatus): string {
  const parts = contributions.map(({ check, state, weight, reverse, contribution }) =>
    weight === null
      ? `${check} ${state} (must ${reverse ? "fail" : "pass"})`
      : `${check} ${state} ${contribution >= 0 ? "+" : ""}${contribution}`
  );
  return ` = base ${base_priority}${parts.length === 0 ? "" : `, ${parts.join(", ")}`}`;
}

function peerTable({ peers }: VirtualRouterStatus, at: string): Html {
  return html`
    <table>
      <tr>
        <th>Peer</th>
        <th>Priority</th>
        <th>Version</th>
        <th>Interval</th>
        <th>Last seen</th>
        <th>Addresses</th>
      </tr>
      ${peers.map((peer) =>
        html`
          <tr>
            <td><code>${peer.address}</code></td>
            <td>${peer.priority}</td>
            <td>${peer.version}</td>
            <td>${peer.advertisement_interval_ms} ms</td>
            <td>${formatAge(peer.last_seen, at)} ago</td>
            <td class="${peer.addresses_match ? "" : "alarm"}">${peer.addresses_match
              ? "match"
              : `differ: ${peer.addresses.join(", ")}`}</td>
          </tr>
        `
      )}
    </table>
  `;
}

function rejectedTable({ rejected }: VirtualRouterStatus, at: string): Html {
  return html`
    <table>
      <tr>
        <th>Rejected packet from</th>
        <th>When</th>
        <th>Reason</th>
        <th>Detail</th>
      </tr>
      ${rejected.map((packet) =>
        html`
          <tr>
            <td><code>${packet.source}</code></td>
            <td>${formatAge(packet.at, at)} ago</td>
            <td>${packet.reason}</td>
            <td>${packet.detail}</td>
          </tr>
        `
      )}
    </table>
  `;
}

function checkTable(checks: readonly CheckStatus[], at: string): Html {
  return html`
    <table>
      <tr>
        <th>Check</th>
        <th>Type</th>
        <th>State</th>
        <th>For</th>
        <th>Reason</th>
        <th>Took</th>
      </tr>
      ${checks.map((check) =>
        html`
          <tr>
            <td>${check.name}</td>
            <td>${check.type}</td>
            <td><span class="state ${check.state}">${check.state}</span></td>
            <td>${formatAge(check.since, at)}</td>
            <td>${check.reason}${recoveryText(check, at)}</td>
            <td class="n">${check.duration_ms === null ? "-" : `${check.duration_ms.toFixed(1)} ms`}</td>
          </tr>
        `
      )}
    </table>
  `;
}

function foreignTable(foreign: readonly ForeignRouter[], at: string): Html {
  return html`
    <table>
      <tr>
        <th>VRID</th>
        <th>Interface</th>
        <th>Router</th>
        <th>Last seen</th>
      </tr>
      ${foreign.map((router) =>
        html`
          <tr>
            <td>${router.vrid} ${router.family}</td>
            <td>${router.interface}</td>
            <td><code>${router.address}</code></td>
            <td>${formatAge(router.last_seen, at)} ago</td>
          </tr>
        `
      )}
    </table>
  `;
}
