/**
 * What the engine haproxy costs and how soon it acts, between a client and two nginx in namespaces: requests
 * a second beside nginx itself, requests lost in reloads, a web server's death until it is out. Needs wrk.
 */
import { startNginx } from "../e2e/lab/nginx.ts";
import { probeHttp } from "../e2e/lab/probe.ts";
import { inLab } from "../e2e/lab/scenario.ts";
import { reload, startVipd, status, type Vipd } from "../e2e/lab/vipd.ts";
import { type Host, type Lab, sleep, waitFor } from "../e2e/lab.ts";

const DIRECTOR = "192.0.2.1";
const SERVERS = ["192.0.2.21", "192.0.2.22"] as const;
const PORTS = { tcp: 8001, http: 8002 } as const;
const SECONDS = 8;
const RELOADS = 30;
const DEATHS = 10;

function config(director: Host, servers: readonly string[]): string {
  const check = '{ type = "tcp", interval = "500ms", connect_timeout = "200ms", retries = 0, warmup = "0s" }';
  const tables = Object.entries(PORTS).flatMap(([mode, port]) => [
    `[virtual_server.${mode}]\naddress = "${DIRECTOR}:${port}"\nengine = "haproxy"\nmode = "${mode}"`,
    `scheduler = "rr"\ncheck = ${check}`,
    ...servers.map((address) => `[[virtual_server.${mode}.real_server]]\naddress = "${address}:80"`),
  ]);
  const { directory } = director;
  const files = `[haproxy]\ndirectory = "${directory}/haproxy"`;
  return [files, ...tables].join("\n");
}

/** Requests a second over 64 kept connections. */
async function requestsPerSecond({ client }: Lab, url: string): Promise<number> {
  const text = await client.exec(["wrk", "-t1", "-c64", `-d${SECONDS}s`, url]);
  return Number(/^Requests\/sec:\s+([\d.]+)/m.exec(text)?.[1]);
}

/** 500 fresh connections a second while the set of servers changes again and again. */
async function lossOfReloads(lab: Lab, director: Host, vipd: Vipd): Promise<string> {
  const probe = await probeHttp(lab.client, DIRECTOR, 2_000, PORTS.http);
  const pid = async (): Promise<string> => {
    const command = `echo "show info" | socat - unix:${director.directory}/haproxy/commands.sock`;
    return /^Pid: (\d+)$/m.exec(await director.exec(["sh", "-c", command], { mayFail: true }))?.[1] ?? "";
  };
  for (let i = 0; i < RELOADS; i++) {
    const before = await pid();
    await reload(vipd, config(director, i % 2 === 0 ? SERVERS.slice(1) : SERVERS));
    await waitFor("another worker", async () => !["", before].includes(await pid()), 20_000);
  }
  const { sent, outages } = await probe.stop();
  const lost = outages.filter(({ to }) => to !== null).reduce((sum, { lost }) => sum + lost, 0);
  return `${lost} of ${sent} requests lost in ${RELOADS} reloads`;
}

/** From the death of an nginx to its state in haproxy: the check's part, and ours. */
async function removals(lab: Lab, director: Host, vipd: Vipd): Promise<[number, number][]> {
  const node = lab.node("s2");
  const socket = `${director.directory}/haproxy/commands.sock`;
  const isOut = async (): Promise<boolean> => {
    using connection = await Deno.connect({ transport: "unix", path: socket });
    await connection.write(new TextEncoder().encode("show servers state http\n"));
    await connection.closeWrite();
    const bytes = new Uint8Array(16_384);
    const text = new TextDecoder().decode(bytes.subarray(0, await connection.read(bytes) ?? 0));
    return text.split("\n").some((line) => line.includes(` ${SERVERS[1]}:80 `) && line.split(" ")[6] !== "0");
  };
  const found: [number, number][] = [];
  for (let i = 0; i < DEATHS; i++) {
    const nginx = await startNginx(node);
    await waitFor("the server to be in", async () => !(await isOut()), 20_000);
    await sleep(Math.random() * 500);
    const diedMs = await nginx.kill();
    await waitFor("the server to be out", isOut, 20_000, 1);
    const outMs = performance.timeOrigin + performance.now();
    const servers = (await status(vipd)).virtual_servers.find(({ name }) => name === "http")!.real_servers;
    const since = servers.find(({ address }) => address === `${SERVERS[1]}:80`)!.since;
    found.push([Date.parse(since) - diedMs, outMs - Date.parse(since)]);
  }
  return found;
}

function middle(numbers: readonly number[]): string {
  const sorted = numbers.toSorted((a, b) => a - b);
  return `${Math.round(sorted[sorted.length >> 1]!)} ms (at most ${Math.round(sorted.at(-1)!)})`;
}

await inLab({
  nodes: { lb: [`${DIRECTOR}/24`], s1: [`${SERVERS[0]}/24`], s2: [`${SERVERS[1]}/24`] },
  client: ["192.0.2.10/24"],
}, async (lab) => {
  const director = lab.node("lb");
  const [, second] = await Promise.all([startNginx(lab.node("s1")), startNginx(lab.node("s2"))]);
  const vipd = await startVipd(director, config(director, SERVERS));
  const say = (line: string): void => void Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
  await waitFor("the servers", async () => {
    const { virtual_servers } = await status(vipd);
    return virtual_servers.every(({ real_servers }) => real_servers.every(({ state }) => state === "up"));
  }, 20_000);
  const direct = await requestsPerSecond(lab, `http://${SERVERS[0]}/`);
  say(`requests/s  nginx itself  ${Math.round(direct)}`);
  for (const [mode, port] of Object.entries(PORTS)) {
    const rate = await requestsPerSecond(lab, `http://${DIRECTOR}:${port}/`);
    say(`requests/s  haproxy ${mode}  ${Math.round(rate)} (${Math.round(100 * rate / direct)} %)`);
  }
  say(await lossOfReloads(lab, director, vipd));
  await second!.kill();
  const found = await removals(lab, director, vipd);
  say(
    `death -> check  ${middle(found.map(([ms]) => ms))}; check -> out of haproxy  ${
      middle(found.map(([, ms]) => ms))
    }`,
  );
});
