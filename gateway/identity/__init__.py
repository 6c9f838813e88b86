"""Who is calling, and how sure we are: bindings, PINs, one-time codes, cases for the office."""
