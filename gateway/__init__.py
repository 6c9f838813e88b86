"""Pakan's machinery: the engine, text, channels, registry and storage. It knows no particular conversation."""
