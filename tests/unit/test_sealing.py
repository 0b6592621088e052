"""Secrets are sealed with one key, and unsealed with any of those that are known."""

import pytest

from scale.sealing import CannotUnseal, Sealer


def test_what_was_sealed_says_nothing_and_can_be_unsealed() -> None:
    sealer = Sealer(["a key"])
    sealed = sealer.seal("täglich-Brot")
    assert "Brot" not in sealed
    assert sealer.unseal(sealed) == "täglich-Brot"


def test_the_same_secret_looks_different_each_time() -> None:
    sealer = Sealer(["a key"])
    assert sealer.seal("x") != sealer.seal("x")


def test_an_old_key_still_unseals_after_a_new_one_was_put_before_it() -> None:
    sealed = Sealer(["old"]).seal("x")
    assert Sealer(["new", "old"]).unseal(sealed) == "x"


@pytest.mark.parametrize("sealed", ["", "nonsense", "gAAAAA"])
def test_what_no_key_opens_is_refused_with_what_to_do(sealed: str) -> None:
    with pytest.raises(CannotUnseal, match="SCALE_SECRETS_KEYS"):
        Sealer(["a key"]).unseal(sealed)


def test_a_secret_that_was_sealed_with_another_key_is_refused() -> None:
    with pytest.raises(CannotUnseal):
        Sealer(["ours"]).unseal(Sealer(["theirs"]).seal("x"))
