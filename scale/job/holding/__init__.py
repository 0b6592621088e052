"""Jobs that are held, and released."""
