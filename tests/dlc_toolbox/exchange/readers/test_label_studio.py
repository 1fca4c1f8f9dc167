import re

import numpy as np
import pytest

from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.readers.collecting import SHARED, TWICE
from dlc_toolbox.exchange.readers.usable import usable


def point(name: str, x: float, y: float, **more) -> dict:
    """A keypoint in the export JSON, of an image of 64 x 48 pixels."""
    return {
        "original_width": 64,
        "original_height": 48,
        "image_rotation": 0,
        "type": "keypointlabels",
        "value": {"x": x, "y": y, "width": 0.5, "keypointlabels": [name]},
        **more,
    }


def task(image: str, *results: dict, **more) -> dict:
    return {
        "id": 1,
        "data": {"image": image},
        "annotations": [{"result": list(results), "was_cancelled": False}],
        **more,
    }


@pytest.fixture
def home(images):
    return images("1a2b3c4d-img2.png", "day1/img10.png")


UPLOADED = task("/data/upload/3/1a2b3c4d-img2.png", point("nose", 50, 25), point("tail", 100, 100))
LOCAL = task("/data/local-files/?d=day1%2Fimg10.png", point("tail", 0.78125, 0))


def test_percents_count_from_the_corner(read, home, write_json):
    found = usable(read(write_json(home / "export.json", [UPLOADED, LOCAL])))
    assert list(found.images) == ["day1/img10.png", "set/img2.png"]
    nan = [np.nan, np.nan]
    # 50 % of 64 is the edge between pixels 31 and 32, the place 31.5; 1/128 of 64 is the centre of pixel 0
    np.testing.assert_allclose(found.values, [[nan, [0, -0.5]], [[31.5, 11.5], [63.5, 47.5]]])
    assert found.images["set/img2.png"] == home / "1a2b3c4d-img2.png"
    assert found.remarks[-1].endswith("0.5 px less")


def test_the_small_export_is_read_too(read, home, write_json):
    """JSON-MIN, in the form in which the converter of label-studio-sdk 2.1.2 makes it of these tasks."""
    more = {"annotator": 1, "annotation_id": 1, "created_at": None, "updated_at": None, "lead_time": None}
    size = {"original_width": 64, "original_height": 48}
    small = [
        {
            "image": each["data"]["image"],
            "id": 1,
            "kp": [{**result["value"], **size} for result in each["annotations"][0]["result"]],
            **more,
        }
        for each in (UPLOADED, LOCAL)
    ]
    full = read(write_json(home / "export.json", [UPLOADED, LOCAL]))
    np.testing.assert_array_equal(read(write_json(home / "export.json", small)).values, full.values)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (task("day1/img3.png"), "has no label"),
        (
            task("day1/img3.png", point("nose", 1, 2), point("nose", 3, 4)),
            "has several animals; .*'nose' is there 2 times",
        ),
        (task("day1/img3.png", point("nose", 1, 2, image_rotation=90)), "was turned while it was labeled"),
        (task("day1/img3.png", point("nose", "1", 2)), "has a place that is no number"),
        (task("day1/img3.png", point("nose", 1, 2, original_width=None)), "has no size"),
        (task("day1/img3.png", annotations=[{"result": [point("nose", 1, 2)]}] * 2), "was labeled more than once"),
        (task("day1/img3.png", annotations=[{"result": [point("nose", 1, 2)], "was_cancelled": True}]), "has no label"),
        (task("text.txt", point("nose", 1, 2)), "names no image"),
        (task("day1/img3.png", point("nose", 10**400, 2)), "cannot be read: OverflowError"),
        (task("day1/img3.png", annotations=5), "has no label"),
        (task("s3://mice/../img3.png", point("nose", 1, 2)), "has a path that leads upwards"),
    ],
)
def test_a_task_that_cannot_be_used_is_left_out(read, home, write_json, other, why):
    found = read(write_json(home / "export.json", [other, UPLOADED]))
    assert list(found.images) == ["set/img2.png"]
    assert len(found.left_out) == 1
    assert re.match(why, found.left_out[0].why)


def test_a_list_of_something_else(read, home, write_json):
    with pytest.raises(ToolboxError, match="nothing that can be imported"):
        read(write_json(home / "export.json", [{"a": 1}, 3]))
    with pytest.raises(ToolboxError, match=r"no label in it can be used \(1 times one has no label\)"):
        read(write_json(home / "export.json", [task("img1.png")]))


def test_points_that_have_not_one_name_are_counted(read, home, write_json):
    two, none = point("nose", 10, 10), point("nose", 20, 20)
    two["value"]["keypointlabels"], none["value"]["keypointlabels"] = ["nose", "tail"], "nose"
    found = read(write_json(home / "export.json", [task("day1/img10.png", point("tail", 50, 50), two, none)]))
    np.testing.assert_array_equal(found.values, [[[31.5, 23.5]]])
    assert found.remarks[0] == "day1/img10.png: 2 points have not one name each, and are no labels"


def test_sizes_with_a_point_are_sizes(read, home, write_json):
    size = {"original_width": 64.0, "original_height": 48.0}
    found = read(write_json(home / "export.json", [task("day1/img10.png", point("tail", 50, 50, **size))]))
    np.testing.assert_array_equal(found.values, [[[31.5, 23.5]]])


def test_what_is_no_task_is_named(read, home, write_json):
    found = read(write_json(home / "export.json", [UPLOADED, "a note", None]))
    assert list(found.images) == ["set/img2.png"]
    assert found.left_out == (("entry 1", "is no task"), ("entry 2", "is no task"))


def test_uploads_of_one_name_are_told_apart_by_the_name_that_they_got(read, images, write_json):
    home = images("1a2b3c4d-img2.png", "5e6f7a8b-img2.png")
    other = task("/data/upload/3/5e6f7a8b-img2.png", point("nose", 100, 100))
    path = write_json(home / "export.json", [UPLOADED, other])
    assert list(read(path).images) == ["set/1a2b3c4d-img2.png", "set/5e6f7a8b-img2.png"]
    assert read(path).values[1, 0].tolist() == [63.5, 47.5]
    (home / "5e6f7a8b-img2.png").rename(home / "img2.png")
    assert read(path).left_out == (("data/upload/3/5e6f7a8b-img2.png", SHARED),), "it may be the other one, too"
    (home / "1a2b3c4d-img2.png").unlink()
    with pytest.raises(ToolboxError, match=r"2 times one has a name that another one has, too"):
        read(path)


def test_an_image_that_several_tasks_have_is_one(read, home, write_json):
    """Storage was synced twice, or exports were joined."""
    unlabeled = [task(each["data"]["image"]) for each in (UPLOADED, LOCAL)]
    found = read(write_json(home / "export.json", [UPLOADED, *unlabeled, LOCAL, UPLOADED]))
    assert list(found.images) == ["day1/img10.png", "set/img2.png"] and not found.left_out
    other = task(LOCAL["data"]["image"], point("tail", 50, 50))
    found = read(write_json(home / "export.json", [UPLOADED, LOCAL, other]))
    assert list(found.images) == ["set/img2.png"]
    assert found.left_out == (("day1/img10.png", TWICE),)


def test_images_of_one_path_in_two_stores_are_two(read, home, write_json):
    mine, theirs = (task(f"s3://{store}/day1/img10.png", point("tail", 50, 50)) for store in ("mine", "theirs"))
    found = read(write_json(home / "export.json", [UPLOADED, mine, theirs]))
    assert list(found.images) == ["set/img2.png"] and len(found.left_out) == 2
