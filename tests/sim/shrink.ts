/** Makes a story that breaks a promise as short as it gets while it still breaks the same one. */
import type { Action, Story } from "./story.ts";
import { type Core, type Violation, World } from "./world.ts";

/** Numbers differ from story to story; the promise is what the words say. */
export function samePromise(a: Violation, b: Violation): boolean {
  const words = ({ promise }: Violation): string => promise.replace(/[A-E]\b|[\d.]+/g, "#");
  return words(a) === words(b);
}

/** The shortest story found, at most `tries` runs away. */
export function shrink(story: Story, violation: Violation, core: Core, tries = 3000): Story {
  let shortest = story;
  let left = tries;
  const fails = (candidate: Story): boolean => {
    if (left-- <= 0) return false;
    const found = new World(candidate, core).run();
    return found !== null && samePromise(found, violation);
  };
  for (let size = -1; size !== sizeOf(shortest) && left > 0;) {
    size = sizeOf(shortest);
    shortest = dropActions(shortest, fails);
    for (const candidate of simpler(shortest)) if (fails(candidate(shortest))) shortest = candidate(shortest);
  }
  return shortest;
}

function sizeOf(story: Story): number {
  return JSON.stringify(story).length;
}

/** First halves, then quarters and so on, then single actions. */
function dropActions(story: Story, fails: (candidate: Story) => boolean): Story {
  let { actions } = story;
  for (
    let chunk = Math.ceil(actions.length / 2);
    chunk >= 1;
    chunk = chunk === 1 ? 0 : Math.ceil(chunk / 2)
  ) {
    for (let at = 0; at < actions.length;) {
      const candidate = actions.toSpliced(at, chunk);
      if (fails({ ...story, actions: candidate })) actions = candidate;
      else at += chunk;
    }
  }
  return { ...story, actions };
}

type Change = (story: Story) => Story;

/** Everything that can be made plainer, one at a time. */
function simpler(story: Story): Change[] {
  const changes: Change[] = [
    (s) => ({ ...s, network: { ...s.network, duplication: 0 } }),
    (s) => ({ ...s, network: { ...s.network, reordering: 0 } }),
    (s) => ({ ...s, network: { ...s.network, corruption: 0 } }),
    (s) => ({ ...s, network: { ...s.network, loss: 0 } }),
    (s) => ({ ...s, network: { ...s.network, jitterMs: 0 } }),
    (s) => ({ ...s, network: { ...s.network, delayMs: 0.1 } }),
    (s) => ({ ...s, family: 4 }),
  ];
  const { length } = story.routers;
  if (length > 2) changes.push((s) => withoutLastRouter(s, length - 1));
  for (let i = 0; i < length; i++) {
    const change = (to: Partial<Story["routers"][number]>): Change => (s) =>
      s.routers[i] === undefined ? s : { ...s, routers: s.routers.with(i, { ...s.routers[i]!, ...to }) };
    changes.push(
      change({ startMs: 0 }),
      change({ clockRate: 1 }),
      change({ latenessMs: 0.05 }),
      change({ preemptDelayMs: 0 }),
    );
    changes.push(change({ preempt: true }), change({ kind: "vipd", leaseMs: 3000 }));
  }
  for (const [i, action] of story.actions.entries()) {
    for (const rounded of [Math.round(action.atMs / 1000) * 1000, Math.round(action.atMs)]) {
      changes.push((s) =>
        s.actions[i] === undefined
          ? s
          : { ...s, actions: s.actions.with(i, { ...s.actions[i]!, atMs: rounded }) }
      );
    }
  }
  const lastMs = story.actions.at(-1)?.atMs ?? 0;
  changes.push((s) => ({ ...s, calmMs: lastMs + 1, lengthMs: lastMs + 1 + s.lengthMs - s.calmMs }));
  return changes;
}

/** The client takes the number of the router that goes. */
function withoutLastRouter(story: Story, station: number): Story {
  const actions = story.actions.flatMap((action): Action[] => {
    if ("router" in action) return action.router === station ? [] : [action];
    if (action.type === "split") {
      return [{
        ...action,
        side: action.side.filter((other) => other !== station).map((other) => Math.min(other, station)),
      }];
    }
    if (action.type !== "cut" && action.type !== "mend") return [action];
    if (action.from === station || action.to === station) return [];
    return [{ ...action, from: Math.min(action.from, station), to: Math.min(action.to, station) }];
  });
  return { ...story, actions, routers: story.routers.slice(0, station) };
}
