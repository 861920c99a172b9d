// After everything was deleted: how the app itself is taken off the phone.

import { t } from "../texts.js";
import { point } from "../ui.js";

export default function make() {
  return { title: t("gone.title"), body: [point("yes", t("gone.about")), point("phone", t("notice.remove-how")), point("history", t("notice.cannot-history"))], back: null, bar: false };
}
