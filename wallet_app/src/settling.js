// Yes was said, and the network may fail at any moment: whether it was carried out is read from
// the wallet's own history, so nothing is done twice and nothing is claimed that did not happen.

import { Problem, get } from "./api.js";
import { go } from "./app.js";

/** @typedef {{id: string, event: string, send: () => Promise<any>, done: string}} Step */

/**
 * Carry a step out and show what came of it.
 * @param {Step} step
 */
export async function settle(step) {
  try {
    await step.send();
  } catch (error) {
    if (!(error instanceof Problem) || error.ended) throw error;
    if (error.offline) return go("outcome", { what: "interrupted", again: () => resume(step) });
    if (await wasDone(step)) return go("outcome", { what: step.done });
    return go("outcome", { problem: error, again: later(error) ? () => resume(step) : null });
  }
  return go("outcome", { what: step.done });
}

/**
 * After an interruption: look first, then go on.
 * @param {Step} step
 */
async function resume(step) {
  if (await wasDone(step)) return go("outcome", { what: step.done });
  return settle(step);
}

/** @param {Step} step */
async function wasDone({ id, event }) {
  const { items } = await get("/history");
  return items.some((/** @type {import("./types").Receipt} */ each) => each.id === id && each.event === event);
}

/** @param {Problem} problem */
function later(problem) {
  return problem.status === 503 || problem.status === 429;
}
