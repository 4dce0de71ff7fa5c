/** Arguments of keepalived's keywords: numbers, times, switches, addresses, or what is wrong with them. */
import { parseAddress } from "../../wire/address.ts";
import { closest } from "../suggest.ts";
import type { Tell } from "./report.ts";
import type { Statement, Word } from "./tree.ts";

/** The word at this place, counted from 0; tells when it is missing. */
export function wordAt({ keyword, args }: Statement, index: number, tell: Tell): Word | undefined {
  const word = args[index];
  if (word === undefined) tell.refuse(`${keyword.text} needs a value`);
  return word;
}

/** A whole number within these bounds; keepalived would warn and take its default instead of another one. */
export function wholeNumberAt(
  statement: Statement,
  index: number,
  [min, max]: readonly [number, number],
  tell: Tell,
): number | undefined {
  const word = wordAt(statement, index, tell);
  if (word === undefined) return undefined;
  const number = wholeNumber(word.text);
  if (number !== undefined && number >= min && number <= max) return number;
  tell.refuse(
    `expected a whole number ${min}..${max}, got "${word.text}"; keepalived warns and goes on without it`,
  );
  return undefined;
}

function wholeNumber(text: string): number | undefined {
  return /^[+-]?\d{1,10}$/.test(text) ? Number(text) : undefined;
}

/** Seconds, with a fraction or without, as milliseconds within these bounds (in seconds). */
export function secondsAt(
  statement: Statement,
  index: number,
  [min, max]: readonly [number, number],
  tell: Tell,
): number | undefined {
  const word = wordAt(statement, index, tell);
  if (word === undefined) return undefined;
  const ms = /^\d{1,10}(?:\.\d{1,9})?$/.test(word.text) ? Math.round(Number(word.text) * 1000) : NaN;
  if (ms >= min * 1000 && ms <= max * 1000) return ms;
  tell.refuse(`expected ${min}..${max} seconds, got "${word.text}"; keepalived warns and goes on without it`);
  return undefined;
}

const SWITCH: Readonly<Record<string, boolean>> = {
  ...{ true: true, on: true, yes: true },
  ...{ false: false, off: false, no: false },
};

/** `on`, `off` and their like; nothing means on. */
export function switchAt({ args: [word] }: Statement, tell: Tell): boolean | undefined {
  if (word === undefined) return true;
  if (Object.hasOwn(SWITCH, word.text)) return SWITCH[word.text];
  tell.refuse(`expected on or off, got "${word.text}"`);
  return undefined;
}

/** An IPv4 or IPv6 address as it is written. */
export function addressAt(statement: Statement, index: number, tell: Tell): string | undefined {
  const word = wordAt(statement, index, tell);
  if (word === undefined || isAddress(word.text)) return word?.text;
  tell.refuse(`expected an address, got "${word.text}"`);
  return undefined;
}

/** `: did you mean "nginx"?`, or nothing when no known name is near; ready to be appended. */
export function hintOf(name: string, known: readonly string[]): string {
  const near = closest(name, known);
  return near === undefined ? "" : `: did you mean "${near}"?`;
}

function isAddress(text: string): boolean {
  return parseAddress(text) !== null;
}
