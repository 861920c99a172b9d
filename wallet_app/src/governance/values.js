// Small questions about JSON values, and the moments that they name.

/** @typedef {Record<string, any>} Json */

const DID = /^did:[a-z0-9]+:[A-Za-z0-9._:%-]+$/;
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/;

/**
 * @param {unknown} value
 * @returns {value is Json}
 */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * A text that is not empty.
 * @param {unknown} value
 * @returns {value is string}
 */
export function isText(value) {
  return typeof value === "string" && value !== "";
}

/**
 * @param {unknown} value
 * @returns {value is string}
 */
export function isDid(value) {
  return typeof value === "string" && DID.test(value);
}

/**
 * @param {unknown} value
 * @param {number} least
 * @param {number} [most]
 * @returns {value is number}
 */
export function isWhole(value, least, most = Number.MAX_SAFE_INTEGER) {
  return Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most;
}

/**
 * Milliseconds since 1970 of an RFC 3339 time in UTC with Z; null if the value is none.
 * @param {unknown} value
 */
export function momentOf(value) {
  if (typeof value !== "string" || !MOMENT.test(value) || value.startsWith("0000")) return null;
  const seconds = value.slice(0, 19);
  const time = Date.parse(`${seconds}Z`);
  // a 30th of February is read as some day of March
  if (Number.isNaN(time) || !new Date(time).toISOString().startsWith(seconds)) return null;
  return time + Number(`0${value.slice(19, -1)}`) * 1000;
}

/**
 * Whether an object has exactly these members: what is not known may not be skipped.
 * @param {unknown} value
 * @param {string[]} names
 * @returns {value is Json}
 */
export function hasOnly(value, ...names) {
  if (!isObject(value)) return false;
  const found = Object.keys(value);
  return found.length === names.length && names.every((name) => found.includes(name));
}
