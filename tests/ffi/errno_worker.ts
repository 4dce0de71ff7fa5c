/** The worker of errno_test.ts: fails in its own way and reports how often errno was wrong. */

/// <reference lib="deno.worker" />

import { failingCalls } from "./failing_calls.ts";

declare const self: DedicatedWorkerGlobalScope;
self.postMessage(failingCalls(50_000));
