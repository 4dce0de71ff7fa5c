/**
 * Generic netlink: families of commands, each found by its name because its number is given out when it is
 * registered (linux/genetlink.h).
 */

import { ENOENT } from "./errno.ts";
import { type Netlink, NETLINK_GENERIC, NetlinkSocket } from "./netlink.ts";
import { NetlinkError } from "./netlink_error.ts";
import {
  type Attribute,
  Attributes,
  encodePayload,
  type NetlinkMessage,
  type NetlinkRequest,
} from "./netlink_message.ts";
import { struct, u16, u8 } from "./struct.ts";

/** struct genlmsghdr */
export const genlmsghdr = struct({ cmd: u8, version: u8, reserved: u16 });

/** The family of the controller, which knows the others. */
export const GENL_ID_CTRL = 0x10;
export const CTRL_CMD_GETFAMILY = 3;
const CTRL_ATTR_FAMILY_ID = 1;
const CTRL_ATTR_FAMILY_NAME = 2;
const CTRL_VERSION = 1;

/** A family as this kernel has it now. The number changes when its module is loaded anew. */
export interface Family {
  readonly id: number;
  readonly version: number;
}

/** A socket for requests, in the network namespace that the calling thread is in now. */
export function openGenetlink(): NetlinkSocket {
  return new NetlinkSocket(NETLINK_GENERIC);
}

/**
 * The number of a family; null when the kernel has none of this name. Asking makes the kernel load the module
 * that brings it, where there is one.
 */
export function findFamily(nl: Netlink, name: string): number | null {
  const controller = { id: GENL_ID_CTRL, version: CTRL_VERSION };
  try {
    const [reply] = nl.request([
      genlRequest(controller, CTRL_CMD_GETFAMILY, [[CTRL_ATTR_FAMILY_NAME, name]], {
        description: `look for ${name} in the kernel`,
      }),
    ]);
    const [message] = reply?.messages ?? [];
    return message === undefined ? null : genlAttributes(message).u16(CTRL_ATTR_FAMILY_ID) ?? null;
  } catch (error) {
    if (error instanceof NetlinkError && error.errno === ENOENT) return null;
    throw error;
  }
}

/** What goes with a request; `description` may be made when somebody asks for it. */
export type GenlOptions =
  & Pick<NetlinkRequest, "description">
  & Partial<Pick<NetlinkRequest, "flags" | "quiet">>;

/** The request for one command of a family. */
export function genlRequest(
  { id, version }: Family,
  cmd: number,
  attributes: readonly Attribute[],
  options: GenlOptions,
): NetlinkRequest {
  const { flags = 0, quiet = false } = options;
  const payload = encodePayload(Uint8Array.of(cmd, version, 0, 0), attributes);
  // Words that few requests ever need, and there may be thousands.
  return {
    type: id,
    flags,
    payload,
    quiet,
    get description() {
      return options.description;
    },
  };
}

/** What a message of any family carries. */
export function genlAttributes({ payload }: NetlinkMessage): Attributes {
  return new Attributes(payload, genlmsghdr.size);
}
