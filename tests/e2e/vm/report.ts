/** The lines by which a guest tells the host how its steps went. */

/** How one step of a scenario ended. */
export interface Result {
  readonly step: string;
  readonly ms: number;
  /** Absent when it passed. */
  readonly error?: string;
}

const MARK = "@@result ";

export function resultLine(result: Result): string {
  return MARK + JSON.stringify(result);
}

/** The result that a line of the console tells; undefined for any other line. */
export function parseResult(line: string): Result | undefined {
  return line.startsWith(MARK) ? JSON.parse(line.slice(MARK.length)) as Result : undefined;
}
