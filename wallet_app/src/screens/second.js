// A second PIN that opens another, empty wallet. Reached by who was told how; the screen looks
// and does the same whichever PIN opened the wallet.

import { go, say } from "../app.js";
import { chosenPin, presentPin } from "../pin.js";
import { addSecond } from "../session.js";
import { t } from "../texts.js";
import { form, point } from "../ui.js";

export default function make() {
  const now = presentPin();
  const second = chosenPin(t("second.pin"));
  const add = async () => {
    const pin = now.read();
    const chosen = pin === null ? null : second.read();
    if (pin === null || chosen === null) return undefined;
    if (pin === chosen) return say(t("second.same"));
    await addSecond(pin, chosen);
    return go("outcome", { what: "second-made" });
  };
  return {
    title: t("second.title"),
    body: [point("key", t("second.about")), point("look", t("second.limits")), point("again", t("second.replaces")), form([now.field, ...second.fields], "yes", t("second.make"), add)],
    back: () => go("more"),
  };
}
