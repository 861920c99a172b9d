// Reading a screen aloud, with the voices of the phone.

import { language } from "./texts.js";

/** Whether the phone has a voice for the language in use. */
export function hasVoice() {
  return voice() !== undefined;
}

/** Whether something is being read now. */
export function isSpeaking() {
  return "speechSynthesis" in window && speechSynthesis.speaking;
}

/**
 * Read a text, sentence by sentence (long ones are cut off by some phones).
 * @param {string} text
 * @param {() => void} ended
 */
export function speak(text, ended) {
  hush();
  const sentences = (text.match(/[^.!?។:\n]+[.!?។:]*/g) ?? []).filter((each) => each.trim());
  sentences.forEach((sentence, number) => {
    const said = new SpeechSynthesisUtterance(sentence);
    said.lang = language();
    said.voice = voice() ?? null;
    said.rate = 0.9;
    if (number === sentences.length - 1) said.onend = ended;
    speechSynthesis.speak(said);
  });
}

/** Be quiet, at once. */
export function hush() {
  if ("speechSynthesis" in window) speechSynthesis.cancel();
}

function voice() {
  if (!("speechSynthesis" in window)) return undefined;
  // only a voice of the phone itself: others send what they read to somebody's server
  const ours = (/** @type {SpeechSynthesisVoice} */ each) => each.localService && each.lang.toLowerCase().startsWith(language());
  return speechSynthesis.getVoices().find(ours);
}
