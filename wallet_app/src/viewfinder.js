// What the camera sees, on a screen: switched on, and let go when a code was found, when it is
// started anew, or when the screen is left, however late the camera answers.

import { phoneAsks, say } from "./app.js";
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
    phoneAsks(true); // whether the camera may be used
    try {
      stop = await scan(video, (text) => {
        video.hidden = true;
        found(text);
      });
      if (left) stop();
    } catch (error) {
      if (!(error instanceof NoCamera)) throw error;
      video.hidden = true;
      if (!left) say(t("scan.no-camera"));
    } finally {
      phoneAsks(false);
    }
  };
  const leave = () => {
    left = true;
    stop();
  };
  return { video, start, leave };
}
