import pytest

from dlc_toolbox.labels.pairs import partners


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("left_ear", "right_ear"),
        ("LeftEar", "RightEar"),
        ("earL", "earR"),
        ("ear_l", "ear_r"),
        ("L_ear", "R_ear"),
        ("pawLF", "pawRF"),
        ("paw2LF_top", "paw3RF_top"),
        ("LEFT", "RIGHT"),
        ("lefthand", "righthand"),
    ],
)
def test_twins(left, right):
    assert partners([left, "nose", right, "tail"]) == {left: right, "nose": None, right: left, "tail": None}


def test_no_twins():
    parts = ["rear", "lear", "tail", "nail", "left", "brightleft"]
    assert partners(parts) == dict.fromkeys(parts)


def test_the_mouse_of_the_demo():
    tops = ["paw1LH_top", "paw2LF_top", "paw3RF_top", "paw4RH_top", "tailBase_top", "nose_top"]
    bottoms = [part.replace("top", "bot") for part in tops]
    found = partners([*tops, *bottoms])
    assert found["paw1LH_top"] == "paw4RH_top"
    assert found["paw3RF_bot"] == "paw2LF_bot"
    assert found["nose_top"] is None


def test_two_candidates_are_none():
    assert partners(["paw1L", "paw2R", "paw3R"]) == {"paw1L": None, "paw2R": None, "paw3R": None}
