"""Boards in videos: of the same moments, in mirrors, and in files that do not belong together."""

from fractions import Fraction

import av
import numpy as np
import pytest

from dlc_toolbox import ToolboxError
from dlc_toolbox.cameras import watching
from dlc_toolbox.cameras.boards import corner_places
from dlc_toolbox.cameras.trials import find_trials
from dlc_toolbox.cameras.watching import watch_boards
from dlc_toolbox.project.cameras import View
from tests.studio import CHARUCO, board_motions, make_cameras, photograph

PAIR = (View("A", "*camA"), View("B", "*camB"))


@pytest.fixture(scope="module")
def cameras():
    return make_cameras(2, step=30)


@pytest.fixture(scope="module")
def motions(cameras):
    return board_motions(CHARUCO, cameras, 6, seed=1)


@pytest.fixture(scope="module")
def pictures(cameras, motions):
    """What each camera sees: (2, 6) pictures."""
    return [[photograph(camera, CHARUCO, *motion) for motion in motions] for camera in cameras]


def farthest_off(corners, number, cameras, motions, moments) -> float:
    """How far corners are at most from where a camera sees them, if `moments` are those of the motions."""
    mine = corners.some(corners.camera == number)
    off = []
    for moment, (turn, move) in zip(moments, motions, strict=True):
        at = mine.some(mine.moment == moment)
        off += [at.seen - cameras[number].project(corner_places(CHARUCO)[at.corner] @ turn.T + move)]
    return float(np.hypot(*np.concatenate(off).T).max())


def test_moments_are_the_same_in_all_videos(tmp_path, write_video, cameras, motions, pictures, caplog):
    dark = np.zeros_like(pictures[0][0])
    videos = [
        write_video(tmp_path / "x_camA.avi", pictures[0]),
        write_video(tmp_path / "x_camB.avi", [dark, dark, *pictures[1]]),
    ]
    corners, sizes = watch_boards(find_trials(videos, PAIR), PAIR, {"B": 2}, CHARUCO)
    assert sizes == [(560, 420)] * 2
    assert "different numbers of frames" not in caplog.text, "both have 6 from the first moment on"
    assert set(corners.moment.tolist()) <= set(range(6))
    for number in (0, 1):
        assert len(set(corners.moment[corners.camera == number])) >= 4
        assert (
            farthest_off(corners, number, cameras, motions, range(6)) < 2
        )  # from one moment to the next they move by tens of pixels


def test_a_board_in_a_mirror_is_found_when_it_is_flipped(tmp_path, write_video, cameras, motions, pictures, caplog):
    beside = [np.hstack([a[:, ::-1], b]) for a, b in zip(*pictures, strict=True)]
    video = write_video(tmp_path / "x.avi", beside)
    views = (View("A", "*", (0, 560, 0, 420), mirrored=True), View("B", "*", (560, 1120, 0, 420)))
    corners, sizes = watch_boards(find_trials([video], views), views, {}, CHARUCO)
    assert sizes == [(560, 420)] * 2
    for number in (0, 1):
        assert len(set(corners.moment[corners.camera == number])) >= 4
        assert (
            farthest_off(corners, number, cameras, motions, range(6)) < 2
        )  # from one moment to the next they move by tens of pixels
    unflipped = (View("A", "*", (0, 560, 0, 420)), views[1])
    corners, _ = watch_boards(find_trials([video], unflipped), unflipped, {}, CHARUCO)
    assert (corners.camera == 1).all()
    assert caplog.messages == [
        "camera A does not see the board as it is described, but it is seen with 'mirrored': True in cameras"
    ]


def test_of_long_videos_some_frames_are_looked_at(tmp_path, write_video, pictures, monkeypatch):
    monkeypatch.setattr(watching, "MOST_MOMENTS", 4)
    videos = [
        write_video(tmp_path / f"{day}_cam{name}.avi", each)
        for day in ("mon", "tue")
        for name, each in zip("AB", pictures, strict=True)
    ]
    corners, _ = watch_boards(find_trials(videos, PAIR), PAIR, {}, CHARUCO)
    assert set(corners.moment % 10**9) <= {0, 3}
    assert set(corners.moment // 10**9) == {0, 1}


def test_videos_that_do_not_belong_together(tmp_path, write_video, pictures):
    small = [np.zeros((60, 80, 3), np.uint8)] * 2
    videos = [write_video(tmp_path / f"mon_cam{name}.avi", small) for name in "AB"]
    videos += [write_video(tmp_path / f"tue_cam{name}.avi", pictures[0][:2]) for name in "AB"]
    with pytest.raises(
        ToolboxError, match=r"tue_camA\.avi shows 560 x 420 pixels, but other videos of camera A 80 x 60"
    ):
        watch_boards(find_trials(videos, PAIR), PAIR, {}, CHARUCO)
    three = (*PAIR, View("C", "*camC"))
    with pytest.raises(ToolboxError, match="there is no video of the board by camera C"):
        watch_boards(find_trials(videos[:2], three), three, {}, CHARUCO)
    wed = [write_video(tmp_path / f"wed_cam{name}.avi", small * 10, rate) for name, rate in (("A", 30), ("B", 25))]
    with pytest.raises(ToolboxError, match=r"wed: wed_camA\.avi and wed_camB\.avi drift apart .* 30 and 25 frames/s"):
        watch_boards(find_trials(wed, PAIR), PAIR, {}, CHARUCO)
    watch_boards(find_trials(wed, PAIR), PAIR, {}, CHARUCO, commontrigger=True)


def test_different_numbers_of_frames_are_told(tmp_path, write_video, pictures, caplog):
    videos = [write_video(tmp_path / f"x_cam{name}.avi", pictures[0][:n]) for name, n in (("A", 2), ("B", 4))]
    watch_boards(find_trials(videos, PAIR), PAIR, {"B": 1}, CHARUCO)
    assert "x: the cameras have different numbers of frames from the first moment on (A 2, B 3)" in caplog.text


def test_a_camera_that_lost_frames_where_the_other_did_not_is_refused(tmp_path, write_video, pictures, monkeypatch):
    monkeypatch.setattr(watching, "MOST_MOMENTS", 3)
    videos = [write_video(tmp_path / "x_camA.avi", pictures[0] * 5), tmp_path / "x_camB.mkv"]
    times = [40 * number for number in range(30) if number not in (5, 6)]
    with av.open(str(videos[1]), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.height, stream.width = pictures[1][0].shape[:2]
        stream.pix_fmt, stream.codec_context.time_base = "bgr0", Fraction(1, 1000)
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(pictures[1][number % 6]).reformat(format="bgr0")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(ToolboxError, match="x: by its time stamps camera B lost 2 frames after its frame 4, where"):
        watch_boards(find_trials(videos, PAIR), PAIR, {}, CHARUCO)
