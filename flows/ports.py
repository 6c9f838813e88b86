"""What the conversations may ask of the world outside, and nothing more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo

from gateway.identity.port import Identity
from gateway.outbox.port import Mail
from gateway.registry.port import Claims, Firms, Registry
from gateway.registry.scheme import Scheme


@dataclass(frozen=True, slots=True)
class Ports:
    """The register and its employers, the dated facts of the scheme, who is calling, what was sent to her, and
    where an employer's claims go."""

    registry: Registry
    firms: Firms
    scheme: Scheme
    identity: Identity
    mail: Mail
    claims: Claims
    timezone: tzinfo
