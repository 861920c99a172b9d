// A card to carry, for the wallet that is open: made, or ended. The screen is the same whether
// there is one or not: a wallet that another PIN opened says the same.

import { unheard } from "../api.js";
import { go } from "../app.js";
import { h } from "../dom.js";
import { KIOSK } from "../kiosk.js";
import { presentPin } from "../pin.js";
import { endCards, makeCard } from "../session.js";
import { t } from "../texts.js";
import { button, form, part, point } from "../ui.js";

export default function make() {
  const pin = presentPin();
  const begin = async () => {
    const typed = pin.read();
    if (typed === null) return;
    await go("newcard", { digits: await makeCard(typed) });
  };
  const end = async () => {
    await endCards().catch(unheard);
    await go("outcome", { what: "cards-ended" });
  };
  return {
    title: t("carry.title"),
    body: [
      point("card", t("carry.about")),
      point("look", t("carry.copied")),
      point("again", t("carry.before")),
      form([pin.field], "new", t("carry.make"), begin),
      // at a desk's device it is what she has just opened with: a fresh one ends it there
      KIOSK ? null : part("lock", t("carry.lost"), h("p", null, t("carry.lost-help")), button("lock", t("carry.end"), end)),
    ],
    back: () => go("more"),
  };
}
