// What the camera sees, on a screen: switched on, and let go when a code was found, when it is
// started anew, or when the screen is left, however late the camera answers.

import { phoneAsks, say, wordsFor } from "./app.js";
import { h } from "./dom.js";
import { NoCamera, scan } from "./scanner.js";
import { t } from "./texts.js";

/** @param {(text: string) => void} found */
export function viewfinder(found) {
  const video = h("video", { class: "camera", playsinline: true, muted: true, hidden: true, "aria-label": t("scan.camera") });
  let left = false;
  /** @type {() => void} */
  let stop = () => {};
  const start = async () => {
    stop();
    video.hidden = false;
    phoneAsks(video, true); // whether the camera may be used
    try {
      stop = await scan(video, (text) => {
        video.hidden = true;
        found(text);
      });
      if (left) stop();
    } catch (error) {
      video.hidden = true;
      if (!left) say(error instanceof NoCamera ? t("scan.no-camera") : wordsFor(error));
    } finally {
      phoneAsks(video, false);
    }
  };
  const leave = () => {
    left = true;
    phoneAsks(video, false); // a question that nobody answered
    stop();
  };
  return { video, start, leave };
}
