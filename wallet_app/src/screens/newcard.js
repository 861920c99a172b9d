// A card that was made, to be printed in the size of a bank card. It counts once it was tried.

import { go } from "../app.js";
import { grouped } from "../carrying.js";
import { h } from "../dom.js";
import { qrPicture } from "../paper.js";
import { isSetUp } from "../session.js";
import { t } from "../texts.js";
import { button, point } from "../ui.js";

/** @param {{digits: string}} given */
export default async function make({ digits }) {
  const picture = await qrPicture(digits, t("newcard.picture"));
  const says = ["newcard.says-pin", "newcard.says-copy", "newcard.says-lost"].map((key) => h("p", null, t(key)));
  const group = (/** @type {string} */ each) => h("span", null, each);
  return {
    title: t("newcard.title"),
    body: [
      point("print", t("newcard.about")),
      point("look", t("newcard.once")),
      h(
        "div",
        { class: "paper carried" },
        h("p", { class: "name" }, t("app.name")),
        picture,
        h("p", { class: "digits", translate: "no" }, grouped(digits).map(group)),
        h("div", { class: "says" }, says),
      ),
      button("print", t("code.print"), () => print()),
      button("yes", t("code.written"), () => go("opencard", { made: digits }), "main"),
      // without a card, at a desk's device, nothing would open this wallet again
      (await isSetUp()) ? button("no", t("go.no"), () => go("more")) : null,
    ],
    bar: false,
    back: null,
    paper: true,
    spoken: [t("newcard.title"), t("newcard.about"), t("newcard.once"), ...grouped(digits).map((each) => [...each].join(" "))].join(".\n"),
  };
}
