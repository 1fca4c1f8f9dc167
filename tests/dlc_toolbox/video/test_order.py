"""Images of a recording stand in the order that people mean."""

import numpy as np
import pytest

from dlc_toolbox.video.order import gaps, in_order

NEAR_25 = 1, ("img0020_cam2.png", "img0030_cam2.png")


def shuffled(names: list[str]) -> list[str]:
    return [names[place] for place in np.random.default_rng(0).permutation(len(names))]


@pytest.mark.parametrize(
    "names",
    [
        ["img9.png", "img10.png", "img100.png"],
        ["2.1_9.png", "2.1_10.png", "2.2_1.png"],
        [f"{round(1612345678.04 + 0.04 * number, 2)}.png" for number in range(30)],  # as Python prints seconds
        ["t9.8.png", "t9.85.png", "t10.05.png"],
        ["t4,5.png", "t5,05.png", "t5,1.png"],
        ["t4.5.png", "t5.png", "t5.25.png", "t5.5.png", "t6.png"],  # as %g prints them
        [f"day 1.{number}.png" for number in range(1, 13)],  # counters: 1.10 comes after 1.9
        ["9.59.58.png", "10.00.01.png", "10.00.02.png"],
        ["12-05-01 AM.png", "1-00-00 am.png", "11-59-59 AM.png", "12-00-00 PM.png", "1-00-00 PM.png"],
        ["shot 2021-03-04 at 9.05.33 AM.png", "shot 2021-03-04 at 1.05.33 PM.png", "shot 2021-03-05 at 1.00.00 AM.png"],
        ["frame 31-12-2020 9.png", "frame 1-1-2021 1.png", "frame 14-1-2021 1.png", "frame 2-2-2021 1.png"],
        ["frame 12-31-2020 9.png", "frame 1-14-2021 1.png", "frame 2-2-2021 1.png"],
        ["2020-12-31 9.png", "2021-01-01 1.png"],
        ["a1_8.png", "a1_9.png", "a2_0.png", "a2_1.png", "a2_2.png"],  # counts on
        [f"frame{number:x}.png" for number in range(1, 300)],  # hexadecimal
        [f"{number:04X}_cam2.png" for number in range(0, 160, 16)],
        [f"IMG_{number:03}.png" for number in range(900, 1000)],  # no counter began behind 999
        ["10-59-24.png", "11-30-24.png", "12-00-25.png", "12-01-26.png"],  # times
        ["24-01-30.png", "24-01-31.png"],
        ["fc2 2024-01-02-24.png", "fc2 2024-02-01-24.png"],
    ],
)
def test_numbers_are_what_people_mean(names: list[str]):
    assert in_order(shuffled(names)) == (names, [])


@pytest.mark.parametrize(
    ("names", "doubt"),
    [
        (["8.2.png", "8.24.png", "8.28.png"], "a number such as .24 could be more or less than .2; it is taken for a"),
        (["00a3.png", "01f2.png", "0b10.png", "1c2d.png"], "their names are taken for hexadecimal numbers"),
        (["a1.png", "a2.png", "a10.png", "b1.png", "b2.png", "b10.png"], "their names follow 2 patterns ('a#', 'b#',"),
        (["img1.png", "img1a.png", "img1b.png", "img2.png"], "their names follow 3 patterns"),
        (["a2.png", "b1.png"], "their names follow 2 patterns ('a#', 'b#', where # is a number)"),
        (["img01.png", "img1.png", "img2.png"], "img01.png and img1.png have the same number"),
        (["IMG_0001.png", "IMG_0002.png", "IMG_9998.png", "IMG_9999.png"], "a counter that was full may have started"),
        (
            ["01-01-25_1.png", "12-31-24_1.png"],
            "they may have dates that end with the year; their numbers are compared",
        ),
        (["d 1_2_24.png", "d 2_1_24.png", "d 31_1_24.png"], "they may have dates that end with the year"),
        (["23.59.58.png", "23.59.59.png", "00.00.01.png"], "to pass midnight between 23.59.59.png and 00.00.01.png"),
        ([f"cam{c}_{n}.png" for c in (1, 2) for n in range(4)], "they start anew at cam2_0.png; images of several cam"),
        (["1-2-2021.png", "2-1-2021.png"], None),
        (["2-1-2021.png", "1-2-2021.png"], "their dates may begin with the day or the month"),
    ],
)
def test_what_could_be_meant_otherwise_is_said(names: list[str], doubt: str | None):
    ordered, doubts = in_order(shuffled(names))
    if doubt is None:  # the other order of the next one: it is not taken
        assert ordered != names
        return
    assert ordered == names
    assert len(doubts) == 1
    assert doubt in doubts[0]


@pytest.mark.parametrize(
    ("names", "gap"),
    [
        ([f"img{number}.png" for number in (1, 2, 3, 7, 8, 9, 11)], (4, ("img3.png", "img7.png"))),
        ([f"img{number:04d}_cam2.png" for number in range(0, 60, 5) if number != 25], NEAR_25),
        ([f"img{number}.png" for number in range(20)], None),
        ([f"img{number}.png" for number in (3, 17, 20, 44, 61)], None),  # picked at random
        ([f"t{number}.png" for number in (0, 33, 67, 100, 133, 167, 200)], None),  # milliseconds
        ([f"{number / 10}.png" for number in (1, 2, 3, 7, 8, 9)], None),
        (["a1.png", "a2.png", "a3.png", "b9.png"], (5, ("a3.png", "b9.png"))),
        (["one.png"], None),
        ([f"{number:02x}.png" for number in range(16) if number not in (9, 10)], (2, ("08.png", "0b.png"))),
        (["t0.png", "t1.png", "t2.png", "t3.png", "t-1.png", "t-2.png"], None),  # their order is told as doubtful
    ],
)
def test_numbers_that_are_left_out(names: list[str], gap: tuple | None):
    assert gaps(names) == gap
