"""Commands: what is done with many jobs, by their ids or by what they have in common."""
