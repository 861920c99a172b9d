// Where the app starts.

import { isOpen } from "./api.js";
import { go, keepForLater, live } from "./app.js";
import { byId, fill, h } from "./dom.js";
import { linkIn } from "./links.js";
import { isSetUp } from "./session.js";
import { preferred, use } from "./texts.js";

/** A link that was opened in the app; taken out of the address at once. */
function takeLink() {
  const link = linkIn(location.hash);
  if (location.hash) history.replaceState(null, "", location.pathname);
  if (link) keepForLater(link);
}

/** A link that was opened while the app is open already. */
async function onLink() {
  if (!location.hash) return;
  takeLink();
  await go(isOpen() ? "home" : (await isSetUp()) ? "locked" : "notice");
}

/** Nothing could be loaded, or this window keeps nothing: the language may be missing as well. */
function unable() {
  const again = h("button", { type: "button", class: "main", onclick: () => location.reload() }, "Try again · Otra vez · ម្តងទៀត");
  fill(byId("app"), h("main", null, again));
}

async function start() {
  performance.setResourceTimingBufferSize(0); // or the page would list every address it asked
  takeLink();
  await use(preferred());
  live();
  addEventListener("hashchange", onLink);
  await go((await isSetUp()) ? "locked" : "notice");
  if ("serviceWorker" in navigator) navigator.serviceWorker.register("sw.js").catch(() => {
    // without it the app needs the network at its start; nothing else changes
  });
}

start().catch(unable);
