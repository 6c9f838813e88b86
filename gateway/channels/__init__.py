"""One file per provider, one order of parts in each, and the pipeline they all share."""
