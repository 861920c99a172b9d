// Before anything else: what this app can hide and what it cannot.

import { go } from "../app.js";
import { t } from "../texts.js";
import { button, part, point } from "../ui.js";
import { languageButtons } from "./language.js";

/** @param {{next?: string}} given */
export default function make({ next = "start" }) {
  const again = next !== "start";
  return {
    title: t("notice.title"),
    body: [
      again ? null : languageButtons("notice"),
      point("eye", t("notice.watched")),
      part("phone", t("notice.safer"), point("person", t("notice.safer-how"))),
      part("proven", t("notice.can"), point("lock", t("notice.can-lock")), point("leave", t("notice.can-leave")), point("key", t("notice.can-key"))),
      part("look", t("notice.cannot"), point("eye", t("notice.cannot-seen")), point("history", t("notice.cannot-history")), point("place", t("notice.cannot-server"))),
      part("bin", t("notice.remove"), point("phone", t("notice.remove-how"))),
      again ? null : button("yes", t("notice.go-on"), () => go("start"), "main"),
    ],
    back: again ? () => go(next) : null,
  };
}
