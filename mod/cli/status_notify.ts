/** Who is told, in `vipd status`: programs, FIFOs, webhooks and mail, and what went wrong with them. PURE. */
import { formatAge } from "../age.ts";
import type { HookStatus, Snapshot } from "../snapshot.ts";
import { columns, paint, text, wrap } from "./text.ts";
import type { View } from "./view.ts";

/** One row a program; those that have never had anything to do are left out. */
export function hookRows(hooks: readonly HookStatus[], at: string, color: boolean): string[] {
  const used = hooks.filter(({ runs, state, coalesced }) => runs + coalesced > 0 || state !== "idle");
  return columns(used.map(({ hook, argv0, state, last, runs, failures, coalesced }) => [
    text(hook),
    text(argv0),
    state === "idle" ? "" : paint(state, "yellow", color),
    counts([[runs, runs === 1 ? "run" : "runs"], [failures, "failed"], [coalesced, "left out"]]),
    last === null
      ? ""
      : last.problem === null
      ? `ok in ${last.duration_ms} ms, ${formatAge(last.at, at)} ago`
      : paint(`${text(last.problem)}, ${formatAge(last.at, at)} ago`, "red", color),
  ]));
}

/** Empty when nobody but the programs of virtual routers and servers is told. */
export function notifyLines({ notify, at }: Snapshot, { color, width }: View): string[] {
  const { hooks, fifos, webhooks, mail } = notify;
  const problem = (what: string | null): string => what === null ? "" : paint(text(what), "red", color);
  const deliveries = (one: { delivered: number; queued: number; failed: number; dropped: number }): string =>
    counts([[one.delivered, "delivered"], [one.queued, "queued"], [one.failed, "given up"], [
      one.dropped,
      "dropped",
    ]]);
  const rows = columns([
    ...fifos.map(({ path, lines, dropped, problem: what, reader }) => [
      "fifo",
      text(path),
      counts([[lines, lines === 1 ? "line" : "lines"], [dropped, "dropped"], [
        reader?.restarts ?? 0,
        "restarts of its reader",
      ]]),
      problem(what ?? (reader?.state === "waiting" ? `its reader ended: ${reader.last_problem}` : null)),
    ]),
    ...webhooks.map((one) => ["webhook", text(one.url), deliveries(one), problem(one.last_problem)]),
    ...(mail === null ? [] : [["mail", text(mail.server), deliveries(mail), problem(mail.last_problem)]]),
  ]);
  const all = [...hookRows(hooks, at, color), ...rows];
  if (all.length === 0) return [];
  return ["", paint("Told", "bold", color), ...all.flatMap((row) => wrap(`  ${row}`, width, 4))];
}

/** "7 runs, 1 failed": what is 0 is left out, but the first. */
function counts(rows: readonly (readonly [number, string])[]): string {
  return rows.filter(([count], i) => i === 0 || count > 0).map(([count, what]) => `${count} ${what}`).join(
    ", ",
  );
}
