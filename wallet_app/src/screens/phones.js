// Closing the wallet on every other phone: after a loss, or when one was borrowed.

import { get, unheard } from "../api.js";
import { go } from "../app.js";
import { KIOSK } from "../kiosk.js";
import { closeElsewhere } from "../session.js";
import { t } from "../texts.js";
import { button, point, row } from "../ui.js";

/** @param {{recovered?: boolean}} given */
export default async function make({ recovered = false }) {
  const { devices } = await get("/setup");
  const others = Math.max(0, devices - (KIOSK ? 0 : 1));
  const close = async () => {
    await closeElsewhere().catch(unheard);
    await go("outcome", { what: "closed-elsewhere" });
  };
  return {
    title: t(recovered ? "phones.recovered" : "phones.title"),
    body: [
      recovered ? point("yes", t("phones.all-there")) : null,
      point("phone", others ? t("phones.others", { others }) : t("phones.none")),
      others ? point("help", t("phones.about")) : null,
      others ? button("lock", t("phones.close"), close, "main") : null,
      recovered ? null : row("card", t("carry.title"), () => go("carry"), t("carry.row")),
      recovered ? button("card", t("outcome.home"), () => go("home"), others ? "" : "main") : null,
    ],
    bar: !recovered,
    back: recovered ? null : () => go("more"),
  };
}
