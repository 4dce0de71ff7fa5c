/** A pause that nothing cuts short; what an abort shall end has `checks/deadline.ts`. */

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
