// Neither PIN nor code: an empty wallet in the place of the one that nobody can open here.

import { go } from "../app.js";
import { startAnew } from "../session.js";
import { t } from "../texts.js";
import { button, point } from "../ui.js";

export default function make() {
  const begin = async () => {
    await startAnew();
    await go("start");
  };
  return {
    title: t("anew.title"),
    body: [
      point("look", t("anew.about")),
      point("place", t("anew.desks")),
      button("new", t("anew.yes"), begin),
      button("no", t("go.no"), () => go("recover"), "main"),
    ],
    bar: false,
    back: () => go("recover"),
  };
}
