"""Blueprints: webhooks and health."""
