"""Plots and summary of a video's poses: from the right table, at the right times, current ones kept."""

import json

import numpy as np
import pandas as pd
import pytest

from dlc_common.images import read_image
from dlc_toolbox import ToolboxError
from dlc_toolbox.poses import trajectories
from dlc_toolbox.poses.filter import filter_poses
from dlc_toolbox.poses.trajectories import plot_trajectories
from dlc_toolbox.project import layout
from dlc_toolbox.project.settings import AnalysisSettings

FILES = ["paths.png", "pictures.json", "steps.png", "summary_per_part.csv", "x_y_likelihood.png"]


def settings(**changes) -> AnalysisSettings:
    return AnalysisSettings(scorer="Ann", Task="toy", date="Jan1", **changes)


def test_the_folder_beside_the_video(video, network, analyzed, toy_poses, caplog):
    caplog.set_level("INFO")
    toy_poses[4, 0, :2] += 40
    toy_poses[9:12, 1, 2] = 0.05
    table = analyzed(video, toy_poses)
    folder = plot_trajectories(video, network, settings())
    assert folder == video.parent / f"{table.stem}_trajectories"
    assert sorted(path.name for path in folder.iterdir()) == FILES
    rows = pd.read_csv(folder / "summary_per_part.csv").set_index("bodypart")
    assert list(rows.index) == ["nose", "paw", "tail"]
    assert rows["jumps"].tolist() == [2, 0, 0]
    assert rows["longest_gap_frames"].tolist() == [0, 3, 0]
    assert rows["share_above_pcutoff"].tolist() == pytest.approx([1, 0.9, 1])
    assert "30 frames, 1.2 s" in caplog.text
    assert all(part in caplog.records[-2].getMessage() for part in rows.index)
    for name in ("paths", "steps", "x_y_likelihood"):
        assert read_image(folder / f"{name}.png").std() > 5


def test_times_are_those_of_the_record(video, network, analyzed, toy_poses, monkeypatch):
    record = layout.pose_record(analyzed(video, toy_poses))
    seen = []
    monkeypatch.setattr(trajectories.plots, "plot_time_courses", lambda poses, times, *rest: seen.append(times))
    monkeypatch.setattr(trajectories.plots, "write_plot", lambda figure, path: path.parent.mkdir(exist_ok=True))
    plot_trajectories(video, network, settings())
    np.testing.assert_allclose(seen.pop(), np.arange(30) / 25)
    content = json.loads(record.read_text())
    varying = (np.arange(30) ** 2 / 100).tolist()
    record.write_text(json.dumps({**content, "frame_times_s": varying}))
    plot_trajectories(video, network, settings(), overwrite=True)
    assert seen.pop().tolist() == varying


def test_where_the_rate_is_assumed_the_axis_counts_frames(video, network, analyzed, toy_poses, monkeypatch, caplog):
    caplog.set_level("INFO")
    record = layout.pose_record(analyzed(video, toy_poses))
    record.write_text(json.dumps({**json.loads(record.read_text()), "fps_is_assumed": True}))
    seen = []
    monkeypatch.setattr(trajectories.plots, "plot_time_courses", lambda poses, times, *rest: seen.append((times, rest)))
    monkeypatch.setattr(trajectories.plots, "write_plot", lambda figure, path: path.parent.mkdir(exist_ok=True))
    plot_trajectories(video, network, settings())
    times, (*_, name, _) = seen.pop()
    assert (times.tolist(), name) == (list(range(30)), "Frame")
    assert "30 frames:" in caplog.text, "no seconds"


def test_what_is_current_is_kept(video, network, analyzed, toy_poses, caplog, monkeypatch):
    caplog.set_level("INFO")
    analyzed(video, toy_poses)
    folder = plot_trajectories(video, network, settings())
    with monkeypatch.context() as patch:
        patch.setattr(trajectories, "plots", None)
        assert plot_trajectories(video, network, settings()) == folder
    assert "_trajectories: skipped, it is current" in caplog.records[-1].getMessage()
    plot_trajectories(video, network, settings(jumpthreshold=3))
    assert "_trajectories: being made, because jumpthreshold changed" in caplog.text
    assert pd.read_csv(folder / "summary_per_part.csv")["jumps"].tolist() == [29, 29, 29]


def test_filtered_poses_have_a_folder_of_their_own(video, network, analyzed, toy_poses):
    toy_poses[4, 0, :2] += 40
    analyzed(video, toy_poses)
    wanted = settings(drawfiltered=True)
    with pytest.raises(ToolboxError, match="FilterPredictions"):
        plot_trajectories(video, network, wanted)
    filter_poses(video, network, wanted)
    folder = plot_trajectories(video, network, wanted)
    assert folder.name.endswith("_100_filtered_trajectories")
    assert pd.read_csv(folder / "summary_per_part.csv")["jumps"].tolist() == [0, 0, 0]


def test_the_radius_is_plotted_where_it_is_wanted_and_known(video, network, analyzed, toy_poses, monkeypatch, know):
    seen = []
    monkeypatch.setattr(trajectories.plots, "plot_time_courses", lambda *given: seen.append(given[-1]))
    monkeypatch.setattr(trajectories.plots, "write_plot", lambda figure, path: path.parent.mkdir(exist_ok=True))
    analyzed(video, toy_poses)
    radius = know()
    plot_trajectories(video, network, settings(), overwrite=True)
    plot_trajectories(video, network, settings(drawradius=True), overwrite=True)
    assert seen[0] is None
    np.testing.assert_array_equal(seen[1], radius)
