"""The edge, and its blueprints: webhooks and health."""
