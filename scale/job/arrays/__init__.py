"""Arrays: jobs that are submitted as one, alike but for their index."""
