import numpy as np
import pytest

from dlc_toolbox.labeling.store.doubts import are_doubtful, find_doubts

PARTS = ("nose", "paw", "hip", "tail")
SIZE = (640, 480)


def usual(shift: float) -> dict:
    return {
        "nose": (100 + shift, 100),
        "paw": (120 + shift, 110),
        "hip": (150 + shift, 100),
        "tail": (180 + shift, 105),
    }


OTHERS = [usual(shift) for shift in (0, 100, 200, 300, 400)]


def doubted(placed: dict, others=OTHERS, boundary: float = 0) -> list[tuple[str, str]]:
    return [(doubt.part, doubt.text) for doubt in find_doubts(placed, SIZE, boundary, others, PARTS)]


def test_a_usual_pose_anywhere_is_fine():
    assert doubted(usual(50)) == []
    assert doubted({"nose": (3, 3)}) == []


@pytest.mark.parametrize(("point", "is_outside"), [((-0.5, 0), False), ((-0.6, 0), True), ((639.5, 479.5), False)])
def test_outside_the_image(point, is_outside):
    assert [part for part, _ in doubted({"paw": point})] == ["paw"] * is_outside


def test_in_the_corner_that_means_not_visible():
    ((part, text),) = doubted({"paw": (4.9, 4.9)}, boundary=5)
    assert part == "paw"
    assert "invisibleboundary" in text
    assert doubted({"paw": (4.9, 5)}, boundary=5) == []


def test_two_on_one_place():
    assert doubted({"nose": (10, 10), "tail": (11, 11)}) == [("tail", "tail lies on the same place as nose")]
    assert doubted({"nose": (10, 10), "tail": (11.5, 10)}) == []


def test_only_the_part_that_is_far_from_all_others_is_doubted():
    ((part, text),) = doubted(usual(50) | {"hip": (600, 400)})
    assert part == "hip"
    assert "much farther from the other parts" in text


def test_few_images_tell_nothing():
    assert doubted(usual(50) | {"hip": (600, 400)}, OTHERS[:4]) == []
    assert doubted(usual(50) | {"hip": (600, 400)}, [{"nose": (1.0, 1.0)}] * 9) == []


def test_does_not_depend_on_where_the_animal_is():
    rng = np.random.default_rng(0)
    for x, y in rng.uniform(0, 300, (20, 2)):
        moved = {part: (px / 2 + x, py / 2 + y) for part, (px, py) in usual(0).items()}
        assert doubted(moved) == []


@pytest.mark.parametrize(
    ("odd", "is_doubtful"),
    [
        ({}, False),
        (usual(50), False),
        (usual(50) | {"tail": (600, 105)}, True),
        (usual(50) | {"paw": usual(50)["hip"]}, True),
        (usual(50) | {"paw": (-0.6, 110)}, True),
        ({"paw": (4, 4)}, True),
        ({"paw": (5, 4)}, False),
    ],
)
def test_all_images_at_once_as_one_by_one(odd, is_doubtful):
    assert bool(doubted(odd, boundary=5)) is is_doubtful
    images = [*OTHERS, odd, {}]
    assert are_doubtful(images, 5, PARTS) == [False] * len(OTHERS) + [is_doubtful, False]
