// Choosing a PIN: for a new wallet, or for one that a recovery code opened.

import { go } from "../app.js";
import { KIOSK } from "../kiosk.js";
import { chosenPin } from "../pin.js";
import { recover, setUp, setUpWithCard } from "../session.js";
import { t } from "../texts.js";
import { form, point } from "../ui.js";

/** @param {{code?: Uint8Array<ArrayBuffer>}} given the code, when a wallet is brought back */
export default function make({ code }) {
  const pin = chosenPin(t("pin.new"));
  const finish = async () => {
    const chosen = pin.read();
    if (chosen === null) return;
    if (KIOSK) {
      await go("newcard", { digits: await setUpWithCard(chosen, code) });
    } else if (code) {
      await recover(code, chosen);
      await go("phones", { recovered: true });
    } else {
      await go("code", { first: true, code: await setUp(chosen) });
    }
  };
  return {
    title: t("pin.choose"),
    body: [point("key", t("pin.about")), form(pin.fields, "yes", t("go.on"), finish)],
    bar: false,
    back: () => go(code ? "recover" : KIOSK ? "kiosk" : "start"),
  };
}
