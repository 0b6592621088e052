"""Submissions that make their jobs once, however often they are sent."""
