"""Flask commands."""
