"""Everything we send, effectively once."""
