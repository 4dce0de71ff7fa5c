/** The worker of sched_child.ts: reports the policy of its thread. */

/// <reference lib="deno.worker" />

import { schedulingPolicy } from "../../ffi/sched.ts";

declare const self: DedicatedWorkerGlobalScope;
self.postMessage(schedulingPolicy());
