/** Which part the kernel's sync daemon plays here: it follows a virtual router. */
import type { SyncDaemon } from "../../balance/model.ts";
import type { BalanceConfig } from "../../config/balance.ts";
import type { RouterState } from "../../snapshot.ts";

/** Null: there shall be none. */
export function syncDaemonOf(
  { sync }: BalanceConfig,
  routers: ReadonlyMap<string, RouterState>,
): SyncDaemon | null {
  if (sync === undefined) return null;
  const { max_length, port, ttl, group } = sync;
  return {
    role: routers.get(sync.virtual_router) === "ACTIVE" ? "master" : "backup",
    interface: sync.interface,
    id: sync.id,
    ...(max_length === undefined ? {} : { maxLength: max_length }),
    ...(port === undefined ? {} : { port }),
    ...(ttl === undefined ? {} : { ttl }),
    ...(group === undefined ? {} : { group }),
  };
}
