import json
from pathlib import Path

import pytest

from dlc_toolbox import ToolboxError
from dlc_toolbox.training_set.split import (
    read_split_file,
    split_by_rows,
    split_images,
    split_videos,
    warn_of_copied_images,
)

NAMES = [f"day/img{n}.png" for n in range(20)]


@pytest.mark.parametrize(
    ("total", "fraction", "trained"),
    [(20, 0.95, 19), (20, 0.5, 10), (20, 0.01, 1), (20, 0.99, 19), (2, 0.9, 1), (7, 0.29, 2)],
)
def test_sizes_are_rounded_with_an_image_on_each_side(total: int, fraction: float, trained: int):
    train, test = split_images(NAMES[:total], fraction, seed=1, shuffle=1)
    assert len(train) == trained
    assert sorted([*train, *test]) == sorted(NAMES[:total])
    assert [NAMES.index(name) for name in train] == sorted(NAMES.index(name) for name in train)


def test_seed_and_shuffle_determine_the_split():
    assert split_images(NAMES, 0.5, 1, 1) == split_images(NAMES, 0.5, 1, 1)
    others = [split_images(NAMES, 0.5, seed, shuffle)[0] for seed, shuffle in ((1, 1), (1, 2), (2, 1), (2, 2))]
    assert len({tuple(train) for train in others}) == 4


def test_a_larger_fraction_adds_images():
    trains = [set(split_images(NAMES, fraction, 1, 1)[0]) for fraction in (0.1, 0.4, 0.8)]
    assert trains[0] < trains[1] < trains[2]


def test_every_image_is_as_likely_in_the_test_set():
    counts = dict.fromkeys(NAMES, 0)
    for shuffle in range(2000):
        for name in split_images(NAMES, 0.75, 42, shuffle)[1]:
            counts[name] += 1
    # Expected 500 each, with a standard deviation of sqrt(2000 * 0.25 * 0.75) = 19.4.
    assert max(abs(count - 500) for count in counts.values()) < 5 * 19.4


def test_rows_become_names_and_unlabeled_ones_are_left_out(caplog):
    rows = {"train": [3, 0, 5], "test": [4]}
    labeled = {NAMES[0], NAMES[3], NAMES[4]}
    assert split_by_rows(rows, NAMES, labeled) == ([NAMES[3], NAMES[0]], [NAMES[4]])
    assert "1 of 3 train rows have no label" in caplog.text


def test_names_may_spell_accents_in_two_ways():
    apart, together = "Ma\u0308use/1.png", "M\u00e4use/1.png"
    assert split_by_rows({"train": [together], "test": [1]}, [apart, "a/2.png"], [apart, "a/2.png"]) == (
        [apart],
        ["a/2.png"],
    )


def test_images_that_are_the_same_picture_are_told(caplog):
    hashes = {"a/1.png": "x", "a/2.png": "y", "b/1.png": "x", "b/2.png": "z", "b/3.png": "x"}
    warn_of_copied_images(["a/1.png", "a/2.png"], ["b/2.png"], hashes)
    assert caplog.text == ""
    warn_of_copied_images(["a/1.png", "a/2.png", "b/3.png"], ["b/1.png", "b/2.png"], hashes)
    (told,) = caplog.messages
    assert told == (
        "2 images are the same picture as another: b/3.png is a/1.png, b/1.png is a/1.png; 1 of them test while the "
        "other trains, so the test error will look too small"
    )


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"train": [20], "test": [0]}, r"the split names 20, but the label table has the rows 0 \(.*\) to 19 \("),
        ({"train": [0], "test": []}, "no labeled image under 'test'"),
        ({"train": [1], "test": [0]}, "no labeled image under 'train'"),
        ({"train": [0], "test": [NAMES[0]]}, "on both sides"),
        ({"train": ["day1/gone.png", 0, 21], "test": [0]}, r"names day1/gone\.png, 21, but the label table"),
    ],
)
def test_impossible_rows_are_errors(rows: dict, message: str):
    with pytest.raises(ToolboxError, match=message):
        split_by_rows(rows, NAMES, {NAMES[0]})


def test_a_split_file(tmp_path: Path):
    path = tmp_path / "split.json"
    path.write_text('{"test": [1], "train": [2, 0]}', encoding="utf-8-sig")
    assert read_split_file(path) == {"train": [2, 0], "test": [1]}


def test_rows_by_name_are_safe_against_another_order(tmp_path: Path):
    path = tmp_path / "split.json"
    path.write_text(json.dumps({"train": ["labeled-data/" + NAMES[3], 0], "test": [NAMES[4].replace("/", "\\")]}))
    rows = read_split_file(path)
    assert rows == {"train": [NAMES[3], 0], "test": [NAMES[4]]}
    assert split_by_rows(rows, NAMES, NAMES) == ([NAMES[3], NAMES[0]], [NAMES[4]])
    assert split_by_rows(rows, NAMES[::-1], NAMES) == ([NAMES[3], NAMES[-1]], [NAMES[4]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"is empty, not a split \(json\): copy it again"),
        ("[" * 100_000, "cannot be read as json"),
        ("row,set\n1,train\n", r"cannot be read as json .*; a split holds \{\"train\": .*, the names of images"),
        ("[1, 2]", "must hold"),
        ('{"train": [1]}', "must hold"),
        ('{"train": [1], "test": [2], "valid": []}', "must hold"),
        (
            '{"train": [1], "test": [2], "train": [3]}',
            r"cannot be read as json \('train' is there 2 times",
        ),
        ('{"train": [1], "test": 2}', "test must be a list of row numbers"),
        ('{"train": [1], "test": [["img2.png"]]}', "test must be a list of row numbers"),
        ('{"train": ["a/b.png"], "test": ["labeled-data/a/b.png"]}', "row a/b.png is listed twice"),
        ('{"train": [true], "test": [2]}', "train must be a list of row numbers"),
        ('{"train": [-1], "test": [2]}', "train must be a list of row numbers"),
        ('{"train": [1, 2], "test": [2]}', "row 2 is listed twice"),
    ],
)
def test_bad_split_files_are_errors(tmp_path: Path, text: str, message: str):
    path = tmp_path / "split.json"
    path.write_text(text)
    with pytest.raises(ToolboxError, match=rf"split\.json.*{message}"):
        read_split_file(path)
    with pytest.raises(ToolboxError, match=r"the split .*gone\.json: No such file"):
        read_split_file(tmp_path / "gone.json")


@pytest.mark.parametrize("fraction", [0.05, 0.3, 0.5, 0.8, 0.95])
@pytest.mark.parametrize("shuffle", range(4))
def test_no_video_is_on_both_sides(fraction: float, shuffle: int):
    videos = ["a"] * 3 + ["b"] * 9 + ["c"] * 4 + ["d"] * 4
    train, test = split_videos(NAMES, videos, fraction, 42, shuffle)
    assert train and test and sorted([*train, *test]) == sorted(NAMES)
    assert [NAMES.index(name) for name in train] == sorted(NAMES.index(name) for name in train)
    of = dict(zip(NAMES, videos, strict=True))
    assert not {of[name] for name in train} & {of[name] for name in test}


def test_as_many_videos_train_as_come_nearest_to_the_fraction():
    videos = [f"v{n // 2}" for n in range(20)]
    sizes = {
        fraction: len(split_videos(NAMES, videos, fraction, 1, 1)[0]) for fraction in (0.01, 0.5, 0.74, 0.76, 0.99)
    }
    assert sizes == {0.01: 2, 0.5: 10, 0.74: 14, 0.76: 16, 0.99: 18}


def test_shuffles_are_different_splits_by_video():
    videos = [f"v{n // 2}" for n in range(20)]
    assert len({tuple(split_videos(NAMES, videos, 0.5, 1, shuffle)[0]) for shuffle in range(5)}) == 5


def test_one_video_cannot_be_split():
    with pytest.raises(ToolboxError, match="needs images of two videos or more, but all 20 are of day: label"):
        split_videos(NAMES, ["day"] * 20, 0.8, 1, 1)
