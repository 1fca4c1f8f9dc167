"""Calibrate.py and Triangulate.py: from videos of a board and of dots, seen by known cameras, to the dots in space."""

import json

import av
import numpy as np
import pytest

from dlc_toolbox.cameras.calibration_file import read_cameras, write_cameras
from dlc_toolbox.cameras.triangulate import COORDS
from dlc_toolbox.project.tables import bodyparts_of, points, read_table
from dlc_toolbox.video.video import Video
from tests.scripts.conftest import set_analysis
from tests.studio import CHARUCO, board_motions, make_cameras, middle_of, photograph

ANALYZE, CALIBRATE, TRIANGULATE = (
    f"Analysis-tools/{name}.py" for name in ("AnalyzeVideos", "Calibrate", "Triangulate")
)
BOARD = {"columns": 7, "rows": 5, "squarelength": 20, "markerlength": 15, "dictionary": "DICT_4X4_50"}
MOMENTS = 20


@pytest.fixture
def cameras():
    return make_cameras(2, size=(320, 240), step=60)


@pytest.fixture
def paths(cameras):
    """Where the toy's three parts are in space: (20 moments, 3, 3)."""
    turn = 2 * np.pi * (np.arange(MOMENTS)[:, None] / MOMENTS + np.arange(3) / 3)
    return middle_of(cameras) + 50 * np.stack([np.cos(turn), 0.6 * np.sin(turn), 0.8 * np.sin(turn + 1)], axis=-1)


@pytest.fixture
def project(trained_project, cameras, paths, draw_dots, write_video):
    """The toy project with a trial, seen by two cameras, of which B began three frames earlier."""
    (trained_project / "videos" / "toy.avi").unlink()
    for camera, early in zip(cameras, (0, 3), strict=True):
        seen = camera.project(paths)
        frames = [draw_dots(each, size=(240, 320)) for each in np.concatenate([seen[:1]] * early + [seen])]
        write_video(trained_project / "videos" / f"mon_cam{camera.name}_x.avi", frames)
    set_analysis(
        trained_project,
        cameras={"A": "*camA*", "B": "*camB*"},
        cameraoffsets={"B": 3},
        calibrationboard=BOARD,
        pcutoff=0.5,
        skeleton=[["nose", "paw"]],
    )
    return trained_project


def test_points_are_where_they_are(run, project, cameras, paths):
    folder = project / "videos" / "calibration"
    write_cameras(cameras, folder / "calibration.toml", 0.1)
    assert run(ANALYZE)[0] == 0
    code, output = run(TRIANGULATE, "--clip", "0", "0.4")
    assert code == 0, output
    assert "mon_x: 20 moments; 100 % of the points are found in space" in output
    table = read_table(project / "videos" / "mon_x_3d.h5", COORDS)
    found = points(table, coords=COORDS)
    assert bodyparts_of(table) == ["nose", "paw", "tail"]
    assert found.shape == (20, 3, 7)
    np.testing.assert_allclose(found[..., :3], paths, atol=0.2)  # dots are found to a twentieth of a pixel
    assert (found[..., COORDS.index("views")] == 2).all()
    assert found[..., COORDS.index("error_px")].max() < 0.2
    assert len(read_table(project / "videos" / "mon_x_3d.csv", COORDS)) == 20
    record = json.loads((project / "videos" / "mon_x_3d_meta.json").read_text())
    assert record["fps"] == 25 and record["parts"]["paw"]["found"] == 1
    assert len(list(Video(project / "videos" / "mon_x_3d_0-0.4s_DeepLabCutlabeled.mp4"))) == 10
    assert "mon_x in space" in (project / "videos" / "mon_x_3d.html").read_text()

    code, output = run(TRIANGULATE, "--clip", "0", "0.4")
    assert code == 0
    assert output.count(": skipped, it is current") == 3
    set_analysis(project, cameraoffsets={"B": 2})  # a frame wrong: the views contradict each other
    code, output = run(TRIANGULATE)
    assert code == 0
    assert "cameraoffsets changed" in output
    wrong = points(read_table(project / "videos" / "mon_x_3d.h5", COORDS), coords=COORDS)
    assert np.nanmedian(wrong[..., COORDS.index("error_px")]) > 10 * np.median(found[..., COORDS.index("error_px")])


@pytest.mark.slow
def test_a_board_calibrates_the_cameras(run, project, write_video):
    cameras, folder = make_cameras(2, step=45), project / "videos" / "calibration"
    motions = board_motions(CHARUCO, cameras, 20, seed=3)
    for camera, early in zip(cameras, (0, 3), strict=True):
        frames = [photograph(camera, CHARUCO, *motion) for motion in motions[:1] * early + motions]
        write_video(folder / f"board_cam{camera.name}.avi", frames)
    code, output = run(CALIBRATE)
    assert code == 0, output
    assert "Camera B: reprojection error 0." in output
    assert "Triangulate.py" in output.splitlines()[-1]
    found = read_cameras(folder / "calibration.toml")
    assert [camera.name for camera in found] == ["A", "B"]
    for camera, true in zip(found, cameras, strict=True):
        np.testing.assert_allclose(camera.matrix[[0, 1], [0, 1]], true.matrix[[0, 1], [0, 1]], rtol=0.005)
    distance, true = (np.linalg.norm(pair[1].place - pair[0].place) for pair in (found, cameras))
    assert distance == pytest.approx(true, rel=0.005)
    told = json.loads((folder / "calibration_meta.json").read_text())
    assert told["held_out_lengths"]["mean"] == pytest.approx(1, abs=0.005)
    assert (folder / "calibration.png").stat().st_size > 10_000

    code, output = run(CALIBRATE)
    assert code == 0
    assert "calibration.toml: skipped, it is current" in output
    ours = (folder / "calibration.toml").read_bytes()
    write_cameras(cameras, folder / "calibration.toml", 0.1)  # in the place of ours
    assert run(CALIBRATE)[0] == run(CALIBRATE, "--square", "40", "--marker", "30")[0] == 1
    np.testing.assert_array_equal(read_cameras(folder / "calibration.toml")[1].matrix, cameras[1].matrix)
    (folder / "calibration.toml").write_bytes(ours)
    code, output = run(CALIBRATE, "--square", "40", "--marker", "30")
    assert code == 0
    assert "because board changed" in output
    twice = read_cameras(folder / "calibration.toml")
    assert np.linalg.norm(twice[1].place) == pytest.approx(2 * distance, rel=1e-6)
    set_analysis(project, cameras={"A": "*camA*", "B": {"pattern": "*camB*", "mirrored": True}})
    code, output = run(TRIANGULATE)
    assert code == 1
    assert "camera B was calibrated with crop None and mirrored False, but the settings now say" in output


def test_a_calibration_goes_by_how_videos_are_read(run, project, cameras):
    """Each file holds two videos, of which the second is smaller."""
    folder = project / "videos" / "calibration"
    folder.mkdir()
    motions = board_motions(CHARUCO, cameras, 12)
    for camera in cameras:
        with av.open(str(folder / f"board_cam{camera.name}.mkv"), "w") as container:
            streams = [container.add_stream("ffv1", rate=25, width=w, height=h) for w, h in ((320, 240), (304, 228))]
            for motion in motions:
                frame = av.VideoFrame.from_ndarray(photograph(camera, CHARUCO, *motion))
                for stream in streams:
                    container.mux(stream.encode(frame.reformat(stream.width, stream.height, stream.pix_fmt)))
            for stream in streams:
                container.mux(stream.encode())
    set_analysis(project, cameraoffsets={}, videotype=".mkv")
    assert run(CALIBRATE)[0] == 0
    assert read_cameras(folder / "calibration.toml")[0].size == (320, 240)
    set_analysis(project, videostream=1)
    code, output = run(CALIBRATE)
    assert code == 0, output
    assert "calibration.toml: being made, because videostream changed" in output
    assert read_cameras(folder / "calibration.toml")[0].size == (304, 228)
    set_analysis(project, fps=25)
    assert "calibration.toml: being made, because fps changed" in run(CALIBRATE)[1]


def test_what_is_missing_is_said(run, project, cameras):
    code, output = run(TRIANGULATE)
    assert code == 1
    assert "calibration.toml does not exist: calibrate the cameras first, with Calibrate.py" in output
    code, output = run(CALIBRATE)
    assert code == 1
    assert "calibration does not exist. Put the videos of the board there, or set calibrationfolder" in output
    write_cameras(cameras, project / "videos" / "calibration" / "calibration.toml", 0.1)
    code, output = run(TRIANGULATE)
    assert code == 1
    assert "Analyze the video first, with AnalyzeVideos.py" in output
    assert "1 of 1 trials could not be done, see above: mon_x" in output
    set_analysis(project, calibrationboard=None)
    code, output = run(CALIBRATE, project / "videos")
    assert code == 1
    assert "what board was used? Describe it in myconfig_analysis.py" in output
    code, output = run(CALIBRATE, project / "videos", "--squares", "7", "5", "--square", "20", "--marker", "15")
    assert code == 1
    assert "markerlength and dictionary are said both (ChArUco) or neither (chessboard)" in output
    set_analysis(project, cameras={})
    code, output = run(TRIANGULATE)
    assert code == 1
    assert "cameraoffsets names B, which cameras does not" in output


def test_a_calibration_made_elsewhere_is_not_replaced(run, project, cameras):
    path = project / "videos" / "calibration.toml"
    write_cameras(cameras, path, 0.1)
    before = path.read_text()
    code, output = run(CALIBRATE, project / "videos")
    assert code == 1
    assert "was not made here, or changed since. To use it, go on with Triangulate.py" in output
    assert path.read_text() == before


def test_a_camera_that_records_otherwise_than_it_was_calibrated(run, project):
    assert run(ANALYZE)[0] == 0
    write_cameras(make_cameras(2), project / "rig.toml", 0.1)
    code, output = run(TRIANGULATE, "--calibration", project / "rig.toml")
    assert code == 1
    assert "mon_camA_x.avi shows 320 x 240 pixels, but camera A was calibrated with 560 x 420" in output
