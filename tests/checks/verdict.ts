/** Probes as tests make them: one look with a host of its own, the verdict as text, nothing left behind. */
import type { CheckContext, CheckType, Pass } from "../../checks/check.ts";
import { libc } from "../../ffi/libc.ts";
import { LinuxHost } from "../../mod/health/host.ts";

// Loaded once for the process, thus before any test, or it would count as a leak of the first.
libc();

interface Circumstances extends Pick<CheckContext, "target" | "runAs" | "timeoutMs"> {
  readonly signal?: AbortSignal;
}

/** "pass: note", "pass with weight 3: note", or the reason of the failure. */
export async function verdict(
  check: CheckType,
  options: Record<string, unknown>,
  { signal = new AbortController().signal, ...rest }: Circumstances = {},
): Promise<string> {
  const host = new LinuxHost();
  try {
    return passed(
      await check.probe({ name: check.type, host, ...rest }, check.options.parse(options), signal),
    );
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await host.idle();
  }
}

function passed(pass: Pass | string | void): string {
  return typeof pass === "object" ? `pass with weight ${pass.weight}: ${pass.note}` : `pass: ${pass ?? ""}`;
}
