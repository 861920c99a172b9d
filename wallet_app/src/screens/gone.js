// After everything was deleted: how the app itself is taken off the phone.

import { KIOSK } from "../kiosk.js";
import { t } from "../texts.js";
import { point } from "../ui.js";

export default function make() {
  const onPhone = KIOSK ? [] : [point("phone", t("notice.remove-how")), point("history", t("notice.cannot-history"))];
  return { title: t("gone.title"), body: [point("yes", t("gone.about")), ...onPhone], back: null, bar: false };
}
