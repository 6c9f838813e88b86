"""Look-ups: who is this member, what was paid. `port` says what conversations need; the rest are adapters."""
