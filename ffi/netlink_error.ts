/** The kernel's refusal of a netlink request, with its own explanation (NETLINK_EXT_ACK). */

import { errnoName, strerror } from "./errno.ts";
import { Attributes, type NetlinkMessage, nlmsghdr } from "./netlink_message.ts";
import { i32, struct, u16, u32 } from "./struct.ts";

/** struct nlmsgerr: the header of the refused request follows the error. */
export const nlmsgerr = struct({
  error: i32,
  nlmsg_len: u32,
  nlmsg_type: u16,
  nlmsg_flags: u16,
  nlmsg_seq: u32,
  nlmsg_pid: u32,
});

const NLM_F_CAPPED = 0x100;
const NLM_F_ACK_TLVS = 0x200;
const NLMSGERR_ATTR_MSG = 1;

/** `add 192.0.2.1/32 to interface 3: EEXIST: File exists (ipv4: Address already assigned)` */
export class NetlinkError extends Error {
  override readonly name = "NetlinkError";
  /** `EEXIST` */
  readonly code: string;
  constructor(
    /** What was asked, in words. */
    readonly request: string,
    readonly errno: number,
    /** The kernel's own sentence; empty when it gave none. */
    readonly extack = "",
  ) {
    const hint = extack === "" ? "" : ` (${extack})`;
    super(`${request}: ${errnoName(errno)}: ${strerror(errno)}${hint}`);
    this.code = errnoName(errno);
  }
}

/** What an NLMSG_ERROR or NLMSG_DONE message says about `request`: null when all went well. */
export function decodeError(request: string, message: NetlinkMessage): NetlinkError | null {
  const { payload, flags } = message;
  const number = payload.length < 4 ? 0 : new DataView(payload.buffer, payload.byteOffset).getInt32(0, true);
  if (number >= 0) return null;
  const extack = (flags & NLM_F_ACK_TLVS) === 0
    ? undefined
    : new Attributes(payload, headerSize(message)).text(NLMSGERR_ATTR_MSG);
  return new NetlinkError(request, -number, extack);
}

/** What stands before the explanation: in NLMSG_ERROR the refused request too, whole unless NLM_F_CAPPED. */
function headerSize({ type, flags, payload }: NetlinkMessage): number {
  const NLMSG_DONE = 3;
  if (type === NLMSG_DONE || payload.length < nlmsgerr.size) return 4;
  if ((flags & NLM_F_CAPPED) !== 0) return nlmsgerr.size;
  return nlmsgerr.size - nlmsghdr.size + nlmsgerr.decode(payload).nlmsg_len;
}
