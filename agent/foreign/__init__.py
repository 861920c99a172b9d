"""A holder with software of her own, who uses only what every holder has.

Her store's file and key, the public registry, and the invitation: with these she presents
without our wallet, honestly or not. The demo story and the scenario tests play her against
the verifier's agent, because what our own wallet never does must still be refused.

    holder = await ForeignHolder.open(store_file(home, wallet_name), key, HttpFetcher(host_map))
    request = attached_request(invitation)                      # agent.organisations
    honest = await holder.present(request, {"a": mine, "a/0": mine, "a/1": mine})
    await send(invitation, honest)

What is dishonest, and what has to notice it:

1. one credential made of two: `present(request, {"a": expired, "a/0": valid, "a/1": valid})`
   verifies; `shown.sub_proofs` has more than one index.
2. revoked, proven against an older list: `present(request, picks, status_at=before)`
   verifies; `shown.status_time` is not the time of the newest list.
3. an older list under the newest list's time: `with_status_time(old, newest)` fails.
4. another value: `tampered(honest, "household", "9")` fails, and so does
   `relabelled(honest, "household", "9")`, by the encoding of the raw value.
5. a changed proof: `with_broken_proof(honest)` fails.
6. an answer to an earlier request: `send(new_invitation, honest)` fails, by the nonce.
7. values held back: `present(request, picks, withheld={"a"})` fails, and is `shown.missing`.
8. another presentation in the same exchange: `send(invitation, honest)`, and after it was
   verified `send(invitation, tampered(honest, "household", "9"))`. ACA-Py takes it in and
   keeps `verified: true` of the first; it puts the state back to presentation-received.
9. no address for the acknowledgement: `send(invitation, honest, reply_to=None)`. ACA-Py
   verifies, stores that, and then answers the verifier's controller with an error.
10. an address of the verifier's own network: `send(invitation, honest, reply_to=internal)`.
    The verifier's agent posts its acknowledgement, encrypted, to any address it is given.
"""

from agent.foreign.delivery import Thread, send
from agent.foreign.holder import ForeignHolder, store_file
from agent.foreign.tampering import (
    relabelled,
    tampered,
    with_broken_proof,
    with_status_time,
    without_status_proof,
)

__all__ = [
    "ForeignHolder",
    "Thread",
    "relabelled",
    "send",
    "store_file",
    "tampered",
    "with_broken_proof",
    "with_status_time",
    "without_status_proof",
]
