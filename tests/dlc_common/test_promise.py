"""The bounds of what a faster mode may change."""

import pytest

from dlc_common.promise import is_kept, largest_error_px


@pytest.mark.parametrize(
    ("difference", "error", "chance", "kept"),
    [
        (0.3, 5.1, 0.0, True),
        (0.31, 5.0, 0.0, False),
        (0.1, 5.11, 0.0, False),
        (0.1, 5.3, 0.2, True),
        (0.1, 5.31, 0.2, False),
        (float("nan"), 5.0, 0.0, False),
    ],
)
def test_neither_bound_may_be_passed(difference, error, chance, kept):
    assert is_kept(difference, error, 5.0, chance) == kept


def test_chance_widens_the_bound():
    assert largest_error_px(50.0) == 51.0
    assert largest_error_px(50.0, chance_px=2.0) == 53.0
