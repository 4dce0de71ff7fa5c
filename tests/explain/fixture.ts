/** Parties of an election for tests: 100 ms, VRRPv3, all checks passing. */
import type { Party } from "../../mod/explain/party.ts";

export function party(name: string, changes: Partial<Party> = {}): Party {
  return {
    name,
    knownBy: "file",
    lastSeen: null,
    priority: 100,
    track: [],
    preempt: true,
    preemptDelayMs: 0,
    version: 3,
    intervalMs: 100,
    handover: { enabled: true, timeoutMs: 1000 },
    states: new Map(),
    override: null,
    heldBack: false,
    obstacles: [],
    ...changes,
  };
}
