// Where the app starts.

import { isOpen } from "./api.js";
import { go, keepForLater, live, takeWaiting } from "./app.js";
import { byId, fill, h } from "./dom.js";
import { cleanAddress, hasLeft } from "./leave.js";
import { KIOSK } from "./kiosk.js";
import { holding, linkIn } from "./links.js";
import { isSetUp } from "./session.js";
import { preferred, use } from "./texts.js";

const TAKING_OVER_MS = 2_500; // an old phone wakes its worker slowly

/** A link that was opened in the app; taken out of the address at once. A desk's device keeps
 * none: it would be waiting for whoever comes next. */
function takeLink() {
  const link = linkIn(location.hash);
  if (location.hash) cleanAddress();
  if (link && !KIOSK) keepForLater(link);
}

/** A link that was opened while the app is open already. */
async function onLink() {
  if (!location.hash) return;
  takeLink();
  if (KIOSK) return;
  await go(isOpen() ? "home" : (await isSetUp()) ? "locked" : "notice");
}

/**
 * A new version that was fetched meanwhile takes over at the start, when nothing is open yet; a
 * link in the address is still there after it. Another window that has the app keeps it waiting.
 */
async function renewed() {
  const workers = navigator.serviceWorker;
  // refused where a browser is to keep nothing
  const waiting = (await workers?.getRegistration().catch(() => undefined))?.waiting;
  if (!waiting) return;
  await new Promise((go) => {
    workers.addEventListener("controllerchange", startAnew);
    workers.addEventListener("message", go);
    workers.startMessages();
    setTimeout(go, TAKING_OVER_MS);
    waiting.postMessage("take over");
  });
}

/** With the new version; the link that may be waiting goes along. */
function startAnew() {
  if (isOpen() || hasLeft()) return;
  const link = takeWaiting();
  if (link !== null) history.replaceState(history.state, "", holding(link));
  location.reload();
}

/** Nothing could be loaded, or this window keeps nothing: the language may be missing as well. */
function unable() {
  const again = h("button", { type: "button", class: "main", onclick: () => location.reload() }, "Try again · Otra vez · ម្តងទៀត");
  fill(byId("app"), h("main", null, again));
}

async function start() {
  performance.setResourceTimingBufferSize(0); // or the page would list every address it asked
  await renewed();
  takeLink();
  await use(preferred());
  live();
  addEventListener("hashchange", onLink);
  if (KIOSK) return atDesk();
  await go((await isSetUp()) ? "locked" : "notice");
  if ("serviceWorker" in navigator) navigator.serviceWorker.register("sw.js").catch(() => {
    // without it the app needs the network at its start; nothing else changes
  });
}

/** Nothing is installed there, and nothing kept to start from. */
async function atDesk() {
  document.querySelector('link[rel="manifest"]')?.remove();
  await go("kiosk");
}

start().catch(unable);
