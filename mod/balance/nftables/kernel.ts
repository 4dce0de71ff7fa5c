/** What the engine asks the kernel itself, past nft(8). */
import { SyscallError } from "../../../ffi/errno.ts";
import { NETLINK_NETFILTER, NetlinkError, NetlinkSocket } from "../../../ffi/netlink.ts";
import { rulesGeneration } from "../../../ffi/nfnetlink.ts";

export interface Kernel {
  /** A number that changes whenever anybody changes any rules of this host. */
  generation(): number;
  close(): void;
}

/** The network namespace of the calling thread. */
export function hostKernel(): Kernel {
  const netfilter = new NetlinkSocket(NETLINK_NETFILTER);
  return {
    generation: () => rulesGeneration(netfilter),
    close: () => netfilter.close(),
  };
}

/** The end of a sentence when the kernel cannot do it. To ask loads the module, where there is one. */
export function missingInKernel(): string | null {
  try {
    using netfilter = new NetlinkSocket(NETLINK_NETFILTER);
    rulesGeneration(netfilter);
    return null;
  } catch (error) {
    if (!(error instanceof NetlinkError) && !(error instanceof SyscallError)) throw error;
    return `the kernel has no nf_tables (${error.message})`;
  }
}
