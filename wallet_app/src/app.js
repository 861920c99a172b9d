// The frame around every screen: which one is shown, the bars above and below, waiting,
// problems in words, and locking by itself. At a desk's device nothing is locked: it ends, and
// the page begins anew.

import { Problem, isOpen, loaded } from "./api.js";
import { byId, fill, h } from "./dom.js";
import { KIOSK } from "./kiosk.js";
import { addEntry, cover, elsewhere, hasLeft, leave, listenForShift, uncover } from "./leave.js";
import { pictogram } from "./pictograms.js";
import { isSetUp, lock } from "./session.js";
import { hasVoice, hush, isSpeaking, speak } from "./speech.js";
import { duration, has, t } from "./texts.js";

/** @typedef {import("./types").Screen} Screen */
/** @typedef {import("./types").ScreenMaker} ScreenMaker */

/** @type {Record<string, () => Promise<{default: ScreenMaker}>>} */
const SCREENS = {
  language: () => import("./screens/language.js"),
  notice: () => import("./screens/notice.js"),
  start: () => import("./screens/start.js"),
  newpin: () => import("./screens/newpin.js"),
  code: () => import("./screens/code.js"),
  trial: () => import("./screens/trial.js"),
  locked: () => import("./screens/locked.js"),
  recover: () => import("./screens/recover.js"),
  anew: () => import("./screens/anew.js"),
  home: () => import("./screens/home.js"),
  scan: () => import("./screens/scan.js"),
  deskcode: () => import("./screens/deskcode.js"),
  offer: () => import("./screens/offer.js"),
  request: () => import("./screens/request.js"),
  outcome: () => import("./screens/outcome.js"),
  card: () => import("./screens/card.js"),
  history: () => import("./screens/history.js"),
  receipt: () => import("./screens/receipt.js"),
  more: () => import("./screens/more.js"),
  changepin: () => import("./screens/changepin.js"),
  newcode: () => import("./screens/newcode.js"),
  people: () => import("./screens/people.js"),
  phones: () => import("./screens/phones.js"),
  move: () => import("./screens/move.js"),
  copy: () => import("./screens/copy.js"),
  second: () => import("./screens/second.js"),
  remove: () => import("./screens/remove.js"),
  gone: () => import("./screens/gone.js"),
  carry: () => import("./screens/carry.js"),
  newcard: () => import("./screens/newcard.js"),
  opencard: () => import("./screens/opencard.js"),
  kiosk: () => import("./screens/kiosk.js"),
};

const FIRST = "kiosk"; // of a desk's device: nothing of anybody is there yet

const IDLE_MS = 2 * 60_000;
const WARNING_MS = 40_000;
const READING_MS = 6 * 60_000; // longer than any screen takes to be read aloud
const UNDER_MS = 20_000; // something lies over it: a call, the switcher between apps
const BUSY_MS = 60_000; // while a code is written down or printed, or the phone asks something

/** @type {Screen | null} */
let shown = null;
let place = "";
let turn = 0;

/** A link that waits until the wallet is open; in memory only. @type {string | null} */
let waiting = null;

/** What a locked app may show; whatever else arrives after it was locked is dropped. */
const CLOSED = new Set(
  KIOSK ? [FIRST, "opencard", "newpin", "recover", "gone"] : ["language", "notice", "start", "newpin", "locked", "recover", "anew", "gone"],
);

/** Who waits for an answer that the phone itself asks for, over the app. @type {Set<object>} */
const asking = new Set();

/** @param {string} link */
export function keepForLater(link) {
  waiting = link;
}

/** The link that waited, once. */
export function takeWaiting() {
  const link = waiting;
  waiting = null;
  return link;
}

/**
 * @param {object} who
 * @param {boolean} on
 */
export function phoneAsks(who, on) {
  if (on) asking.add(who);
  else asking.delete(who);
}

/**
 * Show a screen.
 * @param {string} name
 * @param {Record<string, any>} [given]
 */
export async function go(name, given = {}) {
  const load = SCREENS[name];
  if (!load) throw new Error(`there is no screen ${name}`);
  if (!mayShow(name)) return;
  const mine = ++turn;
  wait(true);
  try {
    const screen = await (await loaded(load(), `./screens/${name}.js`)).default(given);
    if (mine !== turn || !mayShow(name)) {
      screen.onleave?.();
      return;
    }
    show(screen, name);
  } catch (error) {
    if (mine === turn && mayShow(name)) failed(error, () => go(name, given));
  } finally {
    if (mine === turn) wait(false);
  }
}

/** @param {string} name */
function mayShow(name) {
  return !hasLeft() && (isOpen() || CLOSED.has(name));
}

/** Whether there is something to lock: also a card that was read at a desk's device. */
function inUse() {
  return isOpen() || (KIOSK && place !== FIRST);
}

/**
 * Do something that takes a moment, from a button: nothing else can be pressed meanwhile, and
 * what goes wrong is said on the screen.
 * @param {() => Promise<unknown>} work
 */
export async function act(work) {
  const mine = turn;
  const pressed = document.activeElement;
  wait(true);
  say("");
  try {
    await work();
  } catch (error) {
    if (mine !== turn) return;
    if (error instanceof Problem && error.ended && isOpen()) lockNow("lock.ended");
    else say(wordsFor(error));
  } finally {
    if (mine === turn) {
      wait(false);
      stillHere();
      // a button that could not be pressed meanwhile has lost the focus
      if (document.activeElement === document.body && pressed instanceof HTMLElement) pressed.focus({ preventScroll: true });
    }
  }
}

/**
 * Say something at the top of the screen; screen readers read it at once.
 * @param {string} words
 */
export function say(words) {
  const place = document.getElementById("said");
  if (!place) return;
  place.textContent = words;
  place.hidden = !words;
  if (words) place.scrollIntoView({ block: "nearest" });
}

/**
 * What went wrong, for the person in front.
 * @param {unknown} error
 */
export function wordsFor(error) {
  if (!(error instanceof Problem)) return t("problem.here");
  if (error.offline) return t(error.unsure ? "outcome.interrupted" : "problem.offline");
  if (error.wait) return t("problem.pin-waits", { time: duration(error.wait) });
  if (error.left !== null) return t("problem.wrong-pin-left", { left: error.left });
  for (const key of [error.code, error.reason, error.slug]) {
    if (key && has(`problem.${key}`)) return t(`problem.${key}`);
  }
  return t("problem.unknown");
}

/**
 * Lock the wallet and show the PIN's screen.
 * @param {string} [why] the text that says why
 */
export function lockNow(why) {
  lock();
  clear();
  if (KIOSK) return begun();
  // while a wallet is being made there is no PIN yet to ask for
  isSetUp().then(
    (there) => go(there ? "locked" : "start", { why }),
    () => go("locked", { why }),
  );
}

/** The page begins anew: whatever was in its memory is gone with it. */
function begun() {
  cover();
  location.reload();
}

/** At once: nothing that was shown stays, not even behind a cover, and nothing is read on. */
function clear() {
  turn += 1;
  byId("app").replaceChildren();
  hush();
  closeDialog();
  clearTimeout(awayTimer);
  awayUntil = 0;
  asking.clear();
  shown?.onleave?.();
  shown = null;
}

/** The app comes to life. */
export function live() {
  listenForShift();
  addEventListener("popstate", onPhonesBack);
  addEntry();
  document.addEventListener("visibilitychange", onSight);
  addEventListener("left", clear);
  addEventListener("pagehide", () => {
    cover();
    lock();
    clear();
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload(); // back from elsewhere: nothing of then is shown
  });
  addEventListener("blur", lookAway);
  addEventListener("focus", onSight);
  for (const sign of ["pointerdown", "keydown", "input"]) addEventListener(sign, onSign);
}

// --- inside ---------------------------------------------------------------------------------

/**
 * @param {Screen} screen
 * @param {string} name
 */
function show(screen, name) {
  const before = shown;
  shown = screen;
  place = name;
  before?.onleave?.();
  hush();
  const heading = h("h1", { tabindex: "-1" }, screen.title);
  const said = h("p", { id: "said", role: "alert", hidden: true });
  const main = h("main", { id: "main", "data-screen": name }, heading, said, screen.body);
  stillHere();
  fill(byId("app"), top(screen, name), main, screen.bar === false || !isOpen() ? null : bar(name));
  scrollTo(0, 0);
  heading.focus({ preventScroll: true });
  if (inUse() && !byId("cover").hidden) lookAway(); // opened when nobody looked any more
}

/**
 * @param {Screen} screen
 * @param {string} name
 */
function top(screen, name) {
  const finish = KIOSK && name !== FIRST;
  return h(
    "header",
    { class: "top" },
    h("a", { class: "skip", href: elsewhere(), onclick: leaveByLink }, t("leave.button")),
    screen.back && tool("back", t("go.back"), screen.back),
    h("span", { class: "space" }),
    tool("speak", t("speak.start"), readAloud, "reader"),
    isOpen() && !KIOSK && tool("lock", t("lock.now"), () => lockNow()),
    finish && h("button", { class: "finish", type: "button", onclick: () => lockNow() }, pictogram("yes"), t("lock.now")),
    h("button", { class: "leave", type: "button", onclick: leave }, pictogram("leave"), t("leave.button")),
  );
}

/** @param {Event} event */
function leaveByLink(event) {
  event.preventDefault();
  leave();
}

/** @param {string} name */
function bar(name) {
  /** @type {[import("./pictograms.js").Pictogram, string, string][]} */
  const places = [
    ["card", "home", t("home.title")],
    ["scan", "scan", t("scan.title")],
    ["history", "history", t("history.title")],
    ["more", "more", t("more.title")],
  ];
  return h(
    "nav",
    { class: "bar", "aria-label": t("go.places") },
    places.map(([sign, place, words]) =>
      h(
        "button",
        { type: "button", onclick: () => go(place), "aria-current": place === name && "page" },
        pictogram(sign),
        words,
      ),
    ),
  );
}

/**
 * @param {import("./pictograms.js").Pictogram} sign
 * @param {string} words
 * @param {() => void} pressed
 * @param {string} [id]
 */
function tool(sign, words, pressed, id) {
  const about = { class: "tool", type: "button", id, "aria-label": words, title: words };
  return h("button", { ...about, onclick: pressed }, pictogram(sign));
}

/** The phone's own way back: within the app as far as there is one, then out of it. */
function onPhonesBack() {
  if (location.hash || hasLeft()) return undefined; // a link was opened, or it is on its way out
  if (!shown?.back) return history.back();
  addEntry();
  return shown.back();
}

function readAloud() {
  if (isSpeaking()) return stopReading();
  if (!hasVoice()) return say(t("speak.no-voice"));
  label("stop", t("speak.stop"));
  speak(shown?.spoken ?? document.getElementById("main")?.innerText ?? "", stopReading);
}

function stopReading() {
  hush();
  label("speak", t("speak.start"));
}

/**
 * @param {import("./pictograms.js").Pictogram} sign
 * @param {string} words
 */
function label(sign, words) {
  const reader = document.getElementById("reader");
  if (!reader) return;
  reader.setAttribute("aria-label", words);
  reader.title = words;
  fill(reader, pictogram(sign));
}

/** @param {boolean} on */
function wait(on) {
  const app = byId("app");
  app.toggleAttribute("aria-busy", on);
  byId("waiting").hidden = !on;
  byId("waiting").textContent = on ? t("wait") : "";
  for (const each of app.querySelectorAll("main button")) each.toggleAttribute("disabled", on);
}

/**
 * A screen could not be made.
 * @param {unknown} error
 * @param {() => void} again
 */
function failed(error, again) {
  if (error instanceof Problem && error.ended && isOpen()) return lockNow("lock.ended");
  const back = isOpen() ? () => go("home") : null;
  return show({ title: t("problem.title"), body: [h("p", null, wordsFor(error)), button("again", t("go.again"), again, "main")], back }, "problem");
}

// --- looking away ---------------------------------------------------------------------------

let awayTimer = 0;
let awayUntil = 0; // the time at which it locks; 0 while somebody looks at it

function onSight() {
  if (document.visibilityState === "hidden") lookAway();
  else lookAgain();
}

/** Something lies over it, or it is not seen at all: blank at once, and locked, now or soon. */
function lookAway() {
  cover();
  if (!inUse()) return undefined;
  const patience = patienceNow();
  if (patience === 0) return lockNow();
  const until = Date.now() + patience;
  awayUntil = awayUntil ? Math.min(awayUntil, until) : until;
  clearTimeout(awayTimer);
  awayTimer = window.setTimeout(() => lockNow("lock.away"), awayUntil - Date.now());
  return undefined;
}

function lookAgain() {
  clearTimeout(awayTimer);
  const until = awayUntil;
  awayUntil = 0;
  // a phone that sleeps runs no timers: the time tells
  if (inUse() && until && Date.now() >= until) lockNow("lock.away");
  else if (isOverdue()) lockIdle();
  uncover();
}

function patienceNow() {
  if (asking.size || shown?.paper) return BUSY_MS;
  return document.visibilityState === "hidden" ? 0 : UNDER_MS;
}

let idleTimer = 0;
let idleDue = 0; // when its time is over
let lastSign = 0;

/** @param {Event} event */
function onSign(event) {
  if (isOverdue()) return lockIdle();
  const asked = document.getElementById("still");
  if (!asked || !(event.target instanceof Node) || !asked.contains(event.target)) stillHere();
  return undefined;
}

function stillHere() {
  closeDialog();
  lastSign = Date.now();
  onceIdle(warn, IDLE_MS);
}

/**
 * @param {() => void} then
 * @param {number} wait
 */
function onceIdle(then, wait) {
  clearTimeout(idleTimer);
  idleDue = Date.now() + wait;
  if (inUse()) idleTimer = window.setTimeout(then, wait);
}

/** A machine that slept runs no timers: the time tells. */
function isOverdue() {
  return inUse() && Date.now() > idleDue + WARNING_MS;
}

/** Somebody who is being read to presses nothing. Some phones say that they read for ever. */
function isListening() {
  return isSpeaking() && Date.now() - lastSign < READING_MS;
}

function warn() {
  if (!inUse()) return undefined;
  if (isOverdue()) return lockIdle();
  if (isListening()) return onceIdle(warn, WARNING_MS);
  const words = h("p", { id: "still-words" }, t("lock.soon"));
  const dialog = h(
    "dialog",
    { id: "still", "aria-labelledby": "still-words", oncancel: stillHere },
    words,
    button("yes", t("lock.stay"), stillHere, "main"),
    button("lock", t("lock.now"), () => lockNow()),
    hasVoice() && button("speak", t("speak.start"), readWarning),
    button("leave", t("leave.button"), leave),
  );
  document.body.append(dialog);
  dialog.showModal();
  return onceIdle(lockIdle, WARNING_MS);
}

function readWarning() {
  onceIdle(lockIdle, WARNING_MS);
  speak(t("lock.soon"), () => {});
}

function lockIdle() {
  lockNow("lock.idle");
}

function closeDialog() {
  document.getElementById("still")?.remove();
}

/**
 * A button of the frame's own: what it does takes no time.
 * @param {import("./pictograms.js").Pictogram} sign
 * @param {string} words
 * @param {() => void} pressed
 * @param {string} [kind]
 */
function button(sign, words, pressed, kind) {
  return h("button", { type: "button", class: kind, onclick: pressed }, pictogram(sign), words);
}
