/**
 * The netlink protocol over any transport: numbered requests, their answers in any order, notifications
 * between them.
 */

import { EINTR, ENOBUFS, ETIMEDOUT, SyscallError } from "./errno.ts";
import { decodeError, NetlinkError } from "./netlink_error.ts";
import {
  concat,
  decodeMessages,
  encodeMessage,
  type NetlinkMessage,
  type NetlinkRequest,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
} from "./netlink_message.ts";

/**
 * The longest wait for an answer. The kernel answers within the send; only a dump continues while it is read.
 */
const TIMEOUT_MS = 2000;
/**
 * Every answer of a batch waits in the receive buffer until the batch is sent; 64 fit in the smallest
 * default.
 */
const BATCH_MESSAGES = 64;
const BATCH_BYTES = 32 * 1024;
/** A dump that changed while it was read is read again. */
const DUMP_ATTEMPTS = 10;

/** What one `receive()` takes at most: some milliseconds of work. */
const DATAGRAMS_PER_RECEIVE = 1024;
/**
 * After the longest wait, what has already come is still read (the process may have been stopped), but no
 * more than this: an answer without an end must not be one here.
 */
const LATE_DATAGRAMS = 1024;

/** The answer to one request: the messages before its acknowledgement, and the refusal if it was one. */
export interface Reply {
  readonly messages: readonly NetlinkMessage[];
  readonly error: NetlinkError | null;
}

/** A conversation with a kernel, real or made up by a test. */
export interface Netlink {
  /** Port of this socket: changes that it caused carry it in {@link NetlinkMessage.portId}. */
  readonly portId: number;
  /** Notifications were lost before what the last `receive()` returned: dump everything again. */
  readonly overrun: boolean;
  /**
   * Sends all requests in order and in few datagrams, and reads every answer. A refused request hinders no
   * other; when one was refused, the first NetlinkError is thrown *after* all were done.
   */
  request(requests: readonly NetlinkRequest[]): Reply[];
  /** As `request`, but returns what became of each: null, or why it was refused. */
  requestAll(requests: readonly NetlinkRequest[]): (NetlinkError | null)[];
  /**
   * Notifications that are waiting, oldest first; never blocks. In a storm only the first thousand, so that
   * the caller's other descriptors get their turn; the socket is still readable then.
   */
  receive(): NetlinkMessage[];
}

/** A conversation in which nobody waits for the answers. */
export interface NetlinkPost {
  /** Sends all requests, in few datagrams. Their answers are for `collect`. */
  post(requests: readonly NetlinkRequest[]): void;
  /**
   * What became of each request that was posted; null while answers are missing, which this waits for at most
   * `waitMs`.
   */
  collect(waitMs: number): (NetlinkError | null)[] | null;
  /** The same, once nobody wants to wait for what is missing: it counts as refused with ETIMEDOUT. */
  abandon(): (NetlinkError | null)[];
}

/** One datagram from below. */
export interface Datagram {
  readonly bytes: Uint8Array;
  /** A notification to a group, not an answer to us. */
  readonly multicast: boolean;
}

/** What the conversation stands on. */
export interface Transport {
  readonly portId: number;
  send(bytes: Uint8Array): void;
  /** The next datagram, null when none comes within `waitMs`. Throws ENOBUFS when some were lost. */
  receive(waitMs: number): Datagram | null;
}

/** A {@link Netlink} over a {@link Transport}. */
export class NetlinkConversation implements Netlink, NetlinkPost {
  overrun = false;
  readonly #transport: Transport;
  readonly #nowMs: () => number;
  #sequence = 0;
  #losses = 0;
  #lossesReported = 0;
  #notifications: NetlinkMessage[] = [];
  #posted: Answers[] = [];

  /** `nowMs`: a clock that never goes back. */
  constructor(transport: Transport, nowMs: () => number = () => performance.now()) {
    this.#transport = transport;
    this.#nowMs = nowMs;
  }

  get portId(): number {
    return this.#transport.portId;
  }

  request(requests: readonly NetlinkRequest[]): Reply[] {
    const replies = this.#exchangeAll(requests);
    for (const { error } of replies) if (error !== null) throw error;
    return replies;
  }

  requestAll(requests: readonly NetlinkRequest[]): (NetlinkError | null)[] {
    return this.#exchangeAll(requests).map(({ error }) => error);
  }

  receive(): NetlinkMessage[] {
    for (let count = 0; count < DATAGRAMS_PER_RECEIVE; count++) {
      const datagram = this.#next(0);
      if (datagram === null) break;
      this.#keep(datagram);
    }
    const notifications = this.#notifications;
    this.#notifications = [];
    this.overrun = this.#losses !== this.#lossesReported;
    this.#lossesReported = this.#losses;
    return notifications;
  }

  post(requests: readonly NetlinkRequest[]): void {
    for (const batch of batches(requests)) {
      const answers = new Answers(batch, this.#sequence + 1);
      this.#sequence += batch.length;
      this.#posted.push(answers);
      this.#transport.send(answers.encode(this.portId));
    }
  }

  collect(waitMs: number): (NetlinkError | null)[] | null {
    const losses = this.#losses;
    const endMs = this.#nowMs() + waitMs;
    while (this.#posted.some(({ complete }) => !complete)) {
      const datagram = this.#next(Math.max(0, endMs - this.#nowMs()));
      if (datagram !== null) this.#keep(datagram);
      else if (this.#losses !== losses) return this.#finish(ENOBUFS);
      else return null;
    }
    return this.#finish(ENOBUFS);
  }

  abandon(): (NetlinkError | null)[] {
    return this.#finish(ETIMEDOUT);
  }

  #finish(errno: number): (NetlinkError | null)[] {
    const posted = this.#posted;
    this.#posted = [];
    for (const answers of posted) answers.giveUp(errno);
    return posted.flatMap(({ replies }) => replies.map(({ error }) => error));
  }

  #exchangeAll(requests: readonly NetlinkRequest[]): Reply[] {
    const replies: Reply[] = [];
    for (const batch of batches(requests)) replies.push(...this.#exchangeSettled(batch));
    return replies;
  }

  /** One batch; a dump again and again until nothing changed meanwhile. */
  #exchangeSettled(batch: readonly NetlinkRequest[]): Reply[] {
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      const answers = this.#exchange(batch);
      if (!answers.interrupted) return answers.replies;
    }
    throw new SyscallError(`${batch[0]?.description}: changed while it was read`, EINTR);
  }

  #exchange(batch: readonly NetlinkRequest[]): Answers {
    const answers = new Answers(batch, this.#sequence + 1);
    this.#sequence += batch.length;
    this.#transport.send(answers.encode(this.portId));

    const losses = this.#losses;
    const endMs = this.#nowMs() + TIMEOUT_MS;
    for (let late = 0; !answers.complete;) {
      // Once something was lost, an answer may be among it: take what is there and give up.
      const lost = this.#losses !== losses;
      const waitMs = lost ? 0 : Math.max(0, endMs - this.#nowMs());
      const isOver = waitMs === 0 && late++ === LATE_DATAGRAMS;
      const datagram = isOver ? null : this.#next(waitMs);
      if (datagram !== null) this.#keep(datagram);
      if (datagram?.multicast === false) answers.accept(datagram.bytes);
      else if (datagram !== null) continue;
      else if (lost) answers.giveUp(ENOBUFS);
      else if (this.#nowMs() >= endMs) answers.giveUp(ETIMEDOUT);
    }
    return answers;
  }

  /** Notifications are for `receive`; an answer may be to what was posted. */
  #keep({ bytes, multicast }: Datagram): void {
    if (multicast) this.#notifications.push(...decodeMessages(bytes));
    else for (const posted of this.#posted) posted.accept(bytes);
  }

  #next(waitMs: number): Datagram | null {
    // A loss is told once, and what comes after it waits already: who tells nothing but losses has nothing.
    for (let losses = 0; losses < DATAGRAMS_PER_RECEIVE; losses++) {
      try {
        return this.#transport.receive(losses === 0 ? waitMs : 0);
      } catch (error) {
        if (!(error instanceof SyscallError) || error.errno !== ENOBUFS) throw error;
        this.#losses++;
      }
    }
    return null;
  }
}

/** The requests of one datagram and what has been answered to each. */
class Answers {
  readonly replies: { messages: NetlinkMessage[]; error: NetlinkError | null }[];
  interrupted = false;
  readonly #waiting: Set<number>;

  constructor(readonly requests: readonly NetlinkRequest[], readonly firstSequence: number) {
    this.replies = requests.map(() => ({ messages: [], error: null }));
    this.#waiting = new Set(requests.keys());
  }

  get complete(): boolean {
    return this.#waiting.size === 0;
  }

  encode(portId: number): Uint8Array {
    const last = this.requests.length - 1;
    const messages = this.requests.map(({ type, flags, payload, quiet }, i) => {
      const ack = quiet === true && i < last ? 0 : NLM_F_ACK;
      return encodeMessage(
        { type, flags: flags | NLM_F_REQUEST | ack, sequence: this.firstSequence + i, portId },
        payload,
      );
    });
    return concat(messages);
  }

  accept(datagram: Uint8Array): void {
    for (const message of decodeMessages(datagram)) {
      const i = message.sequence - this.firstSequence;
      // Anything else is a late answer to a request that was given up.
      if (this.#waiting.has(i)) this.#acceptFor(i, message);
    }
  }

  giveUp(errno: number): void {
    for (const i of this.#waiting) this.#finish(i, new NetlinkError(this.#describe(i), errno));
  }

  #acceptFor(i: number, message: NetlinkMessage): void {
    if ((message.flags & NLM_F_DUMP_INTR) !== 0) this.interrupted = true;
    if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) {
      this.#finish(i, decodeError(this.#describe(i), message));
    } else {
      this.replies[i]?.messages.push(message);
    }
  }

  #finish(i: number, error: NetlinkError | null): void {
    const reply = this.replies[i];
    if (reply !== undefined) reply.error = error;
    this.#waiting.delete(i);
    // Answers come in order: the quiet ones before it have not been refused.
    for (let before = i - 1; this.requests[before]?.quiet === true; before--) this.#waiting.delete(before);
  }

  #describe(i: number): string {
    return this.requests[i]?.description ?? "netlink";
  }
}

/** Splits requests into what is sent at once. A dump goes alone: the kernel runs one per socket at a time. */
function batches(requests: readonly NetlinkRequest[]): NetlinkRequest[][] {
  const split: NetlinkRequest[][] = [];
  let current: NetlinkRequest[] = [];
  let bytes = 0;
  for (const request of requests) {
    const alone = isDump(request) || current.some(isDump);
    if (
      current.length > 0 &&
      (alone || current.length === BATCH_MESSAGES || bytes + request.payload.length > BATCH_BYTES)
    ) {
      split.push(current);
      current = [];
      bytes = 0;
    }
    current.push(request);
    bytes += request.payload.length;
  }
  if (current.length > 0) split.push(current);
  return split;
}

/**
 * The bits of NLM_F_DUMP mean REPLACE and EXCL in a request to change something; both together are only ever
 * a dump.
 */
function isDump({ flags }: NetlinkRequest): boolean {
  return (flags & NLM_F_DUMP) === NLM_F_DUMP;
}
