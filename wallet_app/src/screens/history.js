// Everything that came in and everything that was shown, newest first.

import { get } from "../api.js";
import { go } from "../app.js";
import { KIOSK } from "../kiosk.js";
import { moment, t } from "../texts.js";
import { button, point, row } from "../ui.js";

/** @typedef {import("../types").Receipt} Receipt */
/** @typedef {import("../ui.js").Pictogram} Pictogram */

/** @type {Record<string, Pictogram>} */
const SIGNS = { received: "card", shown: "eye", declined: "no" };

export default async function make() {
  /** @type {Receipt[]} */
  const items = (await get("/history")).items;
  return {
    title: t("history.title"),
    body: [
      items.length ? null : point("history", t("history.empty")),
      ...items.map((each) => row(SIGNS[each.event] ?? "history", each.title, () => go("receipt", { receipt: each }), `${t(`history.${each.event}`, { who: each.who })} · ${moment(each.at)}`)),
      items.length && !KIOSK ? button("save", t("copy.title"), () => go("copy")) : null,
    ],
    back: () => go("home"),
  };
}
