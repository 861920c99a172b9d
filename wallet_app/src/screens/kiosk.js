// The first page of a desk's own device: a card is opened, or made.

import { go } from "../app.js";
import { t } from "../texts.js";
import { point, row } from "../ui.js";
import { languageButtons } from "./language.js";

export default function make() {
  return {
    title: t("start.title"),
    body: [
      languageButtons("kiosk"),
      row("scan", t("kiosk.open"), () => go("opencard"), t("kiosk.open-help")),
      row("new", t("kiosk.new"), () => go("newpin"), t("kiosk.new-help")),
      row("key", t("start.code"), () => go("recover"), t("start.code-help")),
      point("help", t("start.no-name")),
      point("proven", t("kiosk.forgets")),
      point("eye", t("kiosk.watched")),
      point("leave", t("notice.can-leave")),
    ],
    back: null,
  };
}
