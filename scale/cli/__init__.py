"""The `scale` command. It talks to the REST API, but for `up`, `scheduler` and `demo`, which start something."""
