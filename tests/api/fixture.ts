/** Snapshots and an API context for tests: small, complete and valid. */
import type {
  ApiContext,
  MaintenanceResult,
  OverrideResult,
  RealServerOrderResult,
  Release,
  ReloadResult,
  UpgradeResult,
} from "../../mod/api/context.ts";
import {
  type CheckStatus,
  type HookStatus,
  type NotifyStatus,
  type RealServerStatus,
  Snapshot,
  type Transition,
  type VirtualRouterStatus,
  type VirtualServerStatus,
} from "../../mod/snapshot.ts";

export const AT = "2026-11-20T06:00:00.000Z";

/** An ACTIVE router with a tracked check, a peer, counters and a rejected packet. */
export function router(changes: Partial<VirtualRouterStatus> = {}): VirtualRouterStatus {
  return {
    name: "VI_1",
    interface: "eth0",
    vrid: 51,
    version: 3,
    family: "ipv4",
    state: "ACTIVE",
    since: "2026-11-20T05:58:53.000Z",
    reason: "no advertisement for 3.6 s",
    base_priority: 100,
    effective_priority: 80,
    override: null,
    contributions: [
      {
        check: "nginx",
        state: "up",
        weight: null,
        reverse: false,
        contribution: 0,
        reason: "master 4711 is alive",
      },
      {
        check: "uplink",
        state: "down",
        weight: -20,
        reverse: false,
        contribution: -20,
        reason: "eth1 has no carrier",
      },
    ],
    advertisement_interval_ms: 1000,
    active_down_interval_ms: 3609.375,
    announcement_delay_ms: 5000,
    preempt: true,
    preempt_delay_ms: 0,
    sync_group: null,
    primary_address: "192.168.121.11",
    active_router: null,
    handover: false,
    handover_timeout_ms: 1000,
    held_back: null,
    virtual_mac: null,
    addresses: [
      { address: "192.168.121.120/24", interface: "eth0", advertised: true, present: true },
      { address: "fd00::120/64", interface: "eth0", advertised: false, present: true },
    ],
    peers: [{
      address: "192.168.121.12",
      version: 3,
      priority: 70,
      advertisement_interval_ms: 1000,
      checksum: "pseudo_header",
      addresses: ["192.168.121.120"],
      addresses_match: true,
      last_seen: "2026-11-20T05:59:59.500Z",
      advertisements: 12,
    }],
    counters: { advertisements_sent: 67, advertisements_received: 12, became_active: 1, checksum_errors: 2 },
    rejected: [{
      at: "2026-11-20T05:59:48.000Z",
      source: "192.168.121.66",
      reason: "checksum_errors",
      detail: "checksum 0x1234",
    }],
    conflicts: [],
    hooks: [hook(), hook({ hook: "any", last: null, runs: 0, failures: 0, coalesced: 0 })],
    ...changes,
  };
}

export function check(changes: Partial<CheckStatus> = {}): CheckStatus {
  return {
    name: "nginx",
    type: "nginx",
    state: "up",
    since: "2026-11-20T05:50:00.000Z",
    reason: "master 4711 is alive",
    last_run: "2026-11-20T05:59:59.000Z",
    duration_ms: 1.234,
    interval_ms: 2000,
    rise: 2,
    fall: 1,
    successes: 300,
    failures: 0,
    runs: 300,
    recoveries: 0,
    recoveries_failed: 0,
    last_recovery: null,
    ...changes,
  };
}

/** A program that failed when it ran last. */
export function hook(changes: Partial<HookStatus> = {}): HookStatus {
  return {
    hook: "active",
    argv0: "/usr/local/bin/notify",
    state: "idle",
    last: {
      at: AT,
      event: "active",
      exit_code: 2,
      duration_ms: 31.5,
      output: "starting\ncannot reach the cloud\n",
      problem: "exit code 2: cannot reach the cloud",
    },
    runs: 7,
    failures: 1,
    coalesced: 3,
    ...changes,
  };
}

/** A FIFO that nobody reads, a webhook that fails and mail that works. */
export function notifyStatus(changes: Partial<NotifyStatus> = {}): NotifyStatus {
  return {
    hooks: [hook({ hook: "startup", failures: 0 })],
    fifos: [{
      path: "/run/vipd/notify.fifo",
      events: "all",
      lines: 12,
      dropped: 3,
      problem: "it is full: nobody reads",
      reader: null,
    }],
    webhooks: [{
      url: "https://hooks.example.org/…",
      events: ["virtual_router"],
      queued: 1,
      delivered: 5,
      failed: 2,
      dropped: 0,
      last_problem: "answered 503",
    }],
    mail: {
      server: "127.0.0.1",
      to: ["root"],
      queued: 0,
      delivered: 4,
      failed: 0,
      dropped: 0,
      last_problem: null,
    },
    ...changes,
  };
}

export function snapshot(changes: Partial<Snapshot> = {}): Snapshot {
  return Snapshot.parse({
    at: AT,
    node: {
      name: "lb1",
      version: "0.1.0",
      pid: 4242,
      started: "2026-11-20T03:56:00.000Z",
      config_file: "/etc/vipd/vipd.toml",
      config_loaded: "2026-11-20T03:56:00.000Z",
      last_reload_error: null,
      state_file: { path: "/var/lib/vipd/state.json", problem: null },
      maintenance: null,
      last_upgrade: null,
      last_upgrade_error: null,
      realtime: true,
      engine: "running",
    },
    virtual_routers: [router()],
    lateness: { buckets: [{ le_ms: 0.5, count: 7 }, { le_ms: 10, count: 9 }], count: 10, sum_ms: 31.5 },
    sync_groups: [],
    foreign_routers: [{
      interface: "eth0",
      family: "ipv4",
      vrid: 77,
      address: "192.168.121.66",
      last_seen: "2026-11-20T05:59:59.000Z",
      packets: 40,
    }],
    checks: [
      check(),
      check({
        name: "uplink",
        type: "interface",
        state: "down",
        reason: "eth1 has no carrier",
        duration_ms: null,
      }),
    ],
    virtual_servers: [virtualServer()],
    direct_routing: [],
    notify: notifyStatus(),
    ...changes,
  });
}

/** A node with `count` virtual routers. */
export function bigSnapshot(count: number): Snapshot {
  return snapshot({
    virtual_routers: Array.from({ length: count }, (_, i) => router({ name: `VI_${i + 1}`, vrid: i + 1 })),
  });
}

export interface FakeContext extends ApiContext {
  /** Hands a transition to every subscriber. */
  emit(transition: Transition): void;
}

/** A context over one snapshot; `overrides` replace any part. */
export function fakeContext(overrides: Partial<ApiContext> = {}): FakeContext {
  const listeners = new Set<(transition: Transition) => void>();
  const current = snapshot();
  return {
    snapshot: () => Promise.resolve(current),
    subscribe(listener): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    reload: (): Promise<ReloadResult> => Promise.resolve({ ok: true, summary: "1 virtual router unchanged" }),
    upgrade: (binary = "/usr/local/bin/vipd"): Promise<UpgradeResult> =>
      Promise.resolve({ ok: true, from: "0.1.0", to: "0.2.0", program: binary }),
    handOver: (name): Promise<Release> =>
      Promise.resolve({ name, ok: true, detail: `${name} was handed over` }),
    overrideRouter: (name): Promise<OverrideResult> =>
      Promise.resolve({ ok: true, virtual_routers: [{ name, ok: true, detail: `${name} is preferred` }] }),
    beginMaintenance: (): Promise<MaintenanceResult> => Promise.resolve({ ok: true, virtual_routers: [] }),
    endMaintenance: (): Promise<MaintenanceResult> => Promise.resolve({ ok: true, virtual_routers: [] }),
    orderRealServer: (): RealServerOrderResult => ({ ok: true }),
    token: () => "s3cret",
    exporterNames: false,
    ...overrides,
    emit: (transition) => listeners.forEach((listener) => listener(transition)),
  };
}

export function transition(changes: Partial<Transition> = {}): Transition {
  return {
    at: AT,
    kind: "virtual_router",
    name: "VI_1",
    from: "BACKUP",
    to: "ACTIVE",
    reason: "no advertisement for 3.6 s",
    priority: 100,
    ...changes,
  };
}

/** A real server that is up, in a service of IPVS. */
export function realServer(changes: Partial<RealServerStatus> = {}): RealServerStatus {
  return {
    name: "192.168.121.21:80",
    address: "192.168.121.21:80",
    forward: "nat",
    state: "up",
    since: "2026-11-20T05:50:00.000Z",
    reason: "connected",
    healthy: true,
    checks: [check({ name: "web/192.168.121.21:80", type: "tcp", reason: "connected" })],
    weight: 1,
    full_weight: 1,
    configured_weight: 1,
    operator_weight: null,
    drain_until: null,
    active_connections: 3,
    inactive_connections: 4,
    persistent_connections: 0,
    traffic: { connections: 70, packets_in: 700, packets_out: 650, bytes_in: 70_000, bytes_out: 650_000 },
    ...changes,
  };
}

/** A virtual server with one real server that is up, one that is down and one that is being drained. */
export function virtualServer(changes: Partial<VirtualServerStatus> = {}): VirtualServerStatus {
  return {
    name: "web",
    services: [{
      service: "tcp 192.168.121.120:80",
      present: true,
      traffic: { connections: 90, packets_in: 900, packets_out: null, bytes_in: 90_000, bytes_out: null },
    }],
    engine: "ipvs",
    problem: null,
    warnings: [],
    scheduler: "wlc",
    virtual_router: "VI_1",
    checking: true,
    quorum: { up: true, since: "2026-11-20T05:50:00.000Z", required: 2, hysteresis: 0, live_weight: 4 },
    sorry_server: { address: "127.0.0.1:8080", state: "out" },
    real_servers: [
      realServer(),
      realServer({
        name: "rs2",
        address: "192.168.121.22:80",
        state: "down",
        since: "2026-11-20T05:59:30.000Z",
        reason: "connection refused",
        healthy: false,
        checks: [check({ name: "web/rs2", type: "tcp", state: "down", reason: "connection refused" })],
        weight: null,
        full_weight: 3,
        configured_weight: 3,
        active_connections: null,
        inactive_connections: null,
        persistent_connections: null,
        traffic: null,
      }),
      realServer({
        name: "rs3",
        address: "192.168.121.23:80",
        state: "draining",
        since: "2026-11-20T05:59:50.000Z",
        reason: "drained by the operator",
        checks: [],
        weight: 0,
        operator_weight: 3,
        full_weight: 3,
        drain_until: "2026-11-20T06:04:50.000Z",
        active_connections: 2,
      }),
    ],
    healed: 1,
    last_healed: { at: "2026-11-20T05:59:40.000Z", what: "service was missing" },
    hooks: [],
    ...changes,
  };
}
