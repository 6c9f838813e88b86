"""The engine: pure. No I/O, no clock of its own, no per-caller state in memory."""
