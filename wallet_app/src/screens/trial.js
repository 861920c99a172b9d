// Trying the recovery code once, while it can still be written down again.

import { post } from "../api.js";
import { go, say } from "../app.js";
import { codeReader } from "../reading.js";
import { toText } from "../bytes.js";
import { openingOf } from "../session.js";
import { t } from "../texts.js";
import { button, point } from "../ui.js";

/** @param {{code: Uint8Array<ArrayBuffer>, first?: boolean}} given */
export default function make({ code, first }) {
  const reader = codeReader(t("trial.check"), async (typed) => {
    if (toText(typed) !== toText(code)) return say(t("trial.wrong"));
    await openingOf(typed);
    await post("/recovery/tried", {});
    return go("outcome", { what: "code-tried" });
  });
  return {
    title: t("trial.title"),
    body: [point("key", t("trial.about")), ...reader.body, button("back", t("trial.again"), () => go("code", { code, first }))],
    bar: false,
    back: () => go("code", { code, first }),
    onleave: reader.stop,
  };
}
