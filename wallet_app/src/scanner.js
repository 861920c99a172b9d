// Reading a QR code with the camera: the phone's own reader where there is one, a library
// elsewhere. Pictures stay in this page's memory and are gone with the next.

import { loaded } from "./api.js";

const EVERY_MS = 180;
const LARGEST = 720; // pixels; more only takes longer

/** @typedef {(image: HTMLVideoElement) => Promise<string | null>} Reader */

/** No camera, or none that we may use. */
export class NoCamera extends Error {}

/**
 * Show what the camera sees in `video` and call `found` with the first QR code's text.
 * @param {HTMLVideoElement} video
 * @param {(text: string) => void} found
 * @returns {Promise<() => void>} stops it and lets the camera go
 */
export async function scan(video, found) {
  const reader = await bestReader(); // before the camera is on: it may have to be loaded
  const stream = await camera();
  const stop = () => {
    looking = false;
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  };
  let looking = true;
  video.srcObject = stream;
  await video.play().catch(() => {
    // leaving the screen while it starts
  });
  (async () => {
    while (looking) {
      const text = await reader(video).catch(() => null);
      if (text && looking) {
        stop();
        found(text);
      }
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  })();
  return stop;
}

async function camera() {
  if (!navigator.mediaDevices?.getUserMedia) throw new NoCamera();
  try {
    const video = { facingMode: "environment", width: { ideal: 1280 } };
    return await navigator.mediaDevices.getUserMedia({ video, audio: false });
  } catch {
    throw new NoCamera();
  }
}

/** @returns {Promise<Reader>} */
async function bestReader() {
  const Detector = /** @type {any} */ (globalThis).BarcodeDetector;
  const kinds = Detector ? await Detector.getSupportedFormats().catch(() => []) : [];
  if (kinds.includes("qr_code")) {
    const detector = new Detector({ formats: ["qr_code"] });
    return async (video) => (await detector.detect(video))[0]?.rawValue ?? null;
  }
  return libraryReader();
}

/** @returns {Promise<Reader>} */
async function libraryReader() {
  const { decodeQR } = await loaded(import("../vendor/qr-decode.js"), "../vendor/qr-decode.js");
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  return async (video) => {
    if (!context || !video.videoWidth) return null;
    const scale = Math.min(1, LARGEST / Math.max(video.videoWidth, video.videoHeight));
    canvas.width = video.videoWidth * scale;
    canvas.height = video.videoHeight * scale;
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    const { data, width, height } = context.getImageData(0, 0, canvas.width, canvas.height);
    return decodeQR({ data, width, height });
  };
}
