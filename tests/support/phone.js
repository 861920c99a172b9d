// What the wallet app verifies on a phone, for tests in Python: one JSON object a line comes in
// (`call` and what it is given), one goes out: `{"gave": …}`, or `{"step", "reason"}` if refused.

import { createInterface } from "node:readline";

import { judgeOffer, judgeRequest } from "./src/governance/asking.js";
import { decode, encode } from "./src/governance/base58.js";
import { canonicalize, parseStrict } from "./src/governance/canonical.js";
import { verifyLog } from "./src/governance/didlog.js";
import { decideAsk, decideIssue } from "./src/governance/engine.js";
import { verifyFramework } from "./src/governance/framework.js";
import { assertionKey, verifyProof } from "./src/governance/proof.js";
import { attachedRequest, readRequest } from "./src/governance/request.js";
import { Untrusted } from "./src/governance/values.js";

let questions = [];

const calls = {
  canonicalize: ({ text }) => canonicalize(JSON.parse(text)),
  reread: ({ text }) => canonicalize(parseStrict(text)),
  encode: ({ bytes }) => encode(Uint8Array.from(bytes)),
  decode: ({ text }) => Array.from(decode(text)),
  key: ({ document, method }) => assertionKey(document, method),
  proof: async ({ document, proof, key }) => {
    await verifyProof(document, proof, key);
    return true;
  },
  log: ({ text, did, now }) => verifyLog(text, did, now ? new Date(now) : undefined),
  framework: ({ text, repeat, now, ...known }) => verifyFramework(text ?? repeat[0].repeat(repeat[1]), { ...known, now: new Date(now) }),
  questions: (given) => {
    questions = given.questions;
    return questions.length;
  },
  decide: ({ text }) => {
    const framework = parseStrict(text);
    return questions.map(({ at, ...query }) => (query.ask ? decideAsk : decideIssue)(framework, query, new Date(at)));
  },
  read: async ({ invitation }) => readRequest(await attachedRequest(invitation)),
  request: ({ said, framework, at }) => judgeRequest(said, framework, new Date(at)),
  offer: ({ offer, framework, at }) => judgeOffer(offer, framework, new Date(at)),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { call, ...given } = JSON.parse(line);
  let answer;
  try {
    answer = { gave: await calls[call](given) };
  } catch (error) {
    answer = error instanceof Untrusted ? { step: error.step, reason: error.reason } : { broke: String(error.stack) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
