"""Voices of a phone, and a note of what they were given to say."""

from __future__ import annotations

import json

_SCRIPT = """
window.said = [];
const voices = LANGUAGES.map((lang) => ({
  lang, name: lang, voiceURI: lang, localService: !lang.endsWith("-REMOTE"),
}));
Object.defineProperty(window, "speechSynthesis", { value: {
  speaking: false,
  getVoices: () => voices,
  speak(what) {
    this.speaking = true;
    window.said.push([what.lang, what.voice?.lang, what.text]);
  },
  cancel() { this.speaking = false; window.said.push("hush"); },
}});
window.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
"""


def voices(*languages: str) -> str:
    """A script for a page: such voices, the phone's own; with `-REMOTE` somebody's server's.
    They never come to an end by themselves."""
    return _SCRIPT.replace("LANGUAGES", json.dumps(languages))
