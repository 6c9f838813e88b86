"""What commands begin with: the gateway, or one sentence about what it lacks."""

from __future__ import annotations

import click

from gateway.installation import Installation, installation


def ready() -> Installation:
    """The gateway, when it can work with its databases; raises ClickException with what to do when not."""
    gateway = installation()
    if shortfall := gateway.shortfall():
        raise click.ClickException(shortfall)
    return gateway
