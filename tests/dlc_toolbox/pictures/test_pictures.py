import numpy as np
import pytest
from PIL import Image

from dlc_toolbox import ToolboxError
from dlc_toolbox.pictures.drawing import Look
from dlc_toolbox.pictures.pictures import draw_pictures, folder_and_image


def open_picture(path):
    return np.asarray(Image.open(path))


@pytest.mark.parametrize("row", ["img00.png", "../toy/img00.png", "/etc/img0.png", "../img0.png", "toy/..", 7])
def test_rows_must_be_folder_and_image(row):
    with pytest.raises(ToolboxError, match="must be '<video folder>/<image>'"):
        folder_and_image(row)


def test_pictures_of_jpg_images_are_png(tmp_path):
    Image.fromarray(np.full((9, 9, 3), 90, np.uint8)).save(tmp_path / "img1.jpg")
    look = Look(("nose",), np.array([[255, 0, 0]], np.uint8), [("+", "Ann")])
    assert draw_pictures(tmp_path / "out", {"img1.jpg.png": tmp_path / "img1.jpg"}, np.zeros((1, 1, 1, 2)), look) == []
    assert open_picture(tmp_path / "out" / "img1.jpg.png").shape == (9, 9, 3)
