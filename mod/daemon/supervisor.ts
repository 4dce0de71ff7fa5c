/** What the supervisor hears of us: readiness, reloads, one line of status, proofs of life. */
import { SyscallError } from "../../ffi/errno.ts";
import { logger } from "../log.ts";
import { notifySystemd, type ServiceState } from "../notify/systemd.ts";

/** The status line follows transitions at this pace: the supervisor's socket queues a few messages only. */
const STATUS_MS = 100;

const log = logger("main");

export class Supervisor {
  #error = "";
  #isDue = false;

  /** A supervisor that cannot be reached is no reason to stop serving; it will act by itself. */
  tell(state: ServiceState): void {
    try {
      notifySystemd(state);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      // Once, not for each of 255 transitions.
      if (error.message !== this.#error) log.warn("supervisor {message}", { message: error.message });
      this.#error = error.message;
    }
  }

  /** One message for all that changes together: hundreds of them would crowd out READY and WATCHDOG. */
  tellLater(state: () => ServiceState): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setTimeout(() => {
      this.#isDue = false;
      this.tell(state());
    }, STATUS_MS);
  }
}
