/** Whether this host has the engines that virtual servers ask for, and these can do what is asked of them. */
import type { Finding, Path } from "./document.ts";
import { type EngineName, lackingHere } from "./engine_features.ts";
import type { IsSet } from "./lint.ts";
import type { Config } from "./schema.ts";

/** By what is written in `engine`: the engine that it is on this host, or a sentence why it is none. */
export type EnginesHere = ReadonlyMap<string, EngineName | { readonly problem: string }>;

export function engineFindings(
  { virtual_server }: Config,
  engines: EnginesHere,
  isSet: IsSet,
): Finding[] {
  return Object.entries(virtual_server).flatMap(([name, server]): Finding[] => {
    const path = ["virtual_server", name];
    const here = engines.get(server.engine);
    if (here === undefined) return [];
    if (typeof here !== "string") {
      return [{ path: [...path, "engine"], message: `on this host ${here.problem}` }];
    }
    if (server.engine !== "auto") return [];
    return lackingHere(server, here).map(({ path: at, message }) => ({
      path: written([...path, ...at], isSet),
      message: `on this host engine "auto" is nftables, as it has no IPVS: ${message}`,
    }));
  });
}

/** What a real server has of its virtual server stands there. */
function written(path: Path, isSet: IsSet): Path {
  const ofServer = [...path.slice(0, 2), path.at(-1)!];
  return !isSet(path) && isSet(ofServer) ? ofServer : path;
}
