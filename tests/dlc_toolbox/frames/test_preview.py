from pathlib import Path

import numpy as np
import pytest

from dlc_common import UsersError
from dlc_common.images import read_image, write_image
from dlc_toolbox.frames.preview import write_choice_sheet, write_crop_preview


@pytest.mark.parametrize("cropping", [True, False])
def test_the_preview_shows_what_is_kept(tmp_path: Path, write_video, cropping: bool):
    path = write_video(tmp_path / "a.avi", [np.full((100, 200, 3), (240, 210, 30), np.uint8)])
    write_crop_preview([path], (50, 150, 20, 80), cropping, tmp_path / "p.png")
    picture = read_image(tmp_path / "p.png")
    kept, cut = ((picture == color).all(axis=2) for color in ((240, 210, 30), (80, 70, 10)))
    red = (picture[..., 0] > 200) & (picture[..., 1:] < 60).all(axis=2)
    assert red.any()
    rows, columns = np.nonzero(red)
    inside = np.zeros_like(red)
    inside[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = True
    assert not (cut & inside).any()
    shown = kept | cut
    share = (shown & inside).sum() / shown.sum()
    assert share == pytest.approx(0.3, abs=0.02), "the crop is 100 x 60 of 200 x 100 pixels"
    assert cut.any() == cropping
    assert (kept & ~inside).any() != cropping


def test_the_preview_shows_every_video_and_a_crop_that_does_not_fit(tmp_path: Path, write_video):
    paths = [write_video(tmp_path / f"{n}.avi", [np.full((64, 64, 3), 250 - n, np.uint8)]) for n in range(4)]
    write_crop_preview(paths, (0, 640, 0, 480), False, tmp_path / "p.png")
    picture = read_image(tmp_path / "p.png")
    assert all((picture == 250 - n).all(axis=2).sum() > 10_000 for n in range(4))


def test_a_crop_without_end_is_drawn(tmp_path: Path, write_video):
    path = write_video(tmp_path / "a.avi", [np.full((64, 64, 3), 250, np.uint8)])
    write_crop_preview([path], (0, 10**400, 0, 32), True, tmp_path / "p.png")
    assert (read_image(tmp_path / "p.png") == 250 // 3).all(axis=2).sum() > 10_000


def test_the_page_of_a_choice_shows_every_image_small_with_its_name(tmp_path: Path):
    images = {}
    for number in range(3):
        images[tmp_path / f"img{number}.png"] = number / 3
        write_image(tmp_path / f"img{number}.png", np.full((60, 800, 3), 200 - 50 * number, np.uint8))
    write_choice_sheet(images, tmp_path / "chosen.png")
    page = read_image(tmp_path / "chosen.png")
    for number in range(3):
        assert (page == 200 - 50 * number).all(axis=2).sum() == pytest.approx(400 * 30, abs=20)
    rows = np.nonzero((page == 200).all(axis=2).sum(axis=1) == 400)[0]
    below = page[rows[-1] + 1 : rows[-1] + 20]
    assert (below < 100).any(), "the name"
    assert (page[-5:] == 255).all(), "no legend"


def test_all_videos_that_cannot_be_read_are_named(tmp_path: Path, write_video):
    sound = write_video(tmp_path / "sound.avi", [np.full((100, 200, 3), 90, np.uint8)])
    for name in ("a.avi", "b.avi"):
        (tmp_path / name).write_bytes(b"nonsense" * 50)
    with pytest.raises(UsersError, match=r"^2 problems: .*a\.avi cannot be read as a video.*b\.avi cannot be read"):
        write_crop_preview([tmp_path / "a.avi", sound, tmp_path / "b.avi"], (0, 9, 0, 9), True, tmp_path / "p.png")
