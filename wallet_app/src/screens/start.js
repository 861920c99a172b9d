// A new wallet, or one that there is already.

import { go } from "../app.js";
import { t } from "../texts.js";
import { point, row } from "../ui.js";

export default function make() {
  return {
    title: t("start.title"),
    body: [
      row("new", t("start.new"), () => go("newpin"), t("start.new-help")),
      row("key", t("start.code"), () => go("recover"), t("start.code-help")),
      point("help", t("start.no-name")),
    ],
    back: () => go("notice"),
  };
}
