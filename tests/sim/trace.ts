/** Events and effects in few words, for the trace of a story. */
import type { Effect, Event } from "../../mod/vrrp/state.ts";
import { stationName } from "./story.ts";
import type { World } from "./world.ts";

export function describeEvent({ addresses, story }: World, event: Event): string {
  switch (event.type) {
    case "advertisement": {
      const { source, priority } = event.advertisement;
      return `hears ${priority} from ${stationName(story, addresses.indexOf(source))}`;
    }
    case "conditions": {
      const troubles = [...event.faults, ...event.waiting];
      return troubles.length === 0 ? "all is well" : troubles.join(", ");
    }
    case "reminder":
    case "acknowledgement":
      return `${event.type} of ${stationName(story, addresses.indexOf(event.source))}`;
    case "priority":
      return `priority ${event.priority}`;
    default:
      return event.type;
  }
}

export function describeEffects(effects: readonly Effect[]): string {
  if (effects.length === 0) return "";
  const words = effects.map((effect) => {
    switch (effect.type) {
      case "sendAdvertisement":
        return `send ${effect.priority}`;
      case "transition":
        return `"${effect.reason}"`;
      default:
        return effect.type.replace("Addresses", "");
    }
  });
  return `(${words.join(", ")})`;
}
