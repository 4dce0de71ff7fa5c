/**
 * What a running vipd leaves to the image of the program that takes its place: one JSON text in a file in
 * memory, whose descriptor the environment names and nobody else can open.
 */
import { close, memfd_create, write } from "../../ffi/fd.ts";
import type { HeldSignals } from "../../ffi/signals.ts";
import type { Memory } from "../health/monitor.ts";
import type { DirectMemory } from "../kernel/direct_routing.ts";
import type { BalancingEstate } from "./balancing.ts";
import type { NotifyingEstate } from "./notifying.ts";
import type { OperatorEstate } from "./operators.ts";
import type { Inheritance } from "../vrrp/saved.ts";

/** To be raised with every change of what `Estate` or anything in it means: another format is ignored. */
const FORMAT = 8;
/** Names the descriptor. */
export const ESTATE_VARIABLE = "VIPD_ESTATE_FD";
/** Of the file in memory, as /proc shows it. */
const FILE_NAME = "vipd-estate";

export interface Estate {
  /** The version of the program that left it, and when, Unix milliseconds. */
  readonly version: string;
  readonly atMs: number;
  readonly engine: Inheritance;
  readonly checks: Readonly<Record<string, Memory>>;
  readonly balancing: BalancingEstate;
  readonly directRouting: DirectMemory | null;
  readonly operators: OperatorEstate;
  readonly notifying: NotifyingEstate;
  /** Where a signal leaves its mark that comes too late for the one image and too early for the other. */
  readonly signals: Pick<HeldSignals, "umask" | "unmarked">;
}

/** Writes it down for the next image in this process; the descriptor stays open over execve(2). */
export function leaveEstate(estate: Estate): number {
  const text = new TextEncoder().encode(JSON.stringify({ format: FORMAT, pid: Deno.pid, estate }));
  const fd = memfd_create(FILE_NAME);
  for (let at = 0; at < text.length;) at += write(fd, text.subarray(at));
  return fd;
}

/**
 * What the image before has left in this very process; null when this is a start like any other, or when what
 * was left is of a format that this version does not know. Can be asked once.
 */
export function takeEstate(): Estate | null {
  const fd = Deno.env.get(ESTATE_VARIABLE);
  Deno.env.delete(ESTATE_VARIABLE);
  if (fd === undefined || !/^\d+$/.test(fd)) return null;
  const path = `/proc/self/fd/${fd}`;
  // A variable that came from elsewhere names nothing of ours.
  if (!linkOf(path).startsWith(`/memfd:${FILE_NAME}`)) return null;
  const text = Deno.readTextFileSync(path);
  close(Number(fd));
  const { format, pid, estate } = JSON.parse(text) as { format: number; pid: number; estate: Estate };
  return format === FORMAT && pid === Deno.pid ? estate : null;
}

function linkOf(path: string): string {
  try {
    return Deno.readLinkSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
