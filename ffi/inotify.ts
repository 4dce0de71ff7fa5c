/** Files that change: inotify(7). */

import { check, EAGAIN, orErrno, SyscallError } from "./errno.ts";
import { O_CLOEXEC, O_NONBLOCK, tryRead } from "./fd.ts";
import { cstring, libc } from "./libc.ts";
import { i32, struct, u32 } from "./struct.ts";

/** struct inotify_event, inotify(7): in front of its `len` octets of name, which NULs fill up. */
export const inotify_event = struct({ wd: i32, mask: u32, cookie: u32, len: u32 });

export const IN_CLOSE_WRITE = 0x00000008;
export const IN_MOVED_FROM = 0x00000040;
export const IN_MOVED_TO = 0x00000080;
export const IN_CREATE = 0x00000100;
export const IN_DELETE = 0x00000200;
export const IN_Q_OVERFLOW = 0x00004000;
export const IN_IGNORED = 0x00008000;

/** Something happened in a watched directory; `watch` is -1 and `name` empty after an overflow. */
export interface FileEvent {
  readonly watch: number;
  readonly mask: number;
  readonly name: string;
}

const room = new Uint8Array(16_384);

/** An inotify instance: non-blocking, close-on-exec. */
export function inotify_init(): number {
  return check("inotify_init1", libc().inotify_init1(O_NONBLOCK | O_CLOEXEC));
}

/** Watches a path; the number of the watch, the one that it has already if it has one. */
export function inotify_add_watch(fd: number, path: string, mask: number): number {
  return check(`inotify_add_watch ${path}`, libc().inotify_add_watch(fd, cstring(path), mask));
}

/** Ends a watch; one that ended by itself, with its directory, is no error. */
export function inotify_rm_watch(fd: number, watch: number): void {
  orErrno(libc().inotify_rm_watch(fd, watch));
}

/** What has happened since the last call, as far as one read tells; empty when nothing has. */
export function inotify_read(fd: number): FileEvent[] {
  const length = tryRead(fd, room);
  if (length === -EAGAIN) return [];
  if (length < 0) throw new SyscallError("read inotify", -length);
  const events: FileEvent[] = [];
  for (let at = 0; at < length;) {
    const { wd, mask, len } = inotify_event.decode(room.subarray(at, length));
    const name = room.subarray(at + inotify_event.size, at + inotify_event.size + len);
    const end = name.indexOf(0);
    events.push({ watch: wd, mask, name: new TextDecoder().decode(end < 0 ? name : name.subarray(0, end)) });
    at += inotify_event.size + len;
  }
  return events;
}
