"""From pose tables to points in space: rows, weights, mirrors, and what is refused."""

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest

from dlc_common.fingerprints import fingerprint
from dlc_toolbox import ToolboxError
from dlc_toolbox.cameras.calibration_file import read_cameras, write_cameras
from dlc_toolbox.cameras.geometry import Camera
from dlc_toolbox.cameras.showing import show_trial
from dlc_toolbox.cameras.space import Points, pose_sigma, triangulate_trial
from dlc_toolbox.cameras.trials import Trial, find_trials
from dlc_toolbox.cameras.triangulate import COORDS
from dlc_toolbox.measure.confidence import fit_calibration
from dlc_toolbox.poses.network import Network, describe_poses
from dlc_toolbox.poses.trust import CONFIDENCE, Looked, Trust, calibration_file, write_calibration
from dlc_toolbox.project import layout, records
from dlc_toolbox.project.cameras import View
from dlc_toolbox.project.settings import AnalysisSettings
from dlc_toolbox.project.tables import bodyparts_of, make_table, points, read_table, write_table
from dlc_toolbox.video.video import Video
from tests.studio import make_cameras, middle_of

SIZE = (320, 240)
PARTS = ("nose", "paw")
MOMENTS = 12


@pytest.fixture
def cameras() -> list[Camera]:
    return make_cameras(3, size=SIZE)


@pytest.fixture
def paths(cameras) -> np.ndarray:
    return middle_of(cameras) + np.random.default_rng(0).uniform(-50, 50, (MOMENTS, 2, 3))


def settings(**changes) -> AnalysisSettings:
    views = changes.pop("cameras", tuple(View(name, f"*cam{name}") for name in "ABC"))
    plain = {"pcutoff": 0.5, "storedata_as_csv": True}
    return AnalysisSettings(scorer="Ann", Task="toy", date="Jan1", cameras=views, **(plain | changes))


@pytest.fixture
def network(tmp_path) -> Network:
    (tmp_path / "snapshot-9.weights.h5").write_bytes(b"weights")
    snapshot = SimpleNamespace(iteration=9, path=tmp_path / "snapshot-9.weights.h5")
    return Network("DeepCut_resnet50_toyJan1shuffle1_9", PARTS, tmp_path / "pose_cfg.yaml", snapshot, {})


@pytest.fixture
def pose(tmp_path, network, write_video):
    """``pose(name, places, likelihood=1)``: a video, and poses of `network` in it, (N, K, 2)."""

    def write(name, places, likelihood=1.0, fps=25, parts=PARTS, **known):
        video = tmp_path / f"{name}.avi"
        if not video.exists():
            write_video(video, [np.zeros((SIZE[1], SIZE[0], 3), np.uint8)] * len(places), rate=fps)
        values = np.concatenate([places, np.broadcast_to(likelihood, places.shape[:2])[..., None]], axis=2)
        table = layout.pose_table(video, network.scorer)
        write_table(make_table(network.scorer, parts, range(len(places)), values), table)
        made_from = describe_poses(video, network, None)
        facts = {"frames": len(places), "fps": fps, "fps_is_assumed": False, "width": SIZE[0], "height": SIZE[1]}
        records.Output(table.name, layout.pose_record(table), [table], made_from).write_record(**(facts | known))
        return video

    return write


@pytest.fixture
def solve(tmp_path, network, cameras):
    """``solve(videos, settings, views)``: the values of the table, (N, K, 7)."""
    rig = tmp_path / "rig.toml"
    write_cameras(cameras, rig, 0.1)

    def work(videos, chosen, views=()):
        (trial,) = find_trials(videos, chosen.cameras)
        table = triangulate_trial(trial, rig, read_cameras(rig), network, chosen, views)
        return points(read_table(table, COORDS), coords=COORDS)

    return work


@pytest.fixture
def videos(pose, cameras, paths):
    return [pose(f"x_cam{camera.name}", camera.project(paths)) for camera in cameras]


def test_rows_are_moments_and_what_is_missing_is_nan(pose, cameras, paths, solve, caplog):
    caplog.set_level("INFO")
    seen = [camera.project(paths) for camera in cameras]
    seen[0][4, 1] = seen[1][4, 1] = np.nan  # paw: by C alone
    late = np.concatenate([seen[1][:1], seen[1][:1], seen[1]])  # began two frames earlier
    begun = seen[2][3:]  # began three frames later
    videos = [pose("x_camA", seen[0]), pose("x_camB", late), pose("x_camC", begun[:-2])]
    found = solve(videos, settings(cameraoffsets=(("B", 2), ("C", -3))))
    assert found.shape == (MOMENTS, 2, 7)
    assert np.isnan(found[4, 1]).all()
    kept = np.isfinite(found[..., 0])
    assert kept.sum() == MOMENTS * 2 - 1
    np.testing.assert_allclose(found[..., :3][kept], paths[kept], atol=1e-5)
    views = found[..., COORDS.index("views")]
    assert views[:, 0].tolist() == [2, 2, 2, *[3] * 7, 2, 2]
    assert "different numbers of frames from the first moment on (A 12, B 12, C 10)" in caplog.text
    assert "x: 12 moments; 96 % of the points are found in space" in caplog.text


def test_unlikely_poses_are_not_seen(pose, cameras, paths, solve):
    likely = np.ones((MOMENTS, 2))
    likely[3, 0], likely[5, 1] = 0.4, 0.7
    videos = [pose(f"x_cam{camera.name}", camera.project(paths), likely) for camera in cameras]
    views = solve(videos, settings())[..., COORDS.index("views")]
    assert np.isnan(views[3, 0]) and views[5, 1] == 3
    views = solve(videos, settings(pcutoff=(0.3, 0.9)))[..., COORDS.index("views")]
    assert views[3, 0] == 3 and np.isnan(views[5, 1])


def test_sigmas_by_hand():
    poses = np.array([[[0, 0, 0.5], [0, 0, 1], [0, 0, 0.1]]], float)
    np.testing.assert_allclose(pose_sigma(poses, None, 0.2), [[2, 1, np.nan]])
    expected = np.array([[2.3548, np.nan, 1.1774]])  # 1.1774 = sqrt(2 ln 2); the third is not likely enough to count
    np.testing.assert_allclose(pose_sigma(poses, expected, 0.2), [[2, 1.5, np.nan]], rtol=1e-4)


def test_expected_errors_are_the_weights_where_they_are_known(pose, cameras, paths, solve, network):
    seen = [camera.project(paths) for camera in cameras]
    seen[0] += [3, -3]
    videos = [pose(f"x_cam{camera.name}", each) for camera, each in zip(cameras, seen, strict=True)]
    plain = np.linalg.norm(solve(videos, settings())[..., :3] - paths, axis=-1)
    for video, error_px in zip(videos, (30.0, 0.3, 0.3), strict=True):
        told = np.full((MOMENTS, 2, 4), np.nan)
        told[..., 0] = error_px
        table = layout.confidence_table(layout.pose_table(video, network.scorer))
        write_table(make_table(network.scorer, PARTS, range(MOMENTS), told, CONFIDENCE), table)
    weighted = np.linalg.norm(solve(videos, settings())[..., :3] - paths, axis=-1)
    assert weighted.max() < 0.01 * plain.min()
    told = make_table(network.scorer, PARTS, range(3), np.ones((3, 2, 4)), CONFIDENCE)
    write_table(told, layout.confidence_table(layout.pose_table(videos[1], network.scorer)))
    with pytest.raises(ToolboxError, match="has 3 rows, but the poses beside it have 12"):
        solve(videos, settings())


def test_expected_errors_of_an_earlier_evaluation_are_told(videos, solve, network, caplog):
    solve(videos, settings())
    assert "outdated" not in caplog.text
    errors = np.linspace(0.1, 1, 90).reshape(45, 2)
    trust = Trust(PARTS, fit_calibration(errors[..., None], errors))
    looked = Looked(fingerprint(network.snapshot.path))
    write_calibration(calibration_file(network.config_path.parent), trust, 9, looked, images=45, labels=90)
    solve(videos, settings())
    for video in videos:
        assert f"{video.name}: how far off its poses may be is missing or outdated" in caplog.text


def test_a_current_table_is_kept_and_its_record_tells_how_good_it_is(videos, solve, caplog, tmp_path):
    caplog.set_level("INFO")
    solve(videos, settings())
    (tmp_path / "x_3d.csv").unlink()
    solve(videos, settings())
    assert "x_3d.h5: skipped, it is current" in caplog.text
    assert (tmp_path / "x_3d.csv").exists()
    told = json.loads((tmp_path / "x_3d_meta.json").read_text())
    assert told["views_left_out"] == {"A": 0, "B": 0, "C": 0}
    assert told["parts"]["nose"]["found"] == 1 and told["parts"]["nose"]["doubtful"] == 0
    assert told["frames"] == MOMENTS and told["fps"] == 25
    solve(videos, settings(pcutoff=0.6))
    assert "because pcutoff changed" in caplog.text


def test_a_table_whose_record_was_not_written_is_not_that_of_the_record_before(videos, solve, monkeypatch):
    before = solve(videos, settings())
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(records.Output, "write_record", Mock(side_effect=KeyboardInterrupt))
        solve(videos, settings(cameraoffsets=(("B", 1),)))
    np.testing.assert_array_equal(solve(videos, settings()), before)


def test_a_rate_that_is_stated_later_is_that_of_table_page_and_clip(pose, cameras, paths, solve, network, tmp_path):
    seen = [camera.project(paths) for camera in cameras]
    for known in ({"fps_is_assumed": True}, {"fps_stated": 100, "fps": 100}):
        videos = {camera.name: pose(f"x_cam{camera.name}", each, **known)
                  for camera, each in zip(cameras, seen, strict=True)}  # fmt: skip
        solve(videos.values(), settings())
        show_trial(Trial("x", videos), tmp_path / "x_3d.h5", network, settings(), span_s=(0, 0.1))
    assert json.loads((tmp_path / "x_3d_meta.json").read_text())["fps"] == 100
    assert '"fps": 100' in (tmp_path / "x_3d.html").read_text()
    assert len(list(Video(tmp_path / "x_3d_0-0.1s_DeepLabCutlabeled.mp4"))) == 5  # 10 moments, every second shown
    pose("x_camB", seen[1], fps=50)
    with pytest.raises(ToolboxError, match="drift apart"):
        solve(videos.values(), settings())


def test_the_two_views_of_a_mirror(tmp_path, pose, cameras, paths, solve, network):
    """The upper half of a picture is a mirror: its camera is flipped, and has body parts of its own."""
    upper, lower = (0, SIZE[0], 0, SIZE[1]), (SIZE[0], 2 * SIZE[0], 0, SIZE[1])
    views = (View("A", "*", upper, mirrored=True), View("B", "*", lower))
    parts = ("nose_top", "nose_side", "paw_top", "paw_side")
    network = Network(network.scorer, parts, network.config_path, network.snapshot, {})
    top, side = cameras[0].project(paths), cameras[1].project(paths)
    top[..., 0] = SIZE[0] - 1 - top[..., 0]
    side[..., 0] += SIZE[0]
    poses = np.stack([top, side], axis=2).reshape(MOMENTS, 4, 2)
    (trial,) = find_trials([pose("mirror", poses, parts=parts)], views)
    chosen, points_in_views = settings(cameras=views, skeleton=(("nose_top", "paw_side"),)), (parts[:2], parts[2:])
    arguments = trial, tmp_path / "rig.toml", cameras, network, chosen
    table = triangulate_trial(*arguments, points_in_views)
    read = read_table(table, COORDS)
    assert table.name == "mirror_3d.h5" and bodyparts_of(read) == ["nose", "paw"]
    np.testing.assert_allclose(points(read, coords=COORDS[:3]), paths, atol=1e-5)
    assert Points.of(trial, parts, points_in_views).pairs(chosen.skeleton) == [(0, 1)]
    for wrong in ((), (parts[:3],)):
        with pytest.raises(ToolboxError, match=r"views in myconfig\.py must name for each point its 2 body parts"):
            triangulate_trial(*arguments, wrong)
    with pytest.raises(ToolboxError, match="views names ear_top, which the network does not know"):
        triangulate_trial(*arguments, (("ear_top", "nose_side"),))


def test_filtered_poses_are_wanted_first(videos, solve):
    with pytest.raises(
        ToolboxError, match=r"are wanted \(drawfiltered = True.* must be made first, with FilterPredictions"
    ):
        solve(videos, settings(drawfiltered=True))


def test_what_does_not_belong_together_is_refused(pose, cameras, paths, videos, solve, tmp_path, network):
    with pytest.raises(ToolboxError, match=r"rig\.toml does not describe camera D, only A, B, C: name the cameras"):
        solve(videos, settings(cameras=(View("A", "*camA"), View("D", "*camB"))))
    pose("y_camA", paths[..., :2])
    pose("y_camB", paths[..., :2], fps=50)
    out_of_step = [tmp_path / "y_camA.avi", tmp_path / "y_camB.avi"]
    with pytest.raises(ToolboxError, match=r"y: y_camA\.avi and y_camB\.avi drift apart .* 25 and 50 frames/s"):
        solve(out_of_step, settings())
    solve(out_of_step, settings(commontrigger=True))
    with pytest.raises(ToolboxError, match="drift apart"):
        solve(out_of_step, settings())


def test_a_camera_that_lost_a_frame_is_refused_whatever_its_rate(pose, paths, solve):
    videos = [pose("y_camA", paths[..., :2], frames_missing_after=[])]
    videos.append(pose("y_camB", paths[..., :2], fps=23, frames_missing_after=[[7, 1]]))
    with pytest.raises(
        ToolboxError, match="y: by its time stamps camera B lost 1 frames after its frame 7, where camera A"
    ):
        solve(videos, settings(cameras=(View("A", "*camA"), View("B", "*camB"))))


def test_a_camera_of_which_nobody_noted_whether_it_lost_frames_is_known_by_its_times(pose, paths, solve):
    times = [(n + 2 * (n > 5)) / 25 for n in range(MOMENTS)]
    videos = [pose("y_camA", paths[..., :2]), pose("y_camB", paths[..., :2], fps=25, frame_times_s=times)]
    with pytest.raises(ToolboxError, match=r"y: y_camA\.avi and y_camB\.avi drift apart .* by 2\.0 frames"):
        solve(videos, settings(cameras=(View("A", "*camA"), View("B", "*camB"))))
    pose("y_camB", paths[..., :2], frame_times_s=times[1:])
    with pytest.raises(ToolboxError, match=r"y_camB\.avi: the record of its poses \(_meta\.json\) is damaged"):
        solve(videos, settings(cameras=(View("A", "*camA"), View("B", "*camB"))))


def test_where_no_two_cameras_see_anything_it_is_said(pose, paths, solve, caplog):
    nowhere = np.full(paths[..., :2].shape, np.nan)
    found = solve([pose(f"x_cam{name}", nowhere) for name in "AB"], settings())
    assert found.shape == (MOMENTS, 2, 7) and np.isnan(found).all()
    assert "no body part is seen by two cameras at any moment (from pcutoff on)" in caplog.text


def test_a_calibration_of_other_cameras_is_said_to_be_the_reason(pose, paths, cameras, solve, tmp_path, caplog):
    """Two cameras in one place: their rays to a point are one, and meet nowhere."""
    write_cameras([cameras[0], replace(cameras[0], name="B")], tmp_path / "rig.toml", 0.1)
    two = settings(cameras=(View("A", "*camA"), View("B", "*camB")))
    assert np.isnan(solve([pose(f"x_cam{name}", cameras[0].project(paths)) for name in "AB"], two)).all()
    assert f"at the same moment {2 * MOMENTS} times, but never where one point in space would be" in caplog.text


def test_cameras_whose_names_were_swapped_are_asked_about(pose, paths, cameras, solve, caplog):
    noise = np.random.default_rng(0).normal(0, 1, (3, *paths[..., :2].shape))
    two = settings(cameras=(View("A", "*camA"), View("B", "*camB")))
    places = [camera.project(paths) + each for camera, each in zip(cameras, noise, strict=True)]
    seen = dict(zip("ABC", places, strict=True))
    solve([pose(f"x_cam{name}", seen[name]) for name in "AB"], two)
    assert "is much" not in caplog.text
    found = solve([pose(f"y_cam{name}", seen[other]) for name, other in ("AB", "BA")], two)
    assert np.isfinite(found[..., 0]).any()
    assert "px is much, so none of the points can be trusted: are the cameras those of the calibration" in caplog.text


def test_the_page_and_the_clip(videos, solve, tmp_path, network, caplog):
    caplog.set_level("INFO")
    solve(videos, settings())
    trial = Trial("x", {"A": videos[0], "B": videos[1], "C": videos[2]})
    chosen = settings(skeleton=(("nose", "paw"),))
    show_trial(trial, tmp_path / "x_3d.h5", network, chosen, span_s=(0.08, 0.2))
    page = (tmp_path / "x_3d.html").read_text()
    assert "x in space" in page and '"skeleton": [[0, 1]]' in page
    clip = Video(tmp_path / "x_3d_0.08-0.2s_DeepLabCutlabeled.mp4")
    assert [frame.shape for frame in clip] == [(640, 720, 3)] * 3
    assert clip.fps == 25
    before = (tmp_path / "x_3d.html").stat().st_mtime_ns
    show_trial(trial, tmp_path / "x_3d.h5", network, chosen)
    assert (tmp_path / "x_3d.html").stat().st_mtime_ns == before
    show_trial(trial, tmp_path / "x_3d.h5", network, settings(colormap="hsv"))
    assert "colormap and skeleton changed" in caplog.text
    with pytest.raises(ToolboxError, match=r"there is no moment from 5 to 6 s \(--clip\): the points end after 0.48 s"):
        show_trial(trial, tmp_path / "x_3d.h5", network, chosen, span_s=(5, 6))
    shutil.copy(tmp_path / "x_3d.html", tmp_path / "copy.html")  # it needs no other file
    assert "src=" not in page
