"""Who is due what reminder, when, and why."""
