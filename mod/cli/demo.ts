/** `vipd demo`: a failover to watch, on two nodes and a client in network namespaces of this machine. */
import type { Hooks } from "./hooks.ts";
import type { Io } from "./io.ts";
import { Demo } from "../demo/demo.ts";
import { playRole, ROLE_OPTION } from "../demo/roles.ts";

export async function demo(args: string[], io: Io, { signals }: Hooks): Promise<number> {
  if (args[0] === ROLE_OPTION) return await playRole(args.slice(1));
  const stop = new AbortController();
  signals.onTerminate(() => stop.abort());
  await using show = new Demo({ intervalMs: 100, io, signal: stop.signal, audience: {
    see: () => {},
    hear: (r) => io.out(JSON.stringify(r)),
  } });
  await show.play();
  return 0;
}
