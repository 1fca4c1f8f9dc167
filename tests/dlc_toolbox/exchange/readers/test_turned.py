import numpy as np
import pytest
from PIL import Image, ImageOps

from dlc_toolbox.exchange.readers.usable import usable

_ORIENTATION = 274  # the tag of EXIF


@pytest.fixture
def photo(tmp_path):
    """``photo(number, size)``: a dot in a photo that EXIF says to turn, where viewers show it, and their size of it."""

    def write(number, size=(40, 30)):
        image = Image.new("RGB", size)
        image.putpixel((9, 4), (255, 255, 255))
        exif = image.getexif()
        exif[_ORIENTATION] = number
        path = tmp_path / "set" / "img1.png"
        path.parent.mkdir(exist_ok=True)
        image.save(path, exif=exif)
        with Image.open(path) as saved:
            shown = np.asarray(ImageOps.exif_transpose(saved))[..., 0]
        (y,), (x,) = np.nonzero(shown)
        return path.parent, (int(x), int(y)), shown.shape[::-1]

    return write


@pytest.fixture
def label_studio(write_json):
    """A task of Label Studio: a keypoint on a pixel of an image of some size."""

    def write(home, place, size):
        (x, y), (width, height) = place, size
        value = {"x": (x + 0.5) / width * 100, "y": (y + 0.5) / height * 100, "keypointlabels": ["nose"]}
        result = {"type": "keypointlabels", "original_width": width, "original_height": height, "value": value}
        task = {"id": 1, "data": {"image": "img1.png"}, "annotations": [{"result": [result]}]}
        return write_json(home / "export.json", [task])

    return write


@pytest.fixture
def coco(write_json):
    def write(home, place, size):
        image = {"id": 1, "file_name": "img1.png", "width": size[0], "height": size[1]}
        label = {"id": 1, "image_id": 1, "category_id": 1, "keypoints": [*place, 2]}
        category = {"id": 1, "name": "mouse", "keypoints": ["nose"]}
        return write_json(home / "a.json", {"images": [image], "annotations": [label], "categories": [category]})

    return write


@pytest.mark.parametrize("size", [(40, 30), (40, 40)], ids=["wide", "square"])
@pytest.mark.parametrize("number", range(1, 9))
def test_label_studio_labels_what_a_browser_shows(read, photo, label_studio, number, size):
    home, shown, shown_size = photo(number, size)
    found = usable(read(label_studio(home, shown, shown_size)))
    np.testing.assert_allclose(found.values, [[[9, 4]]], atol=1e-9)
    assert any("were labeled as viewers show them" in remark for remark in found.remarks) == (number != 1)


def test_a_browser_that_did_not_turn_an_image_is_known_by_its_size(read, photo, label_studio):
    home, _, _ = photo(6)
    found = usable(read(label_studio(home, (9, 4), (40, 30))))
    np.testing.assert_allclose(found.values, [[[9, 4]]], atol=1e-9)
    assert not any("EXIF" in remark for remark in found.remarks)


def test_where_no_size_tells_a_person_looks(read, photo, coco):
    home, shown, shown_size = photo(6)
    np.testing.assert_array_equal(usable(read(coco(home, shown, shown_size))).values, [[[9, 4]]])
    home, shown, shown_size = photo(3)
    found = usable(read(coco(home, shown, shown_size)))
    np.testing.assert_array_equal(found.values, [[shown]])
    assert found.remarks == (
        "1 images are marked to be turned (EXIF), and nothing tells whether they were labeled so. x and y are taken as "
        "those of the stored image; see in Step 3 whether they are: set/img1.png",
    )
