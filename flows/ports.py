"""What the conversations may ask of the world outside, and nothing more."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.registry.port import Registry
from gateway.registry.scheme import Scheme


@dataclass(frozen=True, slots=True)
class Ports:
    """The register of members, and the dated facts of the scheme."""

    registry: Registry
    scheme: Scheme
