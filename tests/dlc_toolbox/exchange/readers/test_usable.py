import numpy as np
import pytest
from PIL import Image

from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.readers.found import found_of
from dlc_toolbox.exchange.readers.usable import usable


@pytest.fixture
def found(images):
    home = images(*(f"day1/img{number}.png" for number in range(4)))
    rows = [f"day1/img{number}.png" for number in range(4)]
    labels = {row: np.array([[30.0, 20.0]]) for row in rows}
    return found_of(home / "t.csv", "a table", "Ann", ["nose"], labels, {row: home / row for row in rows})


def test_damaged_images_are_left_out(found):
    whole = found.images["day1/img1.png"].read_bytes()
    found.images["day1/img1.png"].write_bytes(whole[: len(whole) // 2])
    found.images["day1/img2.png"].write_text("a web page")
    remains = usable(found)
    assert list(remains.images) == list(remains.table.index) == ["day1/img0.png", "day1/img3.png"]
    assert [what for what, _ in remains.left_out] == ["day1/img1.png", "day1/img2.png"]
    assert all(why.startswith("cannot be read: image ") for _, why in remains.left_out)


def test_a_folder_whose_labels_are_in_no_pixels_is_left_out(found, images):
    values = found.values.copy()
    values[:] = 0.25
    home = found.source.parent
    Image.new("RGB", (64, 48)).save(home / "img9.png")
    rows = [*found.images, "day2/img9.png"]
    labels = {row: np.array([[0.5, 0.25]]) for row in found.images} | {"day2/img9.png": np.array([[30.0, 20.0]])}
    places = {**found.images, "day2/img9.png": home / "img9.png"}
    remains = usable(found_of(found.source, "a table", "Ann", ["nose"], labels, places))
    assert list(remains.images) == rows[4:]
    assert remains.left_out[0].why == "has labels near 0, as if they were not in pixels"


def test_nothing_remains(found):
    for image in found.images.values():
        image.unlink()
    with pytest.raises(
        ToolboxError,
        match=r"t\.csv: none of 4 images can be used; the last one has no image in .*day1; if they",
    ):
        usable(found)


@pytest.mark.parametrize(
    "name", ["a:b/img1.png", ".git/img1.png", "day1/.img1.png", "day1/con\x07.png", "day1/img.png"]
)
def test_names_that_no_file_can_have_here(found, name):
    renamed = found.renamed({"day1/img0.png": name})
    assert name not in usable(renamed).images
