// Where the app starts.

import { go, keepForLater, live } from "./app.js";
import { isSetUp } from "./session.js";
import { preferred, use } from "./texts.js";

/** A link that was opened in the app; taken out of the address at once. */
function takeLink() {
  const found = /[#&]l=([^&]+)/.exec(location.hash);
  if (location.hash) history.replaceState(null, "", location.pathname);
  if (found?.[1]) keepForLater(decodeURIComponent(found[1]));
}

async function start() {
  performance.setResourceTimingBufferSize(0); // or the page would list every address it asked
  takeLink();
  await use(preferred());
  live();
  addEventListener("hashchange", takeLink);
  await go((await isSetUp()) ? "locked" : "notice");
  if ("serviceWorker" in navigator) navigator.serviceWorker.register("sw.js").catch(() => {
    // without it the app needs the network at its start; nothing else changes
  });
}

start();
