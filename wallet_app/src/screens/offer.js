// An offer: who, what, and each value, before it is taken.

import { post } from "../api.js";
import { go } from "../app.js";
import { paint } from "../cards.js";
import { h } from "../dom.js";
import { settle } from "../settling.js";
import { t } from "../texts.js";
import { ofOffer } from "../trusting.js";
import { button, checked, pairs, part, point, refused, valueWords } from "../ui.js";

/** @param {{offer: import("../types").Offer}} given */
export default async function make({ offer }) {
  const trust = await ofOffer(offer);
  const path = `/offers/${offer.id}`;
  const accept = async () => {
    if (!(trust.trusted && (await trust.still()))) return go("offer", { offer });
    return settle({ id: offer.id, event: "received", send: () => post(`${path}/accept`), done: "received" });
  };
  const decline = () => settle({ id: offer.id, event: null, send: () => post(`${path}/decline`), done: "declined" });
  const face = h("p", { class: "card still" }, h("span", { class: "name" }, offer.title));
  paint(face, offer.branding);
  return {
    title: t("offer.title"),
    body: [
      trust.trusted ? part("place", t("offer.who"), h("p", { class: "who" }, trust.who), checked(trust.issuedAt)) : refused(trust),
      face,
      offer.about ? h("p", null, offer.about) : null,
      offer.held_for_other ? point("other", t("offer.for-other")) : null,
      part("eye", t("offer.values"), pairs(offer.values.map((each) => [each.label, valueWords(each)]))),
      point("help", t("offer.nothing-yet")),
      h(
        "div",
        { class: "choice always" },
        button("no", t("offer.decline"), decline),
        trust.trusted ? button("yes", t("offer.accept"), accept, "main") : null,
      ),
    ],
    bar: false,
    back: () => go("home"),
  };
}
