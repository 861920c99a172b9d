"""A page that nobody sees any more, and that is seen again: in a test no screen goes dark."""

HIDDEN = """() => {
  Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
BLURRED, FOCUSED = "dispatchEvent(new Event('blur'))", "dispatchEvent(new Event('focus'))"
SEEN = """() => {
  delete document.visibilityState;
  document.dispatchEvent(new Event("visibilitychange"));
}"""
