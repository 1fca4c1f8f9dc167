import numpy as np

from dlc_toolbox.frames import different
from dlc_toolbox.frames.different import choose_different


class Shades:
    """A recording of gray frames; None is a lost one."""

    def __init__(self, shades):
        self.shades = shades

    def __iter__(self):
        for shade in self.shades:
            yield None if shade is None else np.full((30, 40, 3), shade, np.uint8)


def test_frames_of_every_kind_are_chosen_and_none_twice():
    shades = [100] * 20 + [0] + [100] * 10 + [255] + [100] * 5
    assert choose_different(Shades(shades), len(shades), 3) == [0, 20, 31]


def test_they_differ_from_those_that_are_taken_too_and_lost_ones_are_passed_over():
    shades = [100] * 5 + [0, 0, None, 255]
    assert choose_different(Shades(shades), len(shades), 1, taken={5}) == [8]
    assert 7 not in choose_different(Shades(shades), len(shades), 9)
    assert 5 not in choose_different(Shades(shades), len(shades), 9, taken={5})


def test_of_a_long_video_frames_at_even_distances_are_looked_at(monkeypatch):
    monkeypatch.setattr(different, "_MOST_LOOKED_AT", 4)
    assert choose_different(Shades([100] * 5 + [0] * 3), 8, 9) == [0, 2, 4, 6]
