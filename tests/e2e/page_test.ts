/** The status page in a real browser: what it shows, that it lives, and that it gives no power to anybody. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Browser, type Page } from "./lab/browser.ts";
import { vipdRouter } from "./lab/routers.ts";
import { inLab } from "./lab/scenario.ts";
import { launchVipd, startVipd, type Vipd, waitForState } from "./lab/vipd.ts";
import { type Host, waitFor } from "./lab.ts";

const OPTIONS = { nodes: { n1: ["192.168.121.129/24"] }, client: ["192.168.121.10/24"] };
const TOKEN = "correct-horse-battery-staple";
const ROUTER = {
  name: "VI_1",
  vrid: 51,
  version: 3,
  priority: 100,
  intervalMs: 100,
  addresses: ["192.168.121.120"],
  vipdExtra: 'track = ["uplink"]',
} as const;
/** The page asks by itself every 5 s: what mostly comes so much sooner has been told by an event. */
const TOLD_MS = 1500;
const PHONE = { width: 360, height: 740 };

const POOL = `[virtual_server.pool]
address = "192.168.121.120:80"
engine = "nftables"
check = { type = "tcp", interval = "1s", warmup = "0s" }
[[virtual_server.pool.real_server]]
name = "a-real-server-with-a-name-that-is-rather-long"
address = "192.168.121.129:81"
`;

async function config(n1: Host): Promise<string> {
  const tokenFile = `${n1.directory}/token`;
  await Deno.writeTextFile(tokenFile, TOKEN, { mode: 0o600 });
  const listen = JSON.stringify(["127.0.0.1:8112", `unix:${n1.directory}/vipd/vipd.sock`]);
  const check = '[check.uplink]\ntype = "interface"\ninterface = "up0"\nrise = 1\n';
  return `[api]\nlisten = ${listen}\ntoken_file = "${tokenFile}"\n\n${check}\n${vipdRouter(ROUTER)}\n${POOL}`;
}

async function shows(page: Page, selector: string, text: string): Promise<void> {
  await waitFor(
    `the page to show ${text}`,
    async () => (await page.text(selector)).includes(text),
  );
}

/** Four failures and recoveries, seen without waiting for the next poll unless the browser is busy. */
async function followsEvents(page: Page, n1: Host): Promise<void> {
  const tookMs: number[] = [];
  for (let i = 0; i < 4; i++) {
    for (const [link, state] of [["down", "FAULT"], ["up", "ACTIVE"]] as const) {
      const startMs = performance.now();
      await n1.ip("link", "set", "up0", link);
      await shows(page, "article .state", state);
      tookMs.push(performance.now() - startMs);
    }
  }
  const told = tookMs.filter((ms) => ms <= TOLD_MS).length;
  assert(told >= 6, `seen after ${tookMs.map(Math.round).join(", ")} ms`);
  assertStringIncludes(String(await page.run("document.title")), "VI_1 ACTIVE");
}

/** A page that is open here, ours or a stranger's, cannot make the daemon do anything. */
async function isPowerless(page: Page, url: string): Promise<void> {
  const post = `fetch("${url}/reload", { method: "POST" }).then(({ status }) => status, () => "blocked")`;
  assertEquals(await page.run(post), 401);
  await page.go("data:text/html,<title>stranger</title>");
  assertEquals(await page.run(post), "blocked");
  assertEquals(await page.run(`fetch("${url}/status").then(() => "read", () => "blocked")`), "blocked");
}

/** It says that it is not up to date any more, and recovers by itself. */
async function survivesRestart(page: Page, vipd: Vipd, toml: string): Promise<void> {
  // In the background it would not ask.
  await page.send("Page.bringToFront");
  await vipd.child.stop("SIGKILL");
  await shows(page, "#link", "connection lost");
  const again = await launchVipd(vipd.node, toml);
  await waitForState(again, "VI_1", "ACTIVE");
  await shows(page, "#link", "live");
  await shows(page, "article .state", "ACTIVE");
}

async function fitsPhone(browser: Browser, url: string): Promise<void> {
  const phone = await browser.open(PHONE.width, PHONE.height);
  await phone.go(url);
  await shows(phone, "#link", "live");
  const widest = await phone.run("document.documentElement.scrollWidth");
  assertEquals(widest, PHONE.width, "nothing sticks out at the side");
  assertEquals(phone.complaints, []);
}

async function readsWithoutScript(browser: Browser, url: string): Promise<void> {
  const plain = await browser.open(1280, 800);
  await plain.send("Emulation.setScriptExecutionDisabled", { value: true });
  await plain.go(url);
  assertStringIncludes(await plain.text("article"), "192.168.121.120/32");
  assertEquals(await plain.text("#link"), "static");
}

Deno.test("status page in a browser: live, powerless, on a phone, without script, over a restart", async () => {
  await inLab(OPTIONS, async (lab) => {
    const n1 = lab.node("n1");
    await n1.ip("link", "add", "up0", "type", "veth", "peer", "name", "up1");
    for (const link of ["up0", "up1"]) await n1.ip("link", "set", link, "up");
    const toml = await config(n1);
    const vipd = await startVipd(n1, toml);
    await waitForState(vipd, "VI_1", "ACTIVE");
    await using browser = await Browser.start();
    const url = await browser.reach(n1, 8112);

    const page = await browser.open(1280, 800);
    await page.go(url);
    await shows(page, "#link", "live");
    const text = await page.text();
    for (const word of ["n1", "VI_1", "ACTIVE", "192.168.121.120/32", "uplink", "up and running"]) {
      assertStringIncludes(text, word);
    }
    for (const word of ["no quorum", "wrr by nftables", "connection refused"]) {
      await shows(page, "main", word);
    }
    await followsEvents(page, n1);
    assertEquals(page.complaints, []);
    assert(page.requests.every((request) => request.startsWith(`${url}/`) || request === "data:,"));

    await fitsPhone(browser, url);
    await readsWithoutScript(browser, url);
    await survivesRestart(page, vipd, toml);
    await isPowerless(page, url);
  });
});
