/** What competes with the daemons for the processors: busy loops, requests to the API, checks. */
import { helperProgram } from "../e2e/lab/compile.ts";
import type { Host } from "../e2e/lab.ts";

export interface Load {
  readonly name: string;
  readonly busyLoops: number;
  /** Nice value of the busy loops: at 19 they leave the daemon time to answer and to check. */
  readonly nice?: number;
  /** GET /status on kept connections, a second; to nginx where the daemon has no API. */
  readonly requests: number;
  /** tcp checks of nginx, a second; only where the daemon has checks. */
  readonly checks: number;
}

export const LOADS: readonly Load[] = [
  { name: "idle", busyLoops: 0, requests: 0, checks: 0 },
  { name: "2 busy loops", busyLoops: 2, requests: 0, checks: 0 },
  { name: "8 busy loops", busyLoops: 8, requests: 0, checks: 0 },
  { name: "32 busy loops", busyLoops: 32, requests: 0, checks: 0 },
  { name: "5,000 requests/s, 1,000 checks/s", busyLoops: 0, requests: 5000, checks: 1000 },
  {
    name: "32 busy loops of nice 19, 5,000 requests/s, 1,000 checks/s",
    busyLoops: 32,
    nice: 19,
    requests: 5000,
    checks: 1000,
  },
  { name: "32 busy loops, 5,000 requests/s, 1,000 checks/s", busyLoops: 32, requests: 5000, checks: 1000 },
];

const CONNECTIONS = 32;

export interface RunningLoad {
  /** Ends all of it; requests a second that were answered, null without requests. */
  stop(): Promise<number | null>;
}

/** Starts the load on a node, with the requests going to `port`; it ends by itself after `seconds`. */
export async function startLoad(node: Host, load: Load, port: number, seconds: number): Promise<RunningLoad> {
  const program = await helperProgram("load");
  const nice = ["nice", "-n", String(load.nice ?? 0)];
  const loops = Array.from(
    { length: load.busyLoops },
    (_, i) => node.spawn(`loop ${i}`, [...nice, program, "spin", String(seconds)]),
  );
  const request = [port, "/status", load.requests, CONNECTIONS, seconds].map(String);
  const asking = load.requests === 0 ? null : node.spawn("requests", [program, "http", ...request]);
  return {
    async stop(): Promise<number | null> {
      await asking?.stop("SIGTERM");
      await Promise.all(loops.map((loop) => loop.stop("SIGKILL")));
      if (asking === null) return null;
      const { answered, seconds } = JSON.parse(asking.output) as { answered: number; seconds: number };
      return answered / seconds;
    },
  };
}
