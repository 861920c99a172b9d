// A new recovery code. The one before opens nothing any more.

import { go } from "../app.js";
import { presentPin } from "../pin.js";
import { renewCode } from "../session.js";
import { t } from "../texts.js";
import { form, point } from "../ui.js";

export default function make() {
  const pin = presentPin();
  const make = async () => {
    const typed = pin.read();
    if (typed === null) return;
    await go("code", { code: await renewCode(typed) });
  };
  return {
    title: t("newcode.title"),
    body: [point("key", t("code.about")), point("look", t("newcode.old")), form([pin.field], "yes", t("newcode.make"), make)],
    back: () => go("more"),
  };
}
