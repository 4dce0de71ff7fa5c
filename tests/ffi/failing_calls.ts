/** Calls that must fail, each with its own errno, for errno_test.ts on the main thread and on a worker. */

import { EBADF, EINVAL, ENOENT, lastErrno } from "../../ffi/errno.ts";
import { cstring, libc } from "../../ffi/libc.ts";

/** How often errno was not that of the call just made. */
export function failingCalls(rounds: number): number {
  const nowhere = cstring("/nowhere");
  let garbage: unknown[] = [];
  let wrong = 0;
  for (let i = 0; i < rounds; i++) {
    if (libc().close(-1) !== -1 || lastErrno() !== EBADF) wrong++;
    garbage.push({ i, text: `garbage ${i}` });
    if (libc().open(nowhere, 0, 0) !== -1 || lastErrno() !== ENOENT) wrong++;
    if (libc().epoll_create1(12345) !== -1 || lastErrno() !== EINVAL) wrong++;
    if (garbage.length > 5000) garbage = [];
  }
  return wrong;
}
