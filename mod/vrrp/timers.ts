/**
 * Every duration formula of VRRP (RFC 3768 §6.1, RFC 9568 §6.1). RFC intervals are centiseconds everywhere
 * else; only this file turns them into milliseconds or seconds.
 */

export type Version = 2 | 3;

const MS_PER_CENTISECOND = 10;
const CENTISECONDS_PER_SECOND = 100;
const PRIORITY_STEPS = 256;
/** Adverts that may be missed before a backup takes over. */
const DOWN_TIMER_ADVERTS = 3;
/** v2 carries whole seconds in 8 bits, v3 centiseconds in 12. */
const LIMITS = {
  2: { min: CENTISECONDS_PER_SECOND, max: 255 * CENTISECONDS_PER_SECOND, step: CENTISECONDS_PER_SECOND },
  3: { min: 1, max: 4095, step: 1 },
} as const;

/**
 * Milliseconds that a backup waits on top of the missed adverts, shorter for a higher priority so that the
 * best goes first. v2 shares one second between the priorities, v3 the active router's advertisement
 * interval. Not rounded.
 */
export function skewTimeMs(version: Version, priority: number, activeAdverIntervalCs: number): number {
  const sharedMs = version === 2 ? intervalMs(CENTISECONDS_PER_SECOND) : intervalMs(activeAdverIntervalCs);
  return (PRIORITY_STEPS - priority) * sharedMs / PRIORITY_STEPS;
}

/** Milliseconds of silence after which a backup takes over. `adverts` is keepalived's down_timer_adverts. */
export function activeDownIntervalMs(
  version: Version,
  priority: number,
  activeAdverIntervalCs: number,
  adverts: number = DOWN_TIMER_ADVERTS,
): number {
  return adverts * intervalMs(activeAdverIntervalCs) + skewTimeMs(version, priority, activeAdverIntervalCs);
}

/** Milliseconds of an interval in centiseconds. */
export function intervalMs(centiseconds: number): number {
  return centiseconds * MS_PER_CENTISECOND;
}

/**
 * Centiseconds of an interval in milliseconds; a fraction stays one, and `isAdvertisementInterval` refuses
 * it.
 */
export function intervalCs(milliseconds: number): number {
  return milliseconds / MS_PER_CENTISECOND;
}

/** The v2 wire field: whole seconds. */
export function wireSeconds(centiseconds: number): number {
  return centiseconds / CENTISECONDS_PER_SECOND;
}

/** Centiseconds of the v2 wire field. */
export function fromWireSeconds(seconds: number): number {
  return seconds * CENTISECONDS_PER_SECOND;
}

/**
 * Whether the wire format of this version can say the interval: v2 1 s..255 s in whole seconds, v3 10
 * ms..40.95 s.
 */
export function isAdvertisementInterval(version: Version, centiseconds: number): boolean {
  const { min, max, step } = LIMITS[version];
  return centiseconds >= min && centiseconds <= max && centiseconds % step === 0;
}
