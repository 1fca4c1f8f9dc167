import unicodedata

import pytest

from dlc_common.accents import as_spelled

TOGETHER, APART = (unicodedata.normalize(form, "M\u00e4use/gr\u00fcn.png") for form in ("NFC", "NFD"))
MIXED = f"{TOGETHER.partition('/')[0]}/{APART.partition('/')[2]}"


@pytest.mark.parametrize("there", [TOGETHER, APART, MIXED])
@pytest.mark.parametrize("typed", [TOGETHER, APART, MIXED])
def test_a_name_is_found_however_it_is_spelled(tmp_path, there, typed):
    (tmp_path / there).parent.mkdir()
    (tmp_path / there).touch()
    assert as_spelled(tmp_path / typed) == tmp_path / there


def test_one_name_may_be_spelled_in_both_ways(tmp_path):
    (tmp_path / "\u00e4a\u0308.png").touch()
    assert as_spelled(tmp_path / "\u00e4\u00e4.png") == tmp_path / "\u00e4a\u0308.png"


def test_what_is_not_there_stays_as_it_was_typed(tmp_path):
    for name in (TOGETHER, APART, "plain.png"):
        assert as_spelled(tmp_path / name) == tmp_path / name
