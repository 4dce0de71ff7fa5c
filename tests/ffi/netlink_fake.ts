/** A made-up kernel for tests of what stands on netlink: request bytes in, reply bytes out. */

import { NetlinkConversation, type Transport } from "../../ffi/netlink_conversation.ts";
import { nlmsgerr } from "../../ffi/netlink_error.ts";
import {
  concat,
  decodeMessages,
  encodeMessage,
  type NetlinkMessage,
  NLM_F_DUMP,
  NLM_F_MULTI,
  NLMSG_DONE,
  NLMSG_ERROR,
} from "../../ffi/netlink_message.ts";

/** Answers one datagram of requests with one of replies; see {@link acknowledge} and {@link dump}. */
export type FakeKernel = (request: Uint8Array) => Uint8Array;

/** A Netlink that talks to `kernel`, remembers what was sent, and receives what the test makes it notice. */
export class FakeNetlink extends NetlinkConversation {
  /** Every message that was sent, in order. */
  readonly sent: NetlinkMessage[];
  readonly #notices: Uint8Array[];

  constructor(kernel: FakeKernel = acknowledgeAll, portId = 4242) {
    const sent: NetlinkMessage[] = [];
    const replies: Uint8Array[] = [];
    const notices: Uint8Array[] = [];
    const transport: Transport = {
      portId,
      send(bytes: Uint8Array): void {
        sent.push(...decodeMessages(bytes));
        replies.push(kernel(bytes));
      },
      receive(): { bytes: Uint8Array; multicast: boolean } | null {
        const reply = replies.shift();
        if (reply !== undefined) return { bytes: reply, multicast: false };
        const notice = notices.shift();
        return notice === undefined ? null : { bytes: notice, multicast: true };
      },
    };
    super(transport);
    this.sent = sent;
    this.#notices = notices;
  }

  /** Has the next `receive()` return these messages. */
  notify(...messages: readonly Partial<NetlinkMessage>[]): void {
    this.#notices.push(concat(messages.map((message) => encode(message))));
  }
}

/** Says yes to everything; a dump is empty. */
export function acknowledgeAll(request: Uint8Array): Uint8Array {
  return concat(
    decodeMessages(request).map((message) => isDump(message) ? dump(message, []) : acknowledge(message)),
  );
}

/** The answer yes to one request, or no with an errno. */
export function acknowledge({ sequence, portId, type, flags }: NetlinkMessage, errno = 0): Uint8Array {
  const payload = nlmsgerr.encode({
    error: -errno,
    nlmsg_type: type,
    nlmsg_flags: flags,
    nlmsg_seq: sequence,
    nlmsg_pid: portId,
  });
  return encode({ type: NLMSG_ERROR, sequence, portId, payload });
}

/** The answer to a dump request: all messages, then the end. */
export function dump(
  { sequence, portId }: NetlinkMessage,
  messages: readonly Pick<NetlinkMessage, "type" | "payload">[],
): Uint8Array {
  const end = { type: NLMSG_DONE, payload: new Uint8Array(4) };
  return concat(
    [...messages, end].map((message) => encode({ ...message, flags: NLM_F_MULTI, sequence, portId })),
  );
}

/** Whether a message asks for a dump. */
export function isDump({ flags }: NetlinkMessage): boolean {
  return (flags & NLM_F_DUMP) === NLM_F_DUMP;
}

function encode(
  { type = 0, flags = 0, sequence = 0, portId = 0, payload = new Uint8Array(0) }: Partial<NetlinkMessage>,
): Uint8Array {
  return encodeMessage({ type, flags, sequence, portId }, payload);
}
