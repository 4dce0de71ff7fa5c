/** What a vrrp_instance says, keyword by keyword. */
import type { VirtualAddress } from "./addresses.ts";
import type { Conversion } from "./conversion.ts";
import type { Garp } from "./globals.ts";
import type { Hooks } from "./hooks.ts";
import type { TrackLine } from "./tracking.ts";
import type { Place } from "./tree.ts";

interface Password {
  readonly text: string;
  readonly at: Place;
}

/** What the block says; what it does not is undefined. */
export interface VrrpInstance {
  readonly name: string;
  readonly at: Place;
  readonly conversion: Conversion;
  state?: "MASTER" | "BACKUP";
  interface?: string;
  vrid?: number;
  priority?: number;
  intervalMs?: number;
  version?: 2 | 3;
  strict?: boolean;
  authType?: "PASS";
  password?: Password;
  readonly addresses: VirtualAddress[];
  readonly excluded: VirtualAddress[];
  noPreempt: boolean;
  preemptDelayMs: number;
  peers?: string[];
  /** A keyword of unicast stands there: without peers keepalived falls back to multicast. */
  wantsUnicast: boolean;
  faultWithoutPeers: boolean;
  source?: string;
  multicastGroup?: string;
  checksumAsV2?: boolean;
  virtualMac?: { readonly name?: string };
  advertiseFromBase: boolean;
  readonly garp: Partial<Garp>;
  readonly hooks: Hooks;
  readonly tracks: TrackLine[];
}
