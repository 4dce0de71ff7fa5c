/** Whether a measured thing stays level: a straight line through its second half, held against a bound. */

export interface Point {
  readonly minutes: number;
  readonly value: number;
}

export interface Line {
  /** Growth per hour. */
  readonly slope: number;
  readonly mean: number;
}

/** Least squares; a slope of 0 through fewer than two moments. */
export function fit(points: readonly Point[]): Line {
  const mean = average(points.map(({ value }) => value));
  const middle = average(points.map(({ minutes }) => minutes));
  const spread = points.reduce((sum, { minutes }) => sum + (minutes - middle) ** 2, 0);
  if (spread === 0) return { slope: 0, mean };
  const common = points.reduce((sum, { minutes, value }) => sum + (minutes - middle) * (value - mean), 0);
  return { slope: common / spread * 60, mean };
}

/** What is measured after half of the time: the start is over by then. */
export function secondHalf(points: readonly Point[]): Point[] {
  const end = Math.max(...points.map(({ minutes }) => minutes));
  return points.filter(({ minutes }) => minutes >= end / 2);
}

/** The lowest value of every minute: what is left when the garbage has been collected. */
export function floors(points: readonly Point[]): Point[] {
  const lowest = new Map<number, Point>();
  for (const point of points) {
    const minute = Math.floor(point.minutes);
    const known = lowest.get(minute);
    if (known === undefined || point.value < known.value) lowest.set(minute, point);
  }
  return [...lowest.values()];
}

function average(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
