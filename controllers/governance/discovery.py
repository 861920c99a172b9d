"""Where the framework is found: services in the authority's DID document.

Whoever has the DID needs nothing else: the document names the framework and the registry that
answers questions about it (ToIP Trust Registry Query Protocol v2.0, "discovery").
"""

from __future__ import annotations

from core.ports import Document

FRAMEWORK, TRUST_LIST, TRQP = (
    "/governance/framework.json",
    "/governance/trust-list.jwt",
    "/trqp",
)
TRQP_PROFILE = "https://trustoverip.org/profiles/trp/v2"


def services(base_url: str) -> list[Document]:
    """The services, with ids relative to the DID."""
    return [
        {
            "id": "#governance-framework",
            "type": "GovernanceFramework",
            "serviceEndpoint": base_url + FRAMEWORK,
        },
        {
            "id": "#trust-list",
            "type": "CredentialTrustEstablishment",
            "serviceEndpoint": base_url + TRUST_LIST,
        },
        {
            "id": "#trust-registry",
            "type": "TRQP",
            "serviceEndpoint": {"uri": base_url + TRQP, "profile": TRQP_PROFILE},
        },
    ]
