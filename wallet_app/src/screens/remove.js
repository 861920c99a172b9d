// Deleting everything, for good.

import { loaded } from "../api.js";
import { go } from "../app.js";
import { KIOSK } from "../kiosk.js";
import { presentPin } from "../pin.js";
import { destroy } from "../session.js";
import { t } from "../texts.js";
import { button, form, point } from "../ui.js";

export default function make() {
  const pin = presentPin();
  const all = async () => {
    const typed = pin.read();
    if (typed === null) return;
    await loaded(import("./gone.js"), "./screens/gone.js"); // what it says is there when the phone keeps nothing any more
    await destroy(typed);
    if (!KIOSK) await clearPhone(); // a desk's device may have a phone's part of somebody else
    await go("gone");
  };
  return {
    title: t("remove.title"),
    body: [
      point("bin", t("remove.about")),
      point("look", t("remove.desks")),
      KIOSK ? null : button("save", t("copy.title"), () => go("copy")),
      form([pin.field], "bin", t("remove.yes"), all),
      button("no", t("go.no"), () => go("more")),
    ],
    back: () => go("more"),
  };
}

/** What browsers kept of the app itself. */
async function clearPhone() {
  localStorage.removeItem("language");
  for (const name of (await globalThis.caches?.keys()) ?? []) if (name.startsWith("shell-")) await caches.delete(name);
  await (await navigator.serviceWorker?.getRegistration())?.unregister();
}
