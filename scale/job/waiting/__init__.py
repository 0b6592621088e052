"""Jobs that wait: for others, and then on the queue."""
