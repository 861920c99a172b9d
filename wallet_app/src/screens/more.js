// What is done seldom.

import { go } from "../app.js";
import { h } from "../dom.js";
import { KIOSK } from "../kiosk.js";
import { t } from "../texts.js";
import { row } from "../ui.js";

const PRESSES = 5; // of the version's line: how the second PIN is reached, by who was told

export default function make() {
  return {
    title: t("more.title"),
    body: [
      row("globe", t("language.title"), () => go("language")),
      row("key", t("changepin.title"), () => go("changepin")),
      row("print", t("newcode.title"), () => go("newcode"), t("newcode.row")),
      row("pieces", t("people.title"), () => go("people"), t("people.row")),
      row("card", t("carry.title"), () => go("carry"), t("carry.row")),
      row("phone", t("phones.title"), () => go("phones")),
      row("send", t("move.title"), () => go("move"), t("move.row")),
      // a copy would stay on the desk's device; and what is said before is of phones
      KIOSK ? null : row("save", t("copy.title"), () => go("copy"), t("copy.row")),
      KIOSK ? null : row("help", t("notice.title"), () => go("notice", { next: "more" })),
      row("bin", t("remove.title"), () => go("remove")),
      version(),
    ],
    back: () => go("home"),
  };
}

function version() {
  let presses = 0;
  const pressed = () => {
    presses += 1;
    if (presses >= PRESSES) go("second");
  };
  return h("button", { type: "button", class: "version", onclick: pressed }, t("more.version", { number: "0.1" }));
}
