// Another PIN. The key is wrapped anew; cards, history and recovery code stay as they are.

import { go } from "../app.js";
import { chosenPin, presentPin } from "../pin.js";
import { changePin } from "../session.js";
import { t } from "../texts.js";
import { form, point } from "../ui.js";

export default function make() {
  const now = presentPin();
  const next = chosenPin(t("pin.new"));
  const change = async () => {
    const pin = now.read();
    const chosen = pin === null ? null : next.read();
    if (pin === null || chosen === null) return;
    await changePin(pin, chosen);
    await go("outcome", { what: "pin-changed" });
  };
  return { title: t("changepin.title"), body: [point("card", t("changepin.card")), form([now.field, ...next.fields], "yes", t("changepin.change"), change)], back: () => go("more") };
}
