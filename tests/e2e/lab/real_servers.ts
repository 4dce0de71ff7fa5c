/** Real servers and clients for virtual servers: who serves how many, and what becomes of a connection. */
import type { Host, Lab } from "../lab.ts";
import type { Child } from "./child.ts";
import { startNginx } from "./nginx.ts";
import { startEcho } from "./probe.ts";
import { PROGRAM_MS, waitFor } from "./wait.ts";

/** Greets with its name, then echoes, on every address, as long as the client likes. */
export const HOLD_PORT = 7001;
const HOLDER = new URL("../probe/holder.ts", import.meta.url).pathname;

/** nginx on port 80, UDP echo on 7, TCP echo on {@link HOLD_PORT}: each tells the server's name. */
export async function startRealServer(node: Host): Promise<void> {
  const greeting = `SYSTEM:echo ${node.name}; exec cat`;
  node.spawn("hold", ["socat", `TCP6-LISTEN:${HOLD_PORT},ipv6only=0,fork,reuseaddr`, greeting]);
  await Promise.all([startNginx(node), startEcho(node)]);
  const listening = (): Promise<boolean> =>
    node.exec(["ss", "-Hltn", `sport = ${HOLD_PORT}`]).then((text) => text !== "");
  await waitFor(`socat of ${node.name}`, listening, PROGRAM_MS);
}

/** How many of `count` HTTP connections, one after another, each server has taken; "" where none has. */
export async function shares(from: Host, address: string, count: number): Promise<Record<string, number>> {
  const host = address.includes(":") && !address.includes(".") ? `[${address}]` : address;
  const curl = ["curl", "-s", "-m", "5", "-H", "Connection: close", `http://${host}/?[1-${count}]`];
  const pages = (await from.exec(curl, { mayFail: true })).split("\n").filter((page) => page !== "");
  const counts: Record<string, number> = {};
  for (const page of pages) counts[page] = (counts[page] ?? 0) + 1;
  return counts;
}

/** How many of `count` datagrams, each from a port of its own, each server has answered. */
export async function udpShares(from: Host, address: string, count: number): Promise<Record<string, number>> {
  const one = `(echo 00000000000000000000 | socat -t 2 - UDP:${address}:7 | tr -cd "a-z0-9\\n"; echo)`;
  const script = `for i in $(seq ${count}); do ${one} & done; wait`;
  const counts: Record<string, number> = {};
  for (const name of (await from.exec(["sh", "-c", script])).match(/rs\d/g) ?? []) {
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** The exit code of one HTTP request: 7 refused, 28 no answer in two seconds. */
export async function curlExit(from: Host, address: string): Promise<number> {
  const script = `curl -s -o /dev/null -m 2 http://${address}/; echo $?`;
  return Number(await from.exec(["sh", "-c", script]));
}

export class Held {
  readonly #lines: string[] = [];

  constructor(readonly child: Child) {
    child.onLine((line) => this.#lines.push(line));
  }

  /** Server by connection, in the order of the connections. */
  get servers(): string[] {
    return this.#lines.filter((line) => line.startsWith("open")).map((line) => line.split(" "))
      .sort((a, b) => Number(a[1]) - Number(b[1])).map(([, , server]) => server ?? "");
  }

  /** Connection and what ended it. */
  get lost(): { readonly index: number; readonly reason: string }[] {
    return this.#lines.filter((line) => line.startsWith("lost")).map((line) => {
      const [, index, ...reason] = line.split(" ");
      return { index: Number(index), reason: reason.join(" ") };
    });
  }
}

/** Opens connections that stay, and waits until every one is greeted. */
export async function hold(lab: Lab, address: string, count: number, port = HOLD_PORT): Promise<Held> {
  const script = [Deno.execPath(), "run", "--no-check", "--allow-net", HOLDER];
  const child = lab.client.spawn("holder", [...script, address, String(port), String(count)]);
  const held = new Held(child);
  await waitFor(`${count} held connections`, () => held.servers.length === count, 20_000);
  return held;
}
