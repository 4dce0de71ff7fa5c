/**
 * Two hosts, one address, nginx watched: clients go on when nginx or vipd ends, and the better host takes the
 * address back.
 */
import { assert, assertEquals } from "@std/assert";
import { startNginx } from "./lab/nginx.ts";
import { HITLESS_MS, longestOutage, probeHttp, probeUdp, startEcho } from "./lab/probe.ts";
import { vipdRouter } from "./lab/routers.ts";
import { inLab, page, settled } from "./lab/scenario.ts";
import { check, router, startVipd, waitForState } from "./lab/vipd.ts";

/** A death is told; who only looked every two seconds would mostly take longer. */
const NOTICED_MS = 700;

Deno.test("active-backup 100/80 with a password: the VIP leaves a host whose nginx died and returns with it", async () => {
  const vip = "192.168.121.120";
  const options = {
    interface: "ens33",
    nodes: { n1: ["192.168.121.129/24"], n2: ["192.168.121.128/24"] },
    client: ["192.168.121.10/24"],
  };
  await inLab(options, async (lab) => {
    const [n1, n2] = [lab.node("n1"), lab.node("n2")];
    const [nginx] = await Promise.all([startNginx(n1), startNginx(n2), startEcho(n1), startEcho(n2)]);
    const spec = {
      name: "VI_1",
      interface: "ens33",
      vrid: 51,
      version: 2,
      intervalMs: 1000,
      password: "123456",
      addresses: [vip],
    } as const;
    const checked =
      `[check.nginx]\ntype = "nginx"\npid_file = "${nginx.pidFile}"\ninterval = "2s"\nfall = 1\nrise = 2\n`;
    const config = checked + vipdRouter({ ...spec, priority: 100, vipdExtra: 'track = ["nginx"]' });
    const first = await startVipd(n1, config);
    const second = await startVipd(n2, vipdRouter({ ...spec, priority: 80 }));
    await settled("VI_1", first, [second]);
    assertEquals(await page(lab, vip), "n1");
    assertEquals([await n1.holds(vip), await n2.holds(vip)], [true, false]);

    const death = await probeHttp(lab.client, vip);
    await death.answeredBy("n1");
    await nginx.kill();
    await death.answeredBy("n2");
    const faulted = await waitForState(first, "VI_1", "FAULT");
    assert(faulted.reason.includes("nginx"), faulted.reason);
    assertEquals((await check(first, "nginx")).state, "down");
    assertEquals([await n1.holds(vip), await n2.holds(vip)], [false, true]);
    const deathResult = await death.stop();
    assert(longestOutage(deathResult) <= NOTICED_MS, `nginx death: ${JSON.stringify(deathResult)}`);

    const back = await probeHttp(lab.client, vip);
    await startNginx(n1);
    await back.answeredBy("n1");
    await settled("VI_1", first, [second]);
    const backResult = await back.stop();
    assert(longestOutage(backResult) <= HITLESS_MS, `failback: ${JSON.stringify(backResult)}`);

    const stop = await probeUdp(lab.client, vip);
    await stop.answeredBy("n1");
    const exit = await first.child.stop("SIGTERM");
    await stop.answeredBy("n2");
    const stopResult = await stop.stop();
    assertEquals(exit.code, 0);
    assertEquals(await n1.holds(vip), false);
    assert(longestOutage(stopResult) <= HITLESS_MS, `orderly stop: ${JSON.stringify(stopResult)}`);

    const again = await startVipd(n1, config);
    await settled("VI_1", again, [second]);
    assertEquals(await page(lab, vip), "n1");
  });
});

Deno.test("active-backup 101/100 with a home page check: 2 attempts, fall 3, weight -5, rise 2", async () => {
  const vip = "192.168.0.200";
  const options = {
    interface: "enp0s3",
    nodes: { n1: ["192.168.0.201/24"], n2: ["192.168.0.202/24"] },
    client: ["192.168.0.10/24"],
  };
  await inLab(options, async (lab) => {
    const [n1, n2] = [lab.node("n1"), lab.node("n2")];
    const [nginx] = await Promise.all([startNginx(n1), startNginx(n2)]);
    const spec = {
      name: "VI_1",
      interface: "enp0s3",
      vrid: 51,
      version: 2,
      intervalMs: 1000,
      password: "1111",
      addresses: [vip],
      vipdExtra: 'track = [{ check = "home", weight = -5 }]',
    } as const;
    const timing = 'interval = "2s"\nfall = 3\nrise = 2\nattempts = 2\nattempt_delay = "3s"\n';
    const http = `[check.home]\ntype = "http"\nurl = "http://127.0.0.1/"\nconnect_timeout = "3s"\n${timing}`;
    const args = JSON.stringify(["-sfL", "--connect-timeout", "3", "http://localhost/"]);
    const curl = `[check.home]\ntype = "curl"\nargs = ${args}\n${timing}`;
    const first = await startVipd(n1, http + vipdRouter({ ...spec, priority: 101 }));
    const second = await startVipd(n2, curl + vipdRouter({ ...spec, priority: 100 }));
    await settled("VI_1", first, [second]);
    assertEquals(await page(lab, vip), "n1");

    await nginx.stop();
    const stepped = await waitForState(first, "VI_1", "BACKUP");
    assertEquals(stepped.effective_priority, 96);
    assertEquals(stepped.contributions.map(({ check, contribution }) => [check, contribution]), [[
      "home",
      -5,
    ]]);
    assertEquals((await router(second, "VI_1")).state, "ACTIVE");
    assertEquals(await page(lab, vip), "n2");
    assertEquals((await check(second, "home")).state, "up");

    await startNginx(n1);
    await settled("VI_1", first, [second]);
    assertEquals((await router(first, "VI_1")).effective_priority, 101);
    assertEquals(await page(lab, vip), "n1");
  });
});
