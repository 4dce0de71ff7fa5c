/** The options that say from where and to which port a check's packets go: the same for all checks. */
import { isIP } from "node:net";
import * as z from "zod";
import { duration, type Origin, port } from "./check.ts";

export const connectTimeout = duration.refine((ms) => ms > 0, { error: "expected more than 0s" }).prefault(
  "3s",
).describe(
  "Time to establish the connection, TLS included",
);

/** Part of the options of checks that open sockets. */
export const originFields = {
  bind_address: z.string().refine((text) => isIP(text) !== 0, { error: "expected an IP address" }).optional()
    .describe("Local IP address to send from"),
  bind_interface: z.string().min(1).max(15).optional().describe("Interface to send from"),
  fwmark: z.int().min(1).max(0xffff_ffff).optional()
    .describe("Mark of the packets sent (SO_MARK), for routing rules and packet filters"),
} as const;

export const connectPort = port.optional()
  .describe("Port in place of the one of the address or real server");

type Fields = {
  readonly bind_address?: string | undefined;
  readonly bind_interface?: string | undefined;
  readonly fwmark?: number | undefined;
};

export function originOf({ bind_address, bind_interface, fwmark }: Fields): Origin {
  return {
    ...(bind_address === undefined ? {} : { bindAddress: bind_address }),
    ...(bind_interface === undefined ? {} : { bindInterface: bind_interface }),
    ...(fwmark === undefined ? {} : { fwmark }),
  };
}
