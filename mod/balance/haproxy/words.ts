/**
 * Names and values of an operator as words of haproxy.cfg: nothing that is written in vipd.toml can end a
 * word, a line or a section early. PURE.
 */
import { breaksLine, globalLineProblem, lineProblem } from "../../haproxy_line.ts";

const PLAIN = /^[A-Za-z0-9_.,:/@%+=*()[\]!?&~^|-]+$/;

/** One word of a line. Single quotes keep all but themselves as it is (haproxy's manual, 2.2). */
export function word(value: string): string {
  if (breaksLine(value)) throw new RangeError("expected one line");
  return PLAIN.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}

/** A line that an operator wrote in haproxy's own words. Throws when it is more than one. */
export function oneLine(line: string): string {
  return accepted(line, lineProblem(line));
}

/** The same for the section `global`. */
export function oneGlobalLine(line: string): string {
  return accepted(line, globalLineProblem(line));
}

function accepted(line: string, problem: string | null): string {
  if (problem !== null) throw new RangeError(`"${line}": ${problem}`);
  return line;
}

/**
 * A name as haproxy takes it: letters, digits and `-_.:`; brackets of an IPv6 address go, and of everything
 * else come its octets. Names of vipd.toml hold no colon, so that two of them stay two.
 */
export function identifier(name: string): string {
  const kept = name.replaceAll(/[[\]]/g, "");
  return kept.replaceAll(
    /[^A-Za-z0-9_.:-]/gu,
    (character) =>
      [...new TextEncoder().encode(character)].map((byte) => `:${byte.toString(16).toUpperCase()}`).join(""),
  );
}

/** 64 bits that tell texts apart (FNV-1a twice, from two starts), as 16 hexadecimal digits. */
export function digest(text: string): string {
  let [high, low] = [0x811c9dc5, 0x9747b28c];
  for (const byte of new TextEncoder().encode(text)) {
    high = Math.imul(high ^ byte, 0x01000193);
    low = Math.imul(low ^ byte, 0x01000193) + byte | 0;
  }
  return [high, low].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
}
