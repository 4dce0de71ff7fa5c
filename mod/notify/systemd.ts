/**
 * Telling systemd how the service is doing: the sd_notify(3) protocol over a datagram socket, and its
 * watchdog.
 */
import { monotonicMs } from "../../ffi/clock.ts";
import { close } from "../../ffi/fd.ts";
import { AF_UNIX, sendto, SOCK_DGRAM, sockaddrUn, socket } from "../../ffi/socket.ts";

/** What a service can tell; each is one `NAME=value` line. */
export interface ServiceState {
  readonly ready?: true;
  readonly reloading?: true;
  readonly stopping?: true;
  /** Proof of life within `watchdogIntervalMs()`. */
  readonly watchdog?: true;
  /** One line, shown by `systemctl status`. */
  readonly status?: string;
}

type Env = (name: string) => string | undefined;

const ENV: Env = (name) => Deno.env.get(name);

/**
 * Sends the state to `$NOTIFY_SOCKET`, which is a path or, after `@`, an abstract name. Returns false when no
 * supervisor listens. Throws SyscallError when it was asked for and cannot be reached.
 */
export function notifySystemd(state: ServiceState, env: Env = ENV): boolean {
  const address = env("NOTIFY_SOCKET");
  if (address === undefined || address === "") return false;
  if (!address.startsWith("/") && !address.startsWith("@")) {
    throw new Error(
      `Cannot notify systemd: NOTIFY_SOCKET is "${address}", neither a path nor an abstract name`,
    );
  }
  const fd = socket(AF_UNIX, SOCK_DGRAM);
  try {
    sendto(fd, new TextEncoder().encode(formatState(state, monotonicMs())), sockaddrUn(address));
  } finally {
    close(fd);
  }
  return true;
}

/**
 * The datagram. A reload carries the time, so that systemd can tell this READY from an earlier one
 * (Type=notify-reload).
 */
export function formatState(state: ServiceState, nowMs: number): string {
  const lines = [
    state.reloading && `RELOADING=1\nMONOTONIC_USEC=${Math.round(nowMs * 1000)}`,
    state.ready && "READY=1",
    state.stopping && "STOPPING=1",
    state.watchdog && "WATCHDOG=1",
    state.status !== undefined && `STATUS=${state.status.replaceAll(/\s+/g, " ")}`,
  ];
  return lines.filter((line) => typeof line === "string").map((line) => line + "\n").join("");
}

/**
 * How often systemd expects `watchdog` (send it twice as often), in ms; null when it does not watch this
 * process.
 */
export function watchdogIntervalMs(env: Env = ENV, pid: number = Deno.pid): number | null {
  const microseconds = Number(env("WATCHDOG_USEC"));
  const watched = env("WATCHDOG_PID");
  if (!Number.isFinite(microseconds) || microseconds <= 0) return null;
  if (watched !== undefined && watched !== "" && Number(watched) !== pid) return null;
  return microseconds / 1000;
}
