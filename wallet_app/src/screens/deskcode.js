// The short code that the desk says: a link alone opens no offer.

import { go, say, wordsFor } from "../app.js";
import { Problem } from "../api.js";
import { digitsOf } from "../bytes.js";
import { h } from "../dom.js";
import { takeUp } from "../taking.js";
import { t } from "../texts.js";
import { field, form, point } from "../ui.js";

/** @param {{link: string}} given */
export default function make({ link }) {
  const code = h("input", { class: "desk", autocomplete: "off", autocapitalize: "characters", spellcheck: "false", maxlength: "12", translate: "no" });
  const send = async () => {
    const typed = digitsOf(code.value).toUpperCase().replace(/[^A-Z0-9]/g, "");
    if (!typed) return say(t("deskcode.empty"));
    try {
      return await takeUp(link, typed);
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== "wrong-code") throw error;
      code.value = "";
      code.focus();
      return say(wordsFor(error));
    }
  };
  return {
    title: t("deskcode.title"),
    body: [point("key", t("deskcode.about")), form([field(t("deskcode.label"), code)], "yes", t("go.on"), send)],
    back: () => go("home"),
  };
}
