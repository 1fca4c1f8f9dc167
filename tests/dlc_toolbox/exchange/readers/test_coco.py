import numpy as np
import pytest
from PIL import Image

from dlc_common import UsersError
from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.readers.collecting import SAME_NAME, SHARED, TWICE
from dlc_toolbox.exchange.readers.usable import usable

from .conftest import PLACES as SLEAP_PLACES

PARTS = ["nose", "paw", "tail"]


@pytest.fixture
def content():
    return {
        "images": [
            {"id": 7, "file_name": "day1/img2.png", "width": 64, "height": 48},
            {"id": 8, "file_name": "day1/img10.png", "width": 64, "height": 48},
            {"id": 9, "file_name": "img3.png"},
        ],
        "annotations": [
            {"id": 1, "image_id": 8, "category_id": 1, "keypoints": [5, 6, 2, 0, 0, 0, 7.5, 8, 1]},
            {"id": 2, "image_id": 7, "category_id": 1, "keypoints": [1, 2, 2, 3, 4, 2, 0, 0, 0]},
            {"id": 3, "image_id": 9, "category_id": 1, "keypoints": [9, 9, 2, 9, 9, 2, 9, 9, 2]},
        ],
        "categories": [
            {"id": 1, "name": "mouse", "keypoints": PARTS, "skeleton": [[1, 2], [2, 3], [3, 9]]},
            {"id": 2, "name": "box"},
        ],
    }


@pytest.fixture
def home(images):
    return images("images/day1/img2.png", "images/day1/img10.png", "images/img3.png")


def test_keypoints_are_indices_of_pixels(read, home, write_json, content):
    found = usable(read(write_json(home / "annotations" / "labels.json", content)))
    assert list(found.images) == ["day1/img2.png", "day1/img10.png", "set/img3.png"]
    nan = [np.nan, np.nan]
    np.testing.assert_array_equal(found.values, [[[1, 2], [3, 4], nan], [[5, 6], nan, [7.5, 8]], [[9, 9]] * 3])
    assert found.images["day1/img10.png"] == home / "images" / "day1" / "img10.png"
    assert found.remarks[0] == "1 labels are of parts that are hidden; they are taken over as labels"
    assert "they have fractions" in found.remarks[1] and "add --zero corner" in found.remarks[1]
    assert found.settings["myconfig_analysis.py"] == {"skeleton": [["nose", "paw"], ["paw", "tail"]]}


def test_numbers_may_be_written_as_text(read, home, write_json, content):
    plain = read(write_json(home / "labels.json", content))
    for each in content["annotations"]:
        each |= {"image_id": str(each["image_id"]), "category_id": str(each["category_id"])}
    found = read(write_json(home / "labels.json", content))
    assert found.left_out == plain.left_out
    np.testing.assert_array_equal(found.values, plain.values)


def test_what_sleap_io_wrote(foreign, read):
    names = [f"mouse_frame_{frame:06d}.png" for frame in SLEAP_PLACES]
    for name in names:
        Image.new("RGB", (64, 48)).save(foreign / name)
    found = usable(read(foreign / "coco.json"))
    assert list(found.images) == [f"foreign/{name}" for name in names]
    np.testing.assert_array_equal(found.values, list(SLEAP_PLACES.values()))
    assert found.settings["myconfig_analysis.py"] == {"skeleton": [["nose", "tail base"], ["nose", "ear.left"]]}


def test_label_studio_counts_from_the_corner_and_rounds(read, home, write_json, content):
    """Its converter (label-studio-sdk 2.1.2) writes 100 % of an image of 64 x 48 pixels as 64, 48."""
    content["info"] = {"year": 2026, "version": "1.0", "contributor": "Label Studio"}
    content["annotations"][1]["keypoints"] = [32, 12, 2, 64, 48, 2, 0, 0, 0]
    found = read(write_json(home / "labels.json", content))
    assert found.values[0, :2].tolist() == [[31.5, 11.5], [63.5, 47.5]]
    assert "rounded places to whole pixels: its export as JSON has them" in found.remarks[1]
    assert found.remarks[2].endswith("0.5 px less") and len(found.remarks) == 3


def test_a_person_may_know_that_they_count_from_the_corner(read, home, write_json, content):
    path = write_json(home / "labels.json", content)
    np.testing.assert_array_equal(read(path, zero="corner").values, read(path).values - 0.5)
    assert [len(read(path, zero=zero).remarks) for zero in ("corner", "centre")] == [2, 1]
    content["annotations"][0]["keypoints"][6] = 7
    assert len(read(write_json(path, content)).remarks) == 1, "whole numbers leave no doubt"


def test_a_folder_is_read_by_the_one_file_in_it(read, home, write_json, content):
    write_json(home / "annotations" / "labels.json", content)
    assert len(read(home).images) == 3
    write_json(home / "annotations" / "more.json", content)
    with pytest.raises(ToolboxError, match=r"set has 2 files that can be imported: name one of .*labels\.json, .*more"):
        read(home)


def test_what_cannot_be_used_is_left_out_and_the_rest_comes(read, home, write_json, content):
    content["images"] += [
        {"id": 10, "file_name": "../../etc/img1.png"},
        {"id": 11, "file_name": "day1/img4.png"},
        {"id": 12, "file_name": "day1/img5.png"},
        {"id": 13, "file_name": "day1/img6.png"},
        {"id": 14, "file_name": "day1/img2.png"},
    ]
    sound = {"category_id": 1, "keypoints": [5, 6, 2] * 3}
    content["annotations"] += [
        {**sound, "image_id": 10},
        {**sound, "image_id": 11, "keypoints": [1, 2, 2]},
        {**sound, "image_id": 12},
        {**sound, "image_id": 12},
        {**sound, "image_id": 14},
        {**sound, "image_id": 99},
        {**sound, "image_id": 9, "iscrowd": 1},
    ]
    found = read(write_json(home / "labels.json", content))
    assert list(found.images) == ["day1/img10.png", "set/img3.png"]
    assert found.left_out == (
        ("day1/img2.png", TWICE),
        ("day1/img4.png", "has keypoints that are not 3 times x, y and a flag"),
        ("day1/img5.png", "has several animals; here every image has one"),
        ("day1/img6.png", "has no label"),
        ("../../etc/img1.png", "has a path that leads upwards"),
        ("image 99", "is annotated, but not in the list of images"),
    )


def test_an_image_of_another_size_than_was_labeled_is_left_out(read, home, write_json, content):
    content["images"][0]["width"] = 128
    found = usable(read(write_json(home / "labels.json", content)))
    assert list(found.images) == ["day1/img10.png", "set/img3.png"]
    assert found.left_out[-1] == ("day1/img2.png", "has 64 x 48 pixels, but was labeled with 128 x 48")


def test_an_image_of_the_same_name_in_another_folder_is_not_taken(read, images, write_json, content):
    home = images("day3/img2.png", "img3.png")
    content["images"][2]["file_name"] = "day2/img3.png"
    found = read(write_json(home / "labels.json", content))
    assert not found.images["day1/img2.png"].is_file()
    assert found.images["day2/img3.png"] == home / "img3.png", "one that lies flat beside the file is"
    content["images"][0]["file_name"] = "day1/img3.png"
    found = read(write_json(home / "labels.json", content))
    assert list(found.images) == ["day1/img10.png"]
    assert [why for _, why in found.left_out] == [SHARED] * 2


def test_images_whose_accents_macos_has_spelled(read, images, write_json, content):
    together, apart = "M\u00e4use", "Ma\u0308use"
    home = images(f"{apart}/img2.png", f"images/{apart}3.png", f"below/{apart}/img10.png")
    for image, name in zip(content["images"], ("/img2.png", "/img10.png", "3.png"), strict=True):
        image["file_name"] = together + name
    found = usable(read(write_json(home / "labels.json", content)))
    assert list(found.images) == [f"{together}/img2.png", f"{together}/img10.png", f"set/{together}3.png"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"categories": [{"id": 1, "name": "box"}]}, "has no annotation with keypoints that have names"),
        ({"annotations": []}, "has no annotation with keypoints"),
        ({"images": []}, r"no label in it can be used \(3 times one is annotated, but not in the list"),
        ({"images": {"a": [[]]}, "categories": 3}, "has no annotation with keypoints"),
    ],
)
def test_nothing_that_can_be_used(read, home, write_json, content, change, message):
    with pytest.raises(ToolboxError, match=message):
        read(write_json(home / "labels.json", {**content, **change}))


def test_json_that_is_damaged_or_something_else(read, home):
    path = home / "labels.json"
    path.write_text('{"images": [')
    with pytest.raises(ToolboxError, match=r"labels\.json begins as json, but is damaged"):
        read(path)
    path.write_text("[" * 100_000)
    with pytest.raises(ToolboxError, match=r"begins as json, but is damaged"):
        read(path)
    path.write_text('{"a": 1}')
    with pytest.raises(ToolboxError, match=r"is a JSON file, and nothing that can be imported: projects of DeepLabCut"):
        read(path)


@pytest.mark.parametrize(
    ("kind", "place", "key", "value", "what", "why"),
    [
        ("annotations", 1, "image_id", [7], "day1/img2.png", "has no label"),
        ("images", 0, "id", {"a": 7}, "day1/img2.png", "has no label"),
        ("annotations", 1, "category_id", [1], "day1/img2.png", "has no label"),
        ("annotations", 1, "keypoints", [10**400, 2, 2] * 3, "day1/img2.png", "has keypoints that are not 3 times"),
        ("annotations", 1, "keypoints", [1, 2, float("inf")] * 3, "day1/img2.png", "has keypoints that are not 3 tim"),
        ("images", 0, "file_name", f"day1/{'x' * 300}2.png", f"day1/{'x' * 300}2.png", "has a name of more than 255"),
    ],
)
def test_one_strange_value_does_not_stop_the_others(
    read, home, write_json, content, kind, place, key, value, what, why
):
    content[kind][place][key] = value
    found = read(write_json(home / "labels.json", content))
    assert list(found.images) == ["day1/img10.png", "set/img3.png"]
    np.testing.assert_array_equal(found.values[0], [[5, 6], [np.nan, np.nan], [7.5, 8]])
    assert found.left_out[0].what == what
    assert found.left_out[0].why.startswith(why)


def test_of_two_images_with_one_id_nobody_knows_whose_the_labels_are(read, home, write_json, content):
    content["images"][1]["id"] = 7
    found = read(write_json(home / "labels.json", content))
    assert list(found.images) == ["set/img3.png"]
    why = "has the id 7, as another image has: nothing tells whose the labels are"
    assert found.left_out[:2] == (("day1/img2.png", why), ("day1/img10.png", why))


def test_of_two_images_with_one_name_nobody_knows_whose_the_file_is(read, home, write_json, content):
    """Sets were joined: the file is of either, also where the other one has no label."""
    content["images"].append({"id": 14, "file_name": "img3.png"})
    found = read(write_json(home / "labels.json", content))
    assert list(found.images) == ["day1/img2.png", "day1/img10.png"]
    assert found.left_out == (("img3.png", "has no label"), ("img3.png", SAME_NAME))


def test_an_image_that_is_listed_twice_is_one(read, home, write_json, content):
    """Under one id, or under two, of which one has no label."""
    content["images"] += [content["images"][0], {"id": 14, "file_name": "day1/img10.png"}]
    found = read(write_json(home / "labels.json", content))
    assert list(found.images) == ["day1/img2.png", "day1/img10.png", "set/img3.png"] and not found.left_out


def test_images_of_one_name_are_named_by_their_folders(read, images, write_json, content):
    home = images("m1/day1/img2.png", "m2/day1/img2.png", "m1/day1/img10.png", "img3.png")
    for image, name in zip(content["images"], ("m1/day1/img2.png", "m2/day1/img2.png", "img3.png"), strict=True):
        image["file_name"] = f"/home/ann/{name}"
    found = usable(read(write_json(home / "labels.json", content)))
    assert list(found.images) == ["ann/img3.png", "m1_day1/img2.png", "m2_day1/img2.png"]
    assert [row[0].tolist() for row in found.values] == [[9, 9], [1, 2], [5, 6]]
    assert found.images["m2_day1/img2.png"] == home / "m2" / "day1" / "img2.png"


def test_a_file_that_may_be_of_either_of_two_images_is_of_none(read, images, write_json, content):
    home = images("m1/day1/img2.png", "day1/img2.png", "img3.png")
    for image, name in zip(content["images"], ("m1/day1/img2.png", "m2/day1/img2.png", "img3.png"), strict=True):
        image["file_name"] = f"/home/ann/{name}"
    found = read(write_json(home / "labels.json", content))
    assert list(found.images) == ["ann/img3.png"]
    assert found.left_out == (("/home/ann/m1/day1/img2.png", SHARED), ("/home/ann/m2/day1/img2.png", SHARED))


def test_json_in_other_encodings(read, home, write_json, content):
    path = write_json(home / "labels.json", content)
    plain = read(path).values
    path.write_text(path.read_text(), encoding="utf-16")
    np.testing.assert_array_equal(read(path).values, plain)
    path.write_bytes(path.read_text(encoding="utf-16").replace("paw", "pâw").encode("cp1252"))
    with pytest.raises(UsersError, match=r"labels\.json line 1 is not in UTF-8, .*: save it as UTF-8"):
        read(path)
    write_json(home / "sound.json", content)
    assert len(read(home).images) == 3, "the other file of the folder is read"
