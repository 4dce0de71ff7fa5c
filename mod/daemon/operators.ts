/** What operators order of this node's virtual routers: to leave, to stay out, to be preferred. */
import type {
  HandoverOrder,
  MaintenanceResult,
  OverrideOrder,
  OverrideResult,
  Release,
} from "../api/context.ts";
import { movingWith, type Named } from "../config/dual_stack.ts";
import { logger } from "../log.ts";
import type { MaintenanceStatus, RouterState, Transition } from "../snapshot.ts";
import type { EngineHandle } from "../vrrp/handle.ts";
import { Maintenance, type MaintenanceOrder, type MaintenanceState } from "./maintenance.ts";
import { Overrides, type OverrideStates } from "./overrides.ts";
import { attempt, comesBack, ownOf, type StandingOrders } from "./standing_orders.ts";

const log = logger("main");

/** As it is left to the next image of the program. */
export interface OperatorEstate {
  readonly maintenance: MaintenanceState | null;
  readonly overrides: OverrideStates;
}

export interface OperatorsParts {
  readonly engine: Pick<EngineHandle, "handOver" | "holdBack" | "maintain" | "override" | "report">;
  readonly orders: StandingOrders;
  readonly inherited: OperatorEstate | null;
  config(): {
    readonly node: { readonly name: string };
    readonly virtual_router: Readonly<Record<string, { readonly priority: number }>>;
    readonly sync_group: Named["sync_group"];
  };
  tell(kind: Transition["kind"], name: string, from: string, to: string, reason: string): void;
}

export class Operators {
  readonly #parts: OperatorsParts;
  readonly #maintenance: Maintenance;
  readonly #overrides: Overrides;

  /** To be made before the first configuration reaches the engine: what is ordered counts from the start. */
  constructor(parts: OperatorsParts) {
    this.#parts = parts;
    const { engine, orders, inherited, tell } = parts;
    this.#maintenance = new Maintenance({
      engine,
      orders,
      inherited: inherited?.maintenance ?? null,
      tell: (...told) => tell("node", parts.config().node.name, ...told),
    });
    this.#overrides = new Overrides({
      engine,
      orders,
      inherited: inherited?.overrides ?? null,
      priorityOf: (name) => ownOf(parts.config().virtual_router, name)?.priority,
      tell: (...told) => tell("override", ...told),
    });
    // After an upgrade the engine knows it from the one before.
    if (inherited === null) this.#holdBack();
  }

  /** A virtual router with its sync group, or a group. Null: there is none of this name. */
  async handOver(name: string, { back, persist }: HandoverOrder): Promise<Release | null> {
    const since = new Date().toISOString();
    const names = movingWith(name, this.#parts.config());
    const problem = this.#writeDown(names, persist && !back ? since : null);
    if (problem !== null && persist && !back) {
      return { name, ok: false, detail: `nothing is done, as it cannot be kept: ${problem}` };
    }
    const released = await this.#parts.engine.handOver(name, { back, reason: reasonOf(since) });
    if (released === null || !released.ok) {
      if (persist && !back) this.#writeDown(names, null);
      return released;
    }
    if (!back) { for (const one of names) this.#overrides.handedOver(one); }
    if (problem === null) return released;
    return { ...released, detail: `${released.detail}; ${comesBack(problem)}` };
  }

  /**
   * A priority is one virtual router's or, by the name of a sync group, every member's; who is preferred is
   * so with its whole group. Null: there is none of this name.
   */
  async override(name: string, order: OverrideOrder): Promise<OverrideResult | null> {
    const config = this.#parts.config();
    const isAlone = order.by === "priority" && Object.hasOwn(config.virtual_router, name);
    const names = isAlone ? [name] : movingWith(name, config);
    return names.length === 0 ? null : await this.#overrides.order(names, order);
  }

  beginMaintenance(order: MaintenanceOrder): Promise<MaintenanceResult> {
    return this.#maintenance.begin(order);
  }

  endMaintenance(): Promise<MaintenanceResult> {
    return this.#maintenance.end("ended by the operator");
  }

  maintenance(): MaintenanceStatus | null {
    return this.#maintenance.status();
  }

  /** What is held back has had to take over after all: it is so no more. */
  hearRouter(name: string, state: RouterState): void {
    if (state !== "ACTIVE") return;
    const problem = this.#writeDown([name], null);
    if (problem !== null) log.error("state_file {problem}", { problem: comesBack(problem) });
  }

  /** To be called after a reload. */
  forgetOthers(): void {
    this.#overrides.forgetOthers();
  }

  /** To be called about once a second. */
  tick(): void {
    this.#maintenance.tick();
    this.#overrides.tick();
  }

  estate(): OperatorEstate {
    return { maintenance: this.#maintenance.state, overrides: this.#overrides.states };
  }

  #holdBack(): void {
    const kept = Object.entries(this.#parts.orders.virtualRouters).flatMap(([name, { held_back }]) =>
      held_back === undefined ? [] : [[name, reasonOf(held_back.since)] as const]
    );
    if (kept.length > 0) this.#parts.engine.holdBack(Object.fromEntries(kept));
  }

  /** Since when they are held back, or null: not at all. What speaks against it, or null. */
  #writeDown(names: readonly string[], since: string | null): string | null {
    return attempt(() =>
      this.#parts.orders.changeVirtualRouters(
        names,
        ({ held_back: _, ...rest }) => since === null ? rest : { ...rest, held_back: { since } },
      )
    );
  }
}

function reasonOf(since: string): string {
  return `handed over on demand at ${since}`;
}
