import warnings

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from dlc_toolbox.pictures.drawing import Look, make_look
from dlc_toolbox.pictures.palette import part_colors
from dlc_toolbox.pictures.plots import (
    plot_cumulative_errors,
    plot_error_by_iteration,
    plot_likelihood,
    plot_part_errors,
    plot_paths,
    plot_steps,
    plot_time_courses,
    write_plot,
)

NAMES = ("_a", "$b", "ear")
LOOK = Look(NAMES, part_colors("hsv", 3), [])
ERRORS = np.array([[1.0, 4.0, np.nan], [3.0, np.nan, np.nan], [9.0, 0.01, np.nan]])
IS_TRAIN = np.array([True, True, False])


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_bars_are_the_means_of_both_sets_in_the_settings_order():
    (axes,) = plot_part_errors(ERRORS, IS_TRAIN, LOOK).axes
    bars = {(round(bar.get_y() + bar.get_height() / 2, 1)): bar.get_width() for bar in axes.patches}
    assert bars == {-0.2: 2.0, 0.2: 9.0, 0.8: 4.0, 1.2: 0.01}
    assert tuple(label.get_text() for label in axes.get_yticklabels()) == NAMES
    assert axes.yaxis_inverted()
    np.testing.assert_allclose(axes.patches[2].get_facecolor()[:3], LOOK.colors[1] / 255)
    medians = [line.get_xdata()[0] for line in axes.lines]
    assert medians == [2.0, 9.0, 4.0, 0.01]


def test_cumulative_curves_reach_one_and_small_errors_stay_on_the_axis():
    figure = plot_cumulative_errors(ERRORS, IS_TRAIN, LOOK)
    (axes,) = figure.axes
    curves = [(sorted(line.get_xdata()[1:]), line.get_ydata()[-1]) for line in axes.lines]
    assert curves == [([0.1, 9], 1), ([1, 3, 4], 1), ([9], 1), ([0.1], 1)]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["all, test images", "all, training images", "_a", "$b"]


def test_a_narrow_range_of_errors_has_plain_numbers_at_its_ticks():
    errors = np.array([[2.5, 3.5], [4.5, 3.0], [2.6, 4.4]])
    figure = plot_cumulative_errors(errors, np.array([True, False, False]), Look(["a", "b"], part_colors("hsv", 2), []))
    figure.draw_without_rendering()
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels(which="minor")]
    assert {"3", "4"} <= set(labels) and not any("$" in label for label in labels)


def test_likelihood_plot_has_every_pair_and_the_cutoff():
    likelihoods = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6], [0.7, 0.8, 0.9]])
    (axes,) = plot_likelihood(ERRORS, likelihoods, IS_TRAIN, 0.25, LOOK).axes
    drawn = np.ma.concatenate([points.get_offsets() for points in axes.collections])
    drawn = drawn[~np.ma.getmaskarray(drawn).any(axis=1)].tolist()
    assert sorted(drawn) == [[0.1, 1], [0.2, 4], [0.4, 3], [0.7, 9], [0.8, 0.1]]
    assert axes.lines[0].get_xdata()[0] == 0.25


def test_iterations_are_drawn_in_their_order():
    rows = pd.DataFrame({"iteration": [300, 100]})
    for column, values in (
        ("train_mean", (1, 2)),
        ("train_median", (3, 4)),
        ("test_mean", (5, 6)),
        ("test_median", (7, 8)),
    ):
        rows[f"{column}_error_px"] = values
    (axes,) = plot_error_by_iteration(rows).axes
    found = {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines}
    assert found["train, mean"] == ([100, 300], [2, 1])
    assert found["test, median"] == ([100, 300], [8, 7])


def poses_of_three() -> np.ndarray:
    """(5, 3, 3): the third part is never sure, the first not in frame 2; frame 4 is lost."""
    rows, parts = np.arange(5.0)[:, None], np.arange(3.0)
    poses = np.stack([10 * parts + rows, 20 * parts - rows, np.full((5, 3), [0.9, 0.8, 0.1])], axis=-1)
    poses[2, 0, 2] = 0.4
    poses[4] = np.nan
    return poses


def test_time_courses_show_seen_places_and_all_likelihoods_one_row_a_part():
    times = np.array([0.0, 0.04, 0.08, 0.2, 1.0])
    figure = plot_time_courses(poses_of_three(), times, 0.5, LOOK)
    rows = np.reshape(figure.axes, (3, 3))
    assert [row[0].get_ylabel() for row in rows] == list(NAMES)
    expected = {
        (0, 0): [0, 1, np.nan, 3, np.nan],
        (0, 1): [0, -1, np.nan, -3, np.nan],
        (1, 0): [10, 11, 12, 13, np.nan],
    }
    for place, values in expected.items():
        np.testing.assert_array_equal(rows[place].lines[0].get_xdata(), times)
        np.testing.assert_array_equal(rows[place].lines[0].get_ydata(), values)
    assert all(np.isnan(axes.lines[0].get_ydata()).all() for axes in rows[2, :2]), "never seen"
    np.testing.assert_array_equal(rows[2, 2].lines[0].get_ydata(), [0.1] * 4 + [np.nan])
    for row, color in zip(rows, LOOK.colors / 255, strict=True):
        assert len({axes.get_xlim() for axes in rows.ravel()}) == 1, "one time axis"
        assert [axes.yaxis_inverted() for axes in row] == [False, True, False]
        np.testing.assert_allclose([axes.lines[0].get_color() for axes in row], [color] * 3)
        assert row[2].lines[1].get_ydata()[0] == 0.5
    assert [axes.get_xlabel() for axes in rows[-1]] == ["Time (s)"] * 3
    assert rows[0, 0].get_xlabel() == ""


def test_the_radius_is_a_band_about_x_and_y_where_it_is_known():
    radius = np.full((5, 3), 2.0)
    radius[1, 0] = np.nan
    figure = plot_time_courses(poses_of_three(), np.arange(5.0), 0.5, LOOK, radius_px=radius)
    rows = np.reshape(figure.axes, (3, 3))
    (path,) = rows[1, 0].collections[0].get_paths()  # the second part: 10, 11, 12, 13, and then nothing
    x, y = path.vertices.T
    assert (x.min(), x.max(), y.min(), y.max()) == (0, 3, 8, 15)
    assert {(0, 8), (0, 12), (3, 11), (3, 15)} <= set(map(tuple, path.vertices.tolist()))
    np.testing.assert_allclose(rows[1, 0].collections[0].get_facecolor()[0, :3], LOOK.colors[1] / 255)
    assert not any(vertex[0] == 1 for path in rows[0, 0].collections[0].get_paths() for vertex in path.vertices)
    assert all(not row[2].collections for row in rows), "a likelihood has no radius"
    plain = plot_time_courses(poses_of_three(), np.arange(5.0), 0.5, LOOK)
    assert rows[1, 0].get_ylim() == plain.axes[3].get_ylim(), "a large radius does not flatten the course"


def test_frames_are_named_where_no_time_is_known():
    figure = plot_time_courses(poses_of_three(), np.arange(5), 0.5, LOOK, "Frame")
    assert figure.axes[-1].get_xlabel() == "Frame"


def test_the_jitter_of_a_part_at_rest_does_not_fill_its_axis():
    poses = poses_of_three()
    poses[:, 0, 0] = [50, 51, 52, 51, 50]
    above = plot_time_courses(poses, np.arange(5), 0.1, LOOK).axes[0]
    assert above.get_ylim() == (41, 61), "20 pixels about the middle, 51"
    poses[:, 0, 0] = [0, 100, 200, 100, 0]
    above = plot_time_courses(poses, np.arange(5), 0.1, LOOK).axes[0]
    assert above.get_ylim() == (-10, 210), "and a twentieth on each side of what moves"


def test_a_long_course_keeps_its_extremes_and_gaps():
    rng = np.random.default_rng(0)
    poses = np.concatenate([rng.uniform(50, 60, (100_000, 3, 2)), np.ones((100_000, 3, 1))], axis=-1)
    poses[70_007, 0, 0], poses[70_008, 0, 0] = 500, -500
    poses[20_000:21_000] = np.nan
    above, *_ = plot_time_courses(poses, np.arange(100_000) / 100, 0.5, LOOK).axes
    times, x = above.lines[0].get_data()
    assert len(x) < 10_000
    assert (np.nanmax(x), np.nanmin(x)) == (500, -500)
    np.testing.assert_allclose(times[[np.nanargmax(x), np.nanargmin(x)]], 700.07, atol=0.25)
    assert np.isnan(x[(times > 200) & (times < 209.5)]).all()
    assert np.isfinite(x[(times < 199.5) | (times > 210.5)]).all()


def test_a_place_seen_once_is_a_dot():
    poses = poses_of_three()
    poses[3, 0, 2] = 0.1  # the first part is seen in frames 0 and 1
    poses[1, 1, 2] = 0.1  # the second in frame 0, then in 2 and 3
    of_x = plot_time_courses(poses, np.arange(5.0), 0.5, LOOK).axes[::3]
    assert [axes.lines[0].get_markevery() for axes in of_x] == [[], [0], []]


def test_paths_lie_over_the_whole_frame_and_break_at_gaps():
    points = poses_of_three()[..., :2]
    points[2, 1] = np.nan
    (axes,) = plot_paths(np.zeros((30, 40, 3), np.uint8), points, LOOK).axes
    assert (axes.get_xlim(), axes.get_ylim()) == ((-0.5, 39.5), (29.5, -0.5))
    assert axes.get_aspect() == 1
    np.testing.assert_array_equal(axes.lines[1].get_xydata(), points[:, 1])


@pytest.mark.campaign
def test_paths_of_hours_can_be_written(tmp_path):
    points = np.random.default_rng(0).uniform(0, 640, (400_000, 1, 2))
    write_plot(plot_paths(np.zeros((480, 640, 3), np.uint8), points, make_look(["paw"], "parts")), tmp_path / "a.png")
    assert np.asarray(Image.open(tmp_path / "a.png")).std() > 0


def test_every_step_is_counted_once_in_the_row_of_its_part_and_the_threshold_is_drawn():
    steps = np.array([[np.nan, 5, np.nan], [0, 5, np.nan], [300, 0.5, np.nan]])
    rows = plot_steps(steps, 20, LOOK).axes
    assert [axes.get_ylabel() for axes in rows] == list(NAMES)
    counts = [axes.patches[0].get_data().values for axes in rows]
    assert [values.sum() for values in counts] == [2, 3, 0]
    assert counts[0][0] == counts[0][-1] == 1
    assert [axes.lines[0].get_xdata() for axes in rows] == [[20, 20]] * 3
    assert [list(axes.patches[0].get_facecolor()[:3]) for axes in rows] == (LOOK.colors / 255).tolist()
    assert len({axes.get_xlim() + axes.get_ylim() for axes in rows}) == 1


@pytest.mark.parametrize(
    ("parts", "counts", "ticks"),
    [
        (3, 1, ["0", "1", "10"]),
        (3, 300, ["0", "1", "10", "100"]),
        (9, 3000, ["0", "10", "1000"]),  # rows that are less high
    ],
)
def test_counts_of_steps_have_ticks_that_fit(parts, counts, ticks):
    steps = np.ones((counts, parts))
    (axes, *_) = plot_steps(steps, 20, make_look([f"part{k}" for k in range(parts)], "parts")).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ticks


# ---- More parts than hues ----


MANY = make_look([f"part{k}" for k in range(9)], "parts")


def test_the_ninth_part_has_the_first_ones_colour_and_another_marker_in_every_plot():
    rng = np.random.default_rng(0)
    errors, is_train = rng.gamma(2, 2, (20, 9)), np.arange(20) < 10
    cumulative = plot_cumulative_errors(errors, is_train, MANY)
    first, ninth = (cumulative.axes[0].lines[2 + k] for k in (0, 8))
    assert (first.get_marker(), ninth.get_marker()) == ("o", "s")
    assert list(first.get_color()) == list(ninth.get_color())
    points = rng.uniform(5, 25, (30, 9, 2))
    points[20:, 8] = np.nan
    paths = plot_paths(np.zeros((30, 40, 3), np.uint8), points, MANY)
    ends = paths.axes[0].lines[9:]
    assert [line.get_marker() for line in ends] == ["o"] * 8 + ["s"]
    np.testing.assert_allclose(np.ravel(ends[8].get_data()), points[19, 8], err_msg="where it is seen last")
    shown = plot_likelihood(errors, errors / 100, is_train, 0.1, MANY)
    corners = [len(cloud.get_paths()[0].vertices) for cloud in shown.axes[0].collections]
    assert corners[:2] == corners[14:16] and corners[16:] == [5, 5], "discs, and a square"
    for figure in (paths, cumulative):
        handles = figure.legends[0].legend_handles[-9:]
        assert [handle.get_marker() for handle in handles] == ["o"] * 8 + ["s"]


def test_with_a_colormap_there_are_no_markers_as_before():
    errors = np.ones((4, 9))
    look = make_look([f"part{k}" for k in range(9)], "hsv")
    (axes,) = plot_cumulative_errors(errors, np.zeros(4, bool), look).axes
    assert {line.get_marker() for line in axes.lines} <= {"", "None"}
    (axes,) = plot_paths(np.zeros((30, 40, 3), np.uint8), np.ones((4, 9, 2)), look).axes
    assert len(axes.lines) == 9 and axes.get_title() == ""


@pytest.mark.parametrize("count", [1, 17])
def test_every_part_has_room(count):
    look = make_look([f"part {k}" for k in range(count)], "parts")
    figure = plot_time_courses(np.random.default_rng(0).uniform(0, 1, (5, count, 3)), np.arange(5), 0.5, look)
    assert len(figure.axes) == 3 * count
    heights = [axes.get_position().height * figure.get_figheight() for axes in figure.axes]
    assert min(heights) > 0.5


@pytest.mark.parametrize("poses", [poses_of_three(), poses_of_three()[:1], np.full((4, 3, 3), np.nan)])
def test_trajectories_can_be_written_whatever_is_seen(tmp_path, poses):
    figures = [
        plot_time_courses(poses, np.arange(len(poses)) / 25, 0.5, LOOK),
        plot_paths(np.full((30, 40, 3), 99, np.uint8), poses[..., :2], LOOK),
        plot_steps(poses[..., 0], 0, LOOK),
    ]
    assert [text.get_text() for text in figures[1].legends[0].get_texts()] == list(NAMES)
    for i, figure in enumerate(figures):
        write_plot(figure, tmp_path / f"{i}.png")
        assert np.asarray(Image.open(tmp_path / f"{i}.png").convert("L")).std() > 5


@pytest.mark.parametrize("errors", [np.full((3, 3), np.nan), np.zeros((3, 3)), ERRORS])
def test_every_plot_can_be_written_whatever_is_labeled(tmp_path, errors):
    likelihoods = np.full((3, 3), 0.5)
    figures = [
        plot_part_errors(errors, IS_TRAIN, LOOK),
        plot_cumulative_errors(errors, IS_TRAIN, LOOK),
        plot_likelihood(errors, likelihoods, IS_TRAIN, 0.1, LOOK),
    ]
    for i, figure in enumerate(figures):
        write_plot(figure, tmp_path / f"{i}.png")
        assert np.asarray(Image.open(tmp_path / f"{i}.png").convert("L")).std() > 5
    assert len(list(tmp_path.iterdir())) == 3
