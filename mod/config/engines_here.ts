/** Whether this host has the engines that virtual servers ask for, and these can do what is asked of them. */
import type { Finding } from "./document.ts";
import { type EngineName, lackingHere } from "./engine_features.ts";
import type { Config } from "./schema.ts";

/** By what is written in `engine`: the engine that it is on this host, or a sentence why it is none. */
export type EnginesHere = ReadonlyMap<string, EngineName | { readonly problem: string }>;

export function engineFindings({ virtual_server }: Config, engines: EnginesHere): Finding[] {
  return Object.entries(virtual_server).flatMap(([name, server]): Finding[] => {
    const path = ["virtual_server", name];
    const here = engines.get(server.engine);
    if (here === undefined) return [];
    if (typeof here !== "string") {
      return [{ path: [...path, "engine"], message: `on this host ${here.problem}` }];
    }
    if (server.engine !== "auto") return [];
    return lackingHere(server, here).map(({ path: at, message }) => ({
      path: [...path, ...at],
      message: `on this host engine "auto" is nftables, as it has no IPVS: ${message}`,
    }));
  });
}
