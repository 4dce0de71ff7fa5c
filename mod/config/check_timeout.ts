/** How long a look of a check may take that has no timeout of its own. PURE. */

/** Otherwise its whole interval, but never longer than this. */
export const CHECK_TIMEOUT_MAX_MS = 5_000;
