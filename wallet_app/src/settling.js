// Yes or no was said, and the network may fail at any moment. The same is asked again then: the
// server carries nothing out twice, and what it has carried out stands in the wallet's history.
// So nothing is claimed that did not happen.

import { Problem, get } from "./api.js";
import { go } from "./app.js";

/** `event`: what the history says afterwards; null if it says nothing. */
/** @typedef {{id: string, event: string | null, send: () => Promise<any>, done: string}} Step */

/**
 * Carry a step out and show what came of it.
 * @param {Step} step
 * @returns {Promise<unknown>}
 */
export async function settle(step) {
  const again = () => settle(step);
  try {
    await step.send();
  } catch (error) {
    if (!(error instanceof Problem) || error.ended) throw error;
    if (error.offline) return go("outcome", { what: "interrupted", again });
    // it does not wait any more: this was carried out before, or something else was
    if (error.code === "not-waiting" && (await wasDone(step))) return go("outcome", { what: step.done });
    return go("outcome", { problem: error, again: error.passing ? again : null });
  }
  return go("outcome", { what: step.done });
}

/** @param {Step} step */
async function wasDone({ id, event }) {
  /** @type {import("./types").Receipt[]} */
  const items = (await get("/history")).items;
  const found = items.find((each) => each.id === id);
  return event === null ? !found : found?.event === event;
}
