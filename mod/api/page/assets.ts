/**
 * Style and script of the status page, inline: the page loads nothing else, and its policy allows nothing
 * else.
 */
import { createHash } from "node:crypto";

export const STYLE = `
:root { color-scheme: light dark; --line: #8884; --soft: #888; --ok: #1a7f37; --standby: #0969da; --bad: #cf222e; --wait: #9a6700; }
@media (prefers-color-scheme: dark) { :root { --ok: #3fb950; --standby: #58a6ff; --bad: #ff7b72; --wait: #d29922; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem; font: 15px/1.5 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: baseline; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1rem; margin: 0; display: inline; }
small, .soft { color: var(--soft); font-size: .85rem; }
.wide { overflow-x: auto; }
article { border: 1px solid var(--line); border-radius: .5rem; padding: .8rem 1rem; margin: .6rem 0; overflow-x: auto; }
article > p { margin: .3rem 0; }
.state { font: 600 .8rem/1 ui-monospace, monospace; padding: .25rem .5rem; border-radius: .3rem; color: #fff; background: var(--soft); }
@media (prefers-color-scheme: dark) { .state { color: #000; } }
.ACTIVE, .up { background: var(--ok); } .BACKUP { background: var(--standby); }
.FAULT, .down { background: var(--bad); } .INIT, .unknown, .draining, .drained { background: var(--wait); }
.alarm { color: var(--bad); }
table { border-collapse: collapse; width: 100%; margin: .4rem 0; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 500; color: var(--soft); font-size: .85rem; }
code, td.n { font-family: ui-monospace, monospace; font-size: .9em; } td.n { text-align: right; }
`;

/**
 * Fetches the page anew on every transition and every few seconds; without it the page is a plain document.
 */
export const SCRIPT = `
let pending = false, outdated = false;
async function refresh() {
  outdated = pending;
  if (pending || document.hidden) return;
  pending = true;
  try {
    const response = await fetch(location.pathname, { headers: { accept: "text/html" } });
    if (!response.ok) throw new Error(response.status);
    const next = new DOMParser().parseFromString(await response.text(), "text/html");
    document.querySelector("main").replaceWith(next.querySelector("main"));
    document.title = next.title;
    document.getElementById("link").textContent = "live";
  } catch (error) {
    document.getElementById("link").textContent = "connection lost, retrying";
  } finally {
    pending = false;
    if (outdated) refresh();
  }
}
const events = new EventSource("events");
events.addEventListener("transition", refresh);
events.onopen = refresh;
events.onerror = () => document.getElementById("link").textContent = "connection lost, retrying";
setInterval(refresh, 5000);
document.addEventListener("visibilitychange", refresh);
`;

/** Content-Security-Policy: exactly this style and this script, and requests to nobody but us. */
export const POLICY = [
  "default-src 'none'",
  `style-src '${hashOf(STYLE)}'`,
  `script-src '${hashOf(SCRIPT)}'`,
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
