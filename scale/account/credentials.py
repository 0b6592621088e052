"""What a person shows to get a token. Pure."""

from __future__ import annotations

from pydantic import Field

from scale.kernel.reading import Body, Text


class Credentials(Body):
    username: Text = Field(min_length=1, max_length=150)
    password: Text = Field(min_length=1, max_length=4096, repr=False)
