/** `virtual_server_group` of keepalived.conf: the addresses that one virtual server has. */
import { formatAddress, parseAddress } from "../../../wire/address.ts";
import { wordAt } from "../arguments.ts";
import type { Conversion } from "../conversion.ts";
import type { Value } from "../draft.ts";
import type { Tell } from "../report.ts";
import type { Statement, Word } from "../tree.ts";

/** `192.0.2.10`, `192.0.2.20-29`, `192.0.2.64/28` with their port, or marks, as `addresses` has them. */
export function readGroup(statement: Statement, { addressGroups }: Conversion, tell: Tell): void {
  const name = wordAt(statement, 0, tell)?.text;
  if (name === undefined) return;
  const members: Value[] = [];
  for (const line of statement.raw ?? []) members.push(...memberOf(line, tell));
  if (members.length === 0) tell.refuse("it has no address");
  addressGroups.set(name, members);
}

const FAMILIES: Readonly<Record<string, string>> = { inet: "ipv4", inet6: "ipv6" };

function memberOf(line: readonly Word[], tell: Tell): Value[] {
  const [first = "", second, third] = line.map(({ text }) => text);
  if (first === "fwmark") {
    const family = third === undefined ? undefined : FAMILIES[third];
    if (!/^[1-9]\d{0,9}$/.test(second ?? "")) {
      tell.refuse(`expected a firewall mark, got "${second ?? ""}"`);
      return [];
    }
    return [{ fwmark: Number(second), ...(family === undefined ? {} : { family }) }];
  }
  const span = spanOf(first);
  if (span === undefined || (second !== undefined && !/^\d{1,5}$/.test(second))) {
    tell.refuse(
      `expected an address, a range or a prefix, and a port, got "${line.map(({ text }) => text).join(" ")}"`,
    );
    return [];
  }
  return span.map((one) => withPort(one, second));
}

/** keepalived also has ranges from one whole address to another. */
function spanOf(text: string): string[] | undefined {
  const [from = "", to] = text.split("-");
  if (to === undefined || !/[.:]/.test(to)) {
    return parseAddress(from.split("/")[0] ?? "") === null ? undefined : [text];
  }
  const [first, last] = [parseAddress(from), parseAddress(to)];
  if (first === null || last === null || first.length !== last.length) return undefined;
  return rangesOf(first, last);
}

/** One range for each part that differs only in the last number (IPv4) or group (IPv6). */
function rangesOf(first: Uint8Array, last: Uint8Array): string[] | undefined {
  const width = first.length === 4 ? 8n : 16n;
  const value = (bytes: Uint8Array): bigint => bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  const [from, to] = [value(first), value(last)];
  if (to < from || (to >> width) - (from >> width) > 255n) return undefined;
  const size = 1n << width;
  const ranges: string[] = [];
  for (let block = from >> width; block <= to >> width; block++) {
    const begin = block === from >> width ? from : block * size;
    const end = block === to >> width ? to : block * size + size - 1n;
    const bytes = first.map((_, i) => Number((begin >> BigInt(8 * (first.length - 1 - i))) & 255n));
    const base = width === 8n ? 10 : 16;
    ranges.push(
      begin === end ? formatAddress(bytes) : `${formatAddress(bytes)}-${(end % size).toString(base)}`,
    );
  }
  return ranges;
}

/** Brackets around an IPv6 address that a port follows. */
export function withPort(address: string, port: string | number | undefined): string {
  if (port === undefined || Number(port) === 0) return address;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
