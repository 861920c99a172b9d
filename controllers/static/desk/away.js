// A page that nobody touches goes away, so that what it shows does not stand there for who comes
// next. A minute before, it says so; whoever works on goes on, and her session with her.

const WARN_BEFORE = 60;
const TOLD_EVERY = 60_000; // the server hears of a touch at most this often

const after = Number(document.body.dataset.away) * 1000;
const warning = document.querySelector("[data-warning]");

let touched = Date.now();
let told = Date.now();

function touch() {
  touched = Date.now();
  warning.hidden = true;
  if (touched - told < TOLD_EVERY) return;
  told = touched;
  fetch("/desk/still-here", { headers: { Accept: "application/json" } }).catch(() => {});
}

function look() {
  const left = after - (Date.now() - touched);
  if (left <= 0) location.replace("/desk/away");
  else if (left <= WARN_BEFORE * 1000) warning.hidden = false;
}

if (after && warning) {
  for (const each of ["pointerdown", "keydown", "scroll"]) {
    addEventListener(each, touch, { passive: true });
  }
  // by the clock: a machine that slept wakes with the page gone
  setInterval(look, 1000);
  addEventListener("pageshow", look);
}
