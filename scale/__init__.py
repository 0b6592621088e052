"""Scale: a cluster job-execution scheduler."""

__version__ = "0.1.0"
