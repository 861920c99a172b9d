// A one-time link's secret stands behind the #, which is sent to nobody: it goes from there into
// the form, and out of the address, before the form is sent.

const form = document.querySelector("form[data-enter]");

function enter() {
  const secret = location.hash.slice(1);
  if (!secret) return;
  history.replaceState(null, "", location.pathname);
  form.elements.token.value = secret;
  form.requestSubmit();
}

enter();
addEventListener("hashchange", enter); // a link that is opened where this page stands already
