/**
 * A second decoder, written from RFC 9568 §5 and §7.1 and RFC 3768 §5 and §7.1 and from nothing of ours: what
 * must become of a received IP packet. Slow and plain on purpose.
 */

/** What a virtual router expects, as a fact sheet. Addresses are hexadecimal. */
export interface Expectations {
  readonly version: 2 | 3;
  readonly vrid: number;
  readonly centiseconds: number;
  /** 8 octets in hexadecimal. */
  readonly password: string | null;
  /** Null: multicast. */
  readonly peers: readonly string[] | null;
  readonly ttlSecurity: boolean;
  readonly hasAddresses: boolean;
}

/** What all routers of one channel share. */
export interface Place {
  readonly family: 4 | 6;
  readonly group: string;
  readonly own: string;
}

interface Parsed {
  readonly source: string;
  readonly destination: string;
  readonly hops: number;
  /** Octets of the VRRP message. */
  readonly message: readonly number[];
}

/**
 * `foreign 7`, `garbage REASON`, `rejected REASON`, `reminder`, or `accepted` with everything that the packet
 * says.
 */
export function verdict(
  { family, group, own }: Place,
  routers: readonly Expectations[],
  packet: Uint8Array,
): string {
  const parsed = family === 4 ? parseIpv4(packet) : parseIpv6(packet);
  const { message, source } = parsed;
  if (message.length < 8) return "garbage packet_length_errors";
  const vrid = message[1]!;
  if (vrid === 0) return "garbage vrid_errors";
  const candidates = routers.filter((router) => router.vrid === vrid);
  if (candidates.length === 0) return `foreign ${vrid}`;
  const router = candidates.length === 1 ? candidates[0]! : choose(candidates, parsed, group);
  if (source === own) return "rejected own_address";
  for (const [reason, isWrong] of RULES) {
    if (isWrong({ ...parsed, family, group, router, length: lengthOf(message, family) })) {
      return `rejected ${reason}`;
    }
  }
  return isReminder(router, parsed) ? "reminder" : `accepted ${said(message, family, parsed)}`;
}

/** Priority 0 for one router alone, where advertisements go to the group. */
function isReminder({ peers }: Expectations, { destination, message }: Parsed): boolean {
  return peers === null && !isMulticast(destination) && message[2] === 0;
}

function parseIpv4(packet: Uint8Array): Parsed {
  const words = 4 * (packet[0]! % 16);
  return {
    source: hex(packet.slice(12, 16)),
    destination: hex(packet.slice(16, 20)),
    hops: packet[8]!,
    message: [...packet.slice(words)],
  };
}

function parseIpv6(packet: Uint8Array): Parsed {
  return {
    source: hex(packet.slice(8, 24)),
    destination: hex(packet.slice(24, 40)),
    hops: packet[7]!,
    message: [...packet.slice(40)],
  };
}

/** Of several routers with this VRID: whom the packet was sent to, of these the one of its version. */
function choose(candidates: readonly Expectations[], parsed: Parsed, group: string): Expectations {
  const meant = candidates.filter(({ peers }) =>
    peers === null
      ? parsed.destination === group
      : !isMulticast(parsed.destination) && peers.includes(parsed.source)
  );
  const fitting = meant.length > 0 ? meant : candidates.filter((router) => isReminder(router, parsed));
  return fitting.find(({ version }) => version === Math.floor(parsed.message[0]! / 16)) ?? fitting[0] ??
    candidates[0]!;
}

interface Question extends Parsed {
  readonly family: 4 | 6;
  readonly group: string;
  readonly router: Expectations;
  /** Octets that the message says it has. */
  readonly length: number;
}

/** In the order of the checks that §7.1 asks for. */
const RULES: readonly (readonly [reason: string, isWrong: (question: Question) => boolean])[] = [
  ["packet_length_errors", ({ message, length }) => message.length < length],
  ["ip_ttl_errors", ({ hops, router }) => router.peers === null && router.ttlSecurity && hops !== 255],
  ["version_errors", ({ message, router }) => Math.floor(message[0]! / 16) !== router.version],
  ["invalid_authentication_type", ({ message, router }) => router.version === 2 && message[4]! > 2],
  [
    "authentication_type_mismatch",
    ({ message, router }) => router.version === 2 && message[4] !== (router.password === null ? 0 : 1),
  ],
  [
    "authentication_failures",
    ({ message, router, family, length }) =>
      router.version === 2 && family === 4 && router.password !== null &&
      hex(message.slice(length - 8, length)) !== router.password,
  ],
  [
    "interval_errors",
    ({ message, router }) =>
      router.version === 2 ? message[5]! * 100 !== router.centiseconds : intervalOf(message) === 0,
  ],
  [
    "address_list_errors",
    ({ message, router }) => router.version === 3 && router.hasAddresses && message[3] === 0,
  ],
  ["invalid_type_pkts_rcvd", ({ message }) => message[0]! % 16 !== 1],
  // A frame has at least 46 octets of payload: what is shorter comes padded.
  [
    "packet_length_errors",
    ({ message, length, family }) => message.length !== length && !(family === 4 && message.length <= 26),
  ],
  ["checksum_errors", (question) => checksumOf(question.message, question.family, question) === null],
  [
    "unicast_mismatch",
    (question) => {
      const { destination, group, router } = question;
      if (router.peers !== null) return isMulticast(destination);
      return destination !== group && !isReminder(router, question);
    },
  ],
  ["unknown_source", ({ source, router }) => router.peers !== null && !router.peers.includes(source)],
];

function lengthOf(message: readonly number[], family: 4 | 6): number {
  const authentication = family === 4 && Math.floor(message[0]! / 16) === 2 ? 8 : 0;
  return 8 + message[3]! * (family === 4 ? 4 : 16) + authentication;
}

function intervalOf(message: readonly number[]): number {
  return Math.floor(message[0]! / 16) === 2 ? message[5]! * 100 : message[4]! % 16 * 256 + message[5]!;
}

function checksumOf(
  message: readonly number[],
  family: 4 | 6,
  { source, destination }: Parsed,
): string | null {
  const length = lengthOf(message, family);
  const covered = message.slice(0, length);
  const pseudo = [...octets(source), ...octets(destination), 0, 112, Math.floor(length / 256), length % 256];
  const isVersion2 = Math.floor(message[0]! / 16) === 2;
  if (isVersion2 && family === 4) return isAllOnes(covered) ? "rfc3768" : null;
  if (isAllOnes([...pseudo, ...covered])) return "pseudo_header";
  return family === 4 && isAllOnes(covered) ? "rfc9568" : null;
}

/** RFC 1071: in ones' complement, all words and their checksum add up to minus zero. */
function isAllOnes(bytes: readonly number[]): boolean {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) {
    sum += bytes[i]! * 256 + (bytes[i + 1] ?? 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum === 0xffff;
}

function said(message: readonly number[], family: 4 | 6, parsed: Parsed): string {
  const size = family === 4 ? 4 : 16;
  const addresses = Array.from(
    { length: message[3]! },
    (_, i) => hex(message.slice(8 + i * size, 8 + (i + 1) * size)),
  );
  return [
    `v${Math.floor(message[0]! / 16)}`,
    message[1],
    message[2],
    intervalOf(message),
    checksumOf(message, family, parsed),
    ...addresses,
  ].join(" ");
}

function isMulticast(address: string): boolean {
  return address.length === 8 ? /^[ef]/.test(address) && address < "f0000000" : address.startsWith("ff");
}

function hex(bytes: readonly number[] | Uint8Array): string {
  return Uint8Array.from(bytes).toHex();
}

function octets(text: string): Uint8Array {
  return Uint8Array.fromHex(text);
}
