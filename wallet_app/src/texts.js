// The app's sentences. They live in languages/*.json, every one in every language. At a desk's
// device, where there is one that is called the same behind "kiosk.", it takes the place.

import { KIOSK } from "./kiosk.js";

export const LANGUAGES = /** @type {const} */ (["en", "es", "km"]);

/** @typedef {typeof LANGUAGES[number]} Language */

const KEPT_AS = "language";

/** @type {Language} */
let current = "en";
/** @type {Record<string, string>} */
let texts = {};

/** The language in use. */
export function language() {
  return current;
}

/**
 * The language that was chosen here before, or the first of the phone's that there is.
 * @returns {Language}
 */
export function preferred() {
  const wanted = [KIOSK ? "" : kept(), ...navigator.languages];
  for (const each of wanted) {
    const found = LANGUAGES.find((known) => known === each.slice(0, 2).toLowerCase());
    if (found) return found;
  }
  return "en";
}

/** Some windows let nothing be kept, and say so by an error. */
function kept() {
  try {
    return localStorage.getItem(KEPT_AS) ?? "";
  } catch {
    return "";
  }
}

/**
 * Speak this language from now on, on this phone; at a desk's device, until the page ends.
 * @param {Language} wanted
 */
export async function use(wanted) {
  const answer = await fetch(`languages/${wanted}.json`);
  if (!answer.ok) throw new Error("a language file is missing");
  texts = (await answer.json()).texts;
  current = wanted;
  if (!KIOSK) localStorage.setItem(KEPT_AS, wanted);
  document.documentElement.lang = wanted;
  document.title = t("app.name");
  document.querySelector('link[rel="manifest"]')?.setAttribute("href", `manifest.${wanted}.webmanifest`);
}

/**
 * A sentence, with its parts filled in.
 * @param {string} key
 * @param {Record<string, string | number>} [parts]
 */
export function t(key, parts = {}) {
  const text = (KIOSK && texts[`kiosk.${key}`]) || texts[key];
  if (text === undefined) throw new Error(`there is no text ${key}`);
  return text.replace(/\{(\w+)\}/g, (_, name) => String(parts[name] ?? ""));
}

/**
 * Whether there is such a sentence (problems of newer servers may have none).
 * @param {string} key
 */
export function has(key) {
  return key in texts;
}

// Browsers know dates in the languages that their own menus have, and Khmer is seldom one of
// them: so the names of the months are ours.

/**
 * A day as people here write it.
 * @param {string} iso for example 2027-01-31
 */
export function day(iso) {
  const [year = 0, month = 1, date = 1] = iso.split("-").map(Number);
  return t("date.day", { year, month: t("date.months").split(" ")[month - 1] ?? "", day: date });
}

/**
 * A moment, in the phone's own time.
 * @param {string} iso
 */
export function moment(iso) {
  const at = new Date(iso);
  const two = (/** @type {number} */ part) => String(part).padStart(2, "0");
  const date = day(`${at.getFullYear()}-${at.getMonth() + 1}-${at.getDate()}`);
  return t("date.moment", { day: date, time: `${two(at.getHours())}:${two(at.getMinutes())}` });
}

const UNITS = /** @type {const} */ ([
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
]);

/**
 * A length of time in words, in its largest unit, rounded up.
 * @param {number} seconds
 */
export function duration(seconds) {
  const [unit, size] = UNITS.find(([, each]) => seconds >= each) ?? ["second", 1];
  const count = Math.ceil(seconds / size);
  return t(count === 1 ? `time.${unit}.one` : `time.${unit}`, { count });
}
