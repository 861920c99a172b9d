// Signing in, and making a passkey from a one-time link. Plain WebAuthn: no library is needed
// in the browser. The link's secret stands behind the # and goes into the body of a request.

const form = document.querySelector("form[data-passkey]");
const told = document.querySelector("[data-told]");
const at = form.dataset.at ?? "/desk"; // where the steps are asked for
const WAITING = 429;

class Told extends Error {
  /** @param {string} word which of the page's own sentences says what happened */
  constructor(word) {
    super(word);
    this.word = word;
  }
}

/** @param {string} path @param {object} body */
async function ask(path, body) {
  let answer;
  try {
    answer = await fetch(`${at}/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Told("noAnswer");
  }
  if (answer.ok) return answer.json();
  if (answer.status === WAITING) throw new Told("wait");
  // a link that was cut off on its way has ended for whoever has it
  const ended = answer.status === 410 || (path === "enrol/begin" && answer.status < 500);
  if (ended) throw new Told("ended");
  throw new Told(answer.status < 500 ? "refused" : "noAnswer");
}

const bytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (each) =>
    each.charCodeAt(0),
  );

const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

const listed = (credentials) =>
  (credentials ?? []).map((each) => ({ ...each, id: bytes(each.id) }));

/** What the browser's dialog gave back; its no is told as such. */
async function dialog(asked) {
  try {
    const given = await asked();
    if (given) return given;
  } catch {
    // the browser says no more than that nothing came of it
  }
  throw new Told("brokenOff");
}

const common = (credential) => ({
  id: credential.id,
  rawId: text(credential.rawId),
  type: credential.type,
  clientExtensionResults: credential.getClientExtensionResults(),
});

async function signIn() {
  const { ceremony, options } = await ask("sign-in/begin", {});
  const publicKey = {
    ...options,
    challenge: bytes(options.challenge),
    allowCredentials: listed(options.allowCredentials),
  };
  const given = await dialog(() => navigator.credentials.get({ publicKey }));
  const { authenticatorData, clientDataJSON, signature, userHandle } = given.response;
  const response = {
    authenticatorData: text(authenticatorData),
    clientDataJSON: text(clientDataJSON),
    signature: text(signature),
    userHandle: userHandle ? text(userHandle) : null,
  };
  await ask("sign-in/finish", { ceremony, credential: { ...common(given), response } });
}

async function enrol() {
  const token = location.hash.slice(1);
  if (!token) throw new Told("ended");
  const { ceremony, options } = await ask("enrol/begin", { token });
  const publicKey = {
    ...options,
    challenge: bytes(options.challenge),
    user: { ...options.user, id: bytes(options.user.id) },
    excludeCredentials: listed(options.excludeCredentials),
  };
  const given = await dialog(() => navigator.credentials.create({ publicKey }));
  const { attestationObject, clientDataJSON } = given.response;
  const response = {
    attestationObject: text(attestationObject),
    clientDataJSON: text(clientDataJSON),
    transports: given.response.getTransports?.() ?? [],
  };
  const credential = { ...common(given), response };
  await ask("enrol/finish", { token, ceremony, credential });
  history.replaceState(null, "", location.pathname);
}

const WAYS = { "sign-in": signIn, enrol };

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  told.hidden = true;
  button.disabled = true;
  try {
    if (!window.PublicKeyCredential) throw new Told("notHere");
    await WAYS[form.dataset.passkey]();
    location.replace(form.dataset.then);
  } catch (error) {
    told.textContent = told.dataset[error instanceof Told ? error.word : "noAnswer"];
    told.hidden = false;
    button.disabled = false;
    button.focus();
  }
});
