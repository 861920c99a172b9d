// Leaving quickly, after the pattern "Exit this page" of the GOV.UK design system: the page is
// blank at once, the session ends, and a page about nothing takes this one's place. Not the
// Escape key, which closes dialogs and stops reading aloud; Shift, three times within five
// seconds, with a sign of each.

import { endSession } from "./api.js";
import { byId } from "./dom.js";
import { t } from "./texts.js";

const PRESSES = 3;
const WITHIN_MS = 5_000;
const STEPPING_MS = 200; // stepping back takes a moment; nothing waits for it longer

/** @type {number[]} */
let presses = [];

/** She has left: whatever still arrives is not shown, however slow the other page is. */
let left = false;

/** Cover what the page shows: it is blank at once, in the switcher between apps too. */
export function cover() {
  byId("cover").hidden = false;
}

/** Show the page again. */
export function uncover() {
  if (left) return;
  byId("cover").hidden = true;
}

/** Whether she has left. */
export function hasLeft() {
  return left;
}

/** Blank, locked, elsewhere. */
export function leave() {
  left = true;
  cover();
  document.title = "";
  dispatchEvent(new Event("left")); // the frame empties the page
  endSession();
  goElsewhere();
}

/**
 * The other page takes the place of the app's first entry among the pages before, so that one
 * press of Back does not come here again.
 */
function goElsewhere() {
  const replace = () => location.replace(elsewhere());
  const depth = entriesBehind();
  if (depth === 0) return replace();
  addEventListener("popstate", replace, { once: true });
  setTimeout(replace, STEPPING_MS);
  history.go(-depth);
}

/** How many entries of the app lie behind the one that is shown. */
let behind = 0;

function entriesBehind() {
  return Number(history.state?.behind ?? behind);
}

/** Another entry of the app, so that the phone's own way back is heard within it. */
export function addEntry() {
  behind = entriesBehind();
  history.replaceState({ behind }, "");
  behind += 1;
  history.pushState({ behind }, "");
}

/** The address without what it held. A link that was opened here has made an entry of its own. */
export function cleanAddress() {
  const made = history.state === null && behind > 0;
  if (made) behind += 1;
  history.replaceState(made ? { behind } : history.state, "", location.pathname);
}

/** Listen for the keyboard's way to leave. */
export function listenForShift() {
  addEventListener("keyup", (event) => {
    if (event.key !== "Shift") {
      forgetPresses();
      return;
    }
    const at = Date.now();
    presses = [...presses.filter((each) => at - each < WITHIN_MS), at];
    show(presses.length);
    if (presses.length >= PRESSES) leave();
    else setTimeout(() => presses.at(-1) === at && forgetPresses(), WITHIN_MS);
  });
}

function forgetPresses() {
  presses = [];
  show(0);
}

/** @param {number} count */
function show(count) {
  const sign = byId("presses");
  sign.hidden = count === 0;
  sign.textContent = count ? t("leave.presses", { count, of: PRESSES }) : "";
}

/** The page about nothing that is opened instead. */
export function elsewhere() {
  const named = document.querySelector('meta[name="leave-to"]');
  return named?.getAttribute("content") || "about:blank";
}
