"""The life of one try at a job, from its placement on a node to its end."""
