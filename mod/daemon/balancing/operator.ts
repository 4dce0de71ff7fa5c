/** What operators order for real servers: looked at, written down where it is to last, and carried out. */
import { monotonicMs } from "../../../ffi/clock.ts";
import type { Arrival, Event } from "../../balance/server.ts";
import type { Drain } from "../../balance/state.ts";
import type { VirtualServer } from "../../balance/virtual_servers.ts";
import type { RealServerOrder, RealServerOrderResult } from "../../api/context.ts";
import { logger } from "../../log.ts";
import { attempt, comesBack, type RealServerOrders, type StandingOrders } from "../standing_orders.ts";

const log = logger("balance");

export class Operator {
  readonly #orders: StandingOrders;
  readonly #dispatch: (virtualServer: string, event: Event) => void;

  constructor(orders: StandingOrders, dispatch: (virtualServer: string, event: Event) => void) {
    this.#orders = orders;
    this.#dispatch = dispatch;
  }

  /** What has been ordered of a real server that comes. */
  standing(virtualServer: string, realServer: string): Omit<Arrival, "checks"> {
    const { weight = null, drain } = this.#orders.realServer(virtualServer, realServer);
    return { weight, drain: drain === undefined ? null : drainOf(drain) };
  }

  carryOut(server: VirtualServer, realServer: string, order: RealServerOrder): RealServerOrderResult {
    const { name, config } = server;
    const names = config.real_server.map(({ name }) => name);
    if (!names.includes(realServer)) {
      const message = `virtual server ${name} has no real server ${realServer}, but ${names.join(", ")}`;
      return { ok: false, kind: "not_found", message };
    }
    const timeoutMs = order.type === "drain" ? order.timeoutMs ?? config.drain_timeout : 0;
    const problem = this.#writeDown(name, realServer, order, timeoutMs);
    if (problem !== null && order.persist) {
      return { ok: false, kind: "failed", message: `nothing is done, as it cannot be kept: ${problem}` };
    }
    log.info("order {name}: {order}", { name: `${name}/${realServer}`, order: describe(order, timeoutMs) });
    this.#dispatch(name, eventOf(realServer, order, timeoutMs));
    return problem === null ? { ok: true } : { ok: true, note: comesBack(problem) };
  }

  /** A drain that is to last has come to its end: a restart shall not begin it anew. */
  noteDrained(virtualServer: string, realServer: string): void {
    const order = this.#orders.realServer(virtualServer, realServer);
    if (order.drain === undefined || order.drain.drained) return;
    const ended = { ...order, drain: { until: null, drained: true } };
    const problem = attempt(() => this.#orders.setRealServer(virtualServer, realServer, ended));
    if (problem !== null) log.error("state_file {problem}", { problem });
  }

  /**
   * The last order counts, after a restart too: one that is not to be kept takes what was kept of its kind
   * out of the file. What speaks against it, or null.
   */
  #writeDown(
    virtualServer: string,
    realServer: string,
    order: RealServerOrder,
    timeoutMs: number,
  ): string | null {
    const { drain, weight } = this.#orders.realServer(virtualServer, realServer);
    const kept: RealServerOrders = {
      ...(weight === undefined || order.type === "weight" ? {} : { weight }),
      ...(drain === undefined || order.type !== "weight" ? {} : { drain }),
    };
    const now = order.persist ? standingOf(order, timeoutMs) : {};
    return attempt(() => this.#orders.setRealServer(virtualServer, realServer, { ...kept, ...now }));
  }
}

function standingOf(order: RealServerOrder, timeoutMs: number): RealServerOrders {
  switch (order.type) {
    case "drain": {
      const until = timeoutMs === 0 ? null : new Date(Date.now() + timeoutMs).toISOString();
      return { drain: { until, drained: false } };
    }
    case "undrain":
      return {};
    case "weight":
      return order.weight === null ? {} : { weight: order.weight };
  }
}

function eventOf(realServer: string, order: RealServerOrder, timeoutMs: number): Event {
  switch (order.type) {
    case "drain":
      return { type: "drain", realServer, timeoutMs };
    case "undrain":
      return { type: "undrain", realServer };
    case "weight":
      return { type: "weight", realServer, weight: order.weight };
  }
}

function drainOf({ until, drained }: NonNullable<RealServerOrders["drain"]>): Drain {
  const leftMs = until === null ? Infinity : Date.parse(until) - Date.now();
  if (drained || leftMs <= 0) return { state: "drained" };
  return { state: "draining", deadlineMs: until === null ? null : monotonicMs() + leftMs, zeros: 0 };
}

function describe(order: RealServerOrder, timeoutMs: number): string {
  const kept = order.persist ? ", to be kept" : "";
  switch (order.type) {
    case "drain":
      return `drain ${
        timeoutMs === 0 ? "until no connection is left" : `for at most ${timeoutMs} ms`
      }${kept}`;
    case "undrain":
      return `undrain${kept}`;
    case "weight":
      return `weight ${order.weight ?? "auto"}${kept}`;
  }
}
