"""The `scale` command. It talks to the REST API, but for `up` and `demo`, which start a service."""
