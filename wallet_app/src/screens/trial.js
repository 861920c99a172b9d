// Trying the recovery code once. Right after it was made it can still be written down again;
// later it is tried from paper, and only if the paper is lost a new one is made.

import { post } from "../api.js";
import { go, say } from "../app.js";
import { codeReader } from "../reading.js";
import { isOurs } from "../session.js";
import { t } from "../texts.js";
import { button, point } from "../ui.js";

/** @param {{code?: Uint8Array<ArrayBuffer>, first?: boolean}} given */
export default function make({ code, first }) {
  const reader = codeReader(t("trial.check"), async (typed) => {
    if (code && String(typed) !== String(code)) return say(t("trial.wrong"));
    if (!(await isOurs(typed))) return say(t("trial.wrong"));
    await post("/recovery/tried", {});
    return go("outcome", { what: "code-tried" });
  });
  const back = () => (code ? go("code", { code, first }) : go("home"));
  return {
    title: t("trial.title"),
    body: [
      point("key", t("trial.about")),
      ...reader.body,
      code ? button("back", t("trial.again"), back) : button("new", t("newcode.make"), () => go("newcode")),
    ],
    bar: false,
    back,
    onleave: reader.stop,
  };
}
