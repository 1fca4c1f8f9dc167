"""Labels that are imported again, after there were more or fewer of them elsewhere; the first import is in
test_labelset."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.importing import import_labels, placed_splits, plan_import
from dlc_toolbox.exchange.readers.found import Found, FrameOf, found_of
from dlc_toolbox.labels.fiji import read_clicks
from dlc_toolbox.project import records


@pytest.fixture
def find(tmp_path: Path):
    """``find({2: (x, y), ...})``: labels of one part in images of a folder day1, as a reader returns them."""

    def find(labels: dict[int, tuple[float, float]]) -> Found:
        rows = {f"day1/img{number}.png": place for number, place in labels.items()}
        for row in rows:
            path = tmp_path / "there" / row
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (64, 48), (int(row[-5]), 0, 0)).save(path)
        places = {row: np.array([place]) for row, place in rows.items()}
        return found_of(
            tmp_path / "there", "a table", "Ann", ["nose"], places, {row: tmp_path / "there" / row for row in rows}
        )

    return find


def clicks(folder: Path) -> list[list[float]]:
    return read_clicks(folder / "nose.csv")[["x", "y", "slice"]].to_numpy().tolist()


def test_images_that_are_new_there_go_to_a_folder_of_their_own(find, tmp_path, caplog):
    caplog.set_level("INFO")
    data = tmp_path / "data"
    import_labels(plan_import(find({2: (20, 21), 4: (40, 41)}), data))
    again = find({2: (20, 21), 3: (30, 31), 4: (40, 42)})
    plan_import(again, data)[0].tell(dry_run=True)
    assert caplog.messages[-1] == f"{data / 'day1'}: would be as they are there now: nose in img4.png"
    assert [plan.in_words() for plan in plan_import(again, data)] == [
        f"{data / 'day1'}: 2 images, 2 labels, of which 1 are new or changed",
        f"{data / 'day1_2'}: 1 images, 1 labels",
    ]
    assert (
        "day1 is there: new images go to" in caplog.text
        and "day1_2, because clicks count positions: img3.png" in caplog.text
    )
    for _ in range(2):
        import_labels(plan_import(again, data))
        assert clicks(data / "day1") == [[20, 21, 1], [40, 42, 2]]
        assert clicks(data / "day1_2") == [[30, 31, 1]]
        assert not (data / "day1_3").exists(), "it knows where they went"
    import_labels(plan_import(find({2: (20, 21), 5: (5, 5)}), data))
    assert clicks(data / "day1_3") == [[5, 5, 1]]


def test_images_that_are_named_otherwise_there_by_now_keep_their_names(find, tmp_path):
    """A second folder day1 came up there, so that both are named by where they are."""
    data = tmp_path / "data"
    first = find({2: (20, 21), 4: (40, 41)})
    import_labels(plan_import(first, data))
    again = first.renamed({row: f"A_{row}" for row in first.images})
    assert [plan.folder for plan in plan_import(again, data)] == [data / "day1"]
    new = find({2: (20, 21), 3: (30, 31), 4: (40, 42)}).renamed({"day1/img2.png": "A_day1/7f-img2.png"})
    new = new.renamed({f"day1/img{number}.png": f"A_day1/img{number}.png" for number in (3, 4)})
    for _ in range(2):
        import_labels(plan_import(new, data))
        assert clicks(data / "day1") == [[20, 21, 1], [40, 42, 2]]
        assert clicks(data / "A_day1") == [[30, 31, 1]]
        assert sorted(path.name for path in data.iterdir()) == ["A_day1", "day1"]


def test_two_images_that_are_the_same_picture_stay_two(find, tmp_path):
    data, one = tmp_path / "data", find({2: (20, 21)})
    import_labels(plan_import(one, data))
    copy = tmp_path / "there" / "day2" / "img2.png"
    copy.parent.mkdir()
    shutil.copyfile(one.images["day1/img2.png"], copy)
    places = {"day1/img2.png": np.array([(20.0, 21.0)]), "day2/img2.png": np.array([(5.0, 6.0)])}
    both = found_of(one.source, "a table", "Ann", ["nose"], places, {**one.images, "day2/img2.png": copy})
    import_labels(plan_import(both, data))
    assert clicks(data / "day1") == [[20, 21, 1]] and clicks(data / "day2") == [[5, 6, 1]]


def test_splits_follow_the_images(find, tmp_path):
    data = tmp_path / "data"
    import_labels(plan_import(find({2: (20, 21)}), data))
    found = find({2: (20, 21), 3: (30, 31)})
    split = {"train": ["day1/img2.png", "gone/img1.png"], "test": ["day1/img3.png"]}
    found = Found(**{**vars(found), "splits": {"a": split}})
    assert placed_splits(found, plan_import(found, data)) == {
        "a": {"train": ["day1/img2.png"], "test": ["day1_2/img3.png"]}
    }


def test_an_image_that_is_gone_there_stays_with_its_label(find, tmp_path):
    data = tmp_path / "data"
    import_labels(plan_import(find({2: (20, 21), 4: (40, 41)}), data))
    import_labels(plan_import(find({4: (41, 41)}), data))
    assert clicks(data / "day1") == [[20, 21, 1], [41, 41, 2]]
    import_labels(plan_import(find({2: (22, 22), 4: (41, 41)}), data))
    assert clicks(data / "day1") == [[22, 22, 1], [41, 41, 2]], "it is still known that this label was imported"


def test_a_folder_of_the_same_name_with_other_images_is_left_alone(find, tmp_path):
    data = tmp_path / "data"
    (data / "day1").mkdir(parents=True)
    Image.new("RGB", (9, 9)).save(data / "day1" / "img7.png")
    import_labels(plan_import(find({2: (20, 21)}), data))
    assert sorted(path.name for path in (data / "day1").iterdir()) == ["img7.png"]
    assert clicks(data / "day1_2") == [[20, 21, 1]]
    Image.new("RGB", (9, 9)).save(data / "day1_2" / "img2.png")
    with pytest.raises(ToolboxError, match=r"other images are there already in .*day1_2 \(1, not these 1\)"):
        plan_import(find({2: (20, 21)}), data)


def test_an_image_that_a_person_deleted_here_does_not_come_back(find, tmp_path):
    data = tmp_path / "data"
    import_labels(plan_import(find({2: (20, 21), 4: (40, 41)}), data))
    (data / "day1" / "img2.png").unlink()
    with pytest.raises(ToolboxError, match=r"other images are there already in .*day1 \(1, not these 2\)"):
        plan_import(find({2: (20, 21), 4: (40, 41)}), data)


def test_a_plan_writes_nothing(find, tmp_path):
    plan_import(find({2: (20, 21)}), tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_frames_of_one_video_are_noted_as_step_1_does(find, tmp_path, write_video):
    film = write_video(tmp_path / "film.avi", np.zeros((9, 48, 64, 3), np.uint8))
    found = find({2: (20, 21), 4: (40, 41)})
    pending = {row: FrameOf(film, number) for row, number in zip(found.images, (2, 4), strict=True)}
    import_labels(plan_import(Found(**{**vars(found), "pending": pending}), tmp_path / "data"))
    record = records.read(tmp_path / "data" / "day1" / "frames.json")
    assert record["frames"] == [2, 4] and record["video"] == film.as_posix() and record["frame_count"] == 9
    assert record["settings"] == {"crop": None} and list(record["inputs"]) == ["film.avi"]


def test_the_record_of_an_older_version_is_understood(find, tmp_path):
    data = tmp_path / "data"
    import_labels(plan_import(find({2: (20, 21)}), data))
    record = data / "day1" / "imported.json"
    record.write_text(json.dumps({"labels": {"nose": {"img2.png": [20, 21]}}}))
    import_labels(plan_import(find({2: (25, 25)}), data))
    assert clicks(data / "day1") == [[25, 25, 1]]


def test_an_image_that_is_gone_there_stays_here_and_is_named(find, tmp_path, caplog):
    data = tmp_path / "data"
    import_labels(plan_import(find({2: (20, 21), 4: (40, 41)}), data))
    (plan,) = plan_import(find({2: (20, 21)}), data)
    assert plan.gone == ["img4.png"]
    import_labels([plan])
    assert "came before and does not come now; it stays with its labels: img4.png" in caplog.text
    assert clicks(data / "day1") == [[20, 21, 1], [40, 41, 2]]


def test_the_crop_of_frames_is_noted(find, tmp_path, write_video):
    film = write_video(tmp_path / "film.avi", np.zeros((9, 48, 64, 3), np.uint8))
    found = find({2: (20, 21)})
    frames = {row: FrameOf(film, 2, (1, 9, 2, 8)) for row in found.images}
    import_labels(plan_import(Found(**{**vars(found), "frames": frames}), tmp_path / "data"))
    record = records.read(tmp_path / "data" / "day1" / "frames.json")
    assert record["settings"] == {"crop": [1, 9, 2, 8]} and record["frames"] == [2]


def test_a_folder_with_other_images_or_own_labels_does_not_stop_the_others(find, tmp_path, caplog):
    found, data = find({2: (20, 21)}), tmp_path / "data"
    names = {name: f"{name}/img2.png" for name in ("day2", "day3")}
    for name, row in names.items():
        (tmp_path / "there" / name).mkdir()
        shutil.copyfile(tmp_path / "there" / "day1" / "img2.png", tmp_path / "there" / row)
    rows = {row: np.array([(20.0, 21.0)]) for row in ("day1/img2.png", *names.values())}
    whole = found_of(found.source, "a table", "Ann", ["nose"], rows, {row: tmp_path / "there" / row for row in rows})
    (data / "day2").mkdir(parents=True)
    Image.new("RGB", (64, 48), (99, 0, 0)).save(data / "day2" / "img2.png")
    shutil.copytree(tmp_path / "there" / "day3", data / "day3")
    (data / "day3" / "nose.csv").write_text(" ,X,Y,Slice\n1,5,6,1\n")
    assert import_labels(plan_import(whole, data)) == [data / "day1"]
    assert f"left out: other images are there already in {data / 'day2'} (1, not these 1)" in caplog.text
    own = data / "day3" / "nose.csv"
    assert f"left out: other labels are there already, which are never overwritten: {own}. Move them" in caplog.text
    assert clicks(data / "day3") == [[5, 6, 1]] and not (data / "day2" / "nose.csv").exists()
