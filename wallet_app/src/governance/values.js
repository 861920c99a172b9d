// What is thrown when something that came over the network does not hold; small questions about
// JSON values, and the moments that they name.

/** @import { Json } from "./types" */

const DID = /^did:[a-z0-9]+:[A-Za-z0-9._:%-]+$/;
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/;

/** `step` names the first check that failed; `reason` is the engine's, where it said no. */
export class Untrusted extends Error {
  constructor(/** @type {string} */ step, reason = "") {
    super(`not trusted: ${step} ${reason}`.trim());
    this.step = step;
    this.reason = reason;
  }
}

/** @type {(holds: unknown, step: string) => asserts holds} */
export const demand = (holds, step) => {
  if (!holds) throw new Untrusted(step);
};

/**
 * What `made` gives; whatever it trips over is the failure of one step.
 * @template T
 * @param {string} step
 * @param {() => T | Promise<T>} made
 */
export async function within(step, made) {
  try {
    return await made();
  } catch {
    throw new Untrusted(step);
  }
}

/** @type {(value: unknown) => value is Json} */
export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** A text that is not empty. @type {(value: unknown) => value is string} */
export const isText = (value) => typeof value === "string" && value !== "";

/** @type {(value: unknown) => value is string} */
export const isDid = (value) => isText(value) && DID.test(value);

/** @type {(value: unknown, least: number, most?: number) => value is number} */
export const isWhole = (value, least, most = Infinity) =>
  Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most;

/**
 * Whether an object has exactly these members: what is not known may not be skipped.
 * @type {(value: unknown, ...names: string[]) => value is Json}
 */
export const hasOnly = (value, ...names) => {
  const found = isObject(value) ? Object.keys(value) : [];
  return found.length === names.length && names.every((name) => found.includes(name));
};

/**
 * Milliseconds since 1970 of an RFC 3339 time in UTC with Z; null if the value is none.
 * @param {unknown} value
 */
export function momentOf(value) {
  if (!isText(value) || !MOMENT.test(value) || value.startsWith("0000")) return null;
  const seconds = value.slice(0, 19);
  const time = Date.parse(`${seconds}Z`);
  // a 30th of February is read as some day of March
  if (Number.isNaN(time) || !new Date(time).toISOString().startsWith(seconds)) return null;
  return time + Number(`0${value.slice(19, -1)}`) * 1000;
}
