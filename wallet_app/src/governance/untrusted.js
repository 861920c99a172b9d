// What is thrown when something that came over the network does not hold.

/** `step` names the first check that failed; `reason` is the engine's, where it said no. */
export class Untrusted extends Error {
  /**
   * @param {string} step
   * @param {string} [reason]
   */
  constructor(step, reason = "") {
    super(`not trusted: ${step} ${reason}`.trim());
    this.step = step;
    this.reason = reason;
  }
}

/**
 * @param {unknown} holds
 * @param {string} step
 * @returns {asserts holds}
 */
export function demand(holds, step) {
  if (!holds) throw new Untrusted(step);
}

/**
 * What `made` gives; whatever it trips over is the failure of one step.
 * @template T
 * @param {string} step
 * @param {() => T | Promise<T>} made
 * @returns {Promise<T>}
 */
export async function within(step, made) {
  try {
    return await made();
  } catch {
    throw new Untrusted(step);
  }
}
