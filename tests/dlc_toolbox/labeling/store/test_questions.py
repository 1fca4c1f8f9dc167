"""What only a person can decide is asked, and no answer loses a label."""

import functools
import itertools
import json

import pytest

from dlc_common import UsersError
from dlc_toolbox import ToolboxError
from dlc_toolbox.labeling.errors import UnknownError
from dlc_toolbox.labeling.files import labelfiles

HIDDEN = "not visible"
LABELS = {"nose": (10, 20), "paw": (50, 60), "tail": (30, 40)}


def asked(store) -> dict[str, list[str]]:
    return {question.id: [answer for answer, _ in question.choices] for question in store.questions()}


class TestASecondName:
    @pytest.fixture
    def labeled(self, project, save):
        save(project.open(), "img0.png", nose=[1, 2], paw=HIDDEN)
        project.write_settings(Scorers=["Ann", "Bob"])
        return project

    def test_labels_beside_the_images_are_moved_when_a_person_says_whose_they_are(self, labeled):
        store = labeled.open()
        assert store.labels("day1", "img0.png")["state"] == "open"
        assert asked(store) == {"move-beside:Ann": ["move:Ann", "move:Bob", "ignore"]}
        store.answer("move-beside:Ann", "move:Ann")
        assert store.labels("day1", "img0.png")["points"] == {"nose": (1, 2), "paw": HIDDEN, "tail": None}
        assert asked(store) == {}
        assert not list(labeled.folder.glob("*.csv"))
        assert labeled.table()["day1/img0.png"] == [(1, 2), None, None]

    @pytest.mark.parametrize("removed", [False, True])
    def test_what_is_noted_moves_along_beside_other_csv_files(self, labeled, save, removed):
        labeled.write_settings(Scorers=["Ann"])
        store = labeled.open()
        save(store, "img1.png", nose=[10, 20], paw=[50, 60], left_out=True)
        if removed:
            labeled.write_settings(bodyparts=["nose", "paw"])
        (labeled.folder / "weights.csv").write_text("mouse,grams\n1,22\n")
        labeled.write_settings(Scorers=["Ann", "Bob"])
        store = labeled.open()
        store.answer("move-beside:Ann", "move:Ann")
        assert store.labels("day1", "img0.png")["points"]["paw"] == HIDDEN
        assert store.labels("day1", "img1.png")["state"] == "left out"
        assert sorted(path.name for path in labeled.folder.glob("*.csv")) == ["tail.csv"] * removed + ["weights.csv"]

    def test_to_somebody_else(self, labeled):
        labeled.open().answer("move-beside:Ann", "move:Bob")
        assert labeled.open("Bob").labels("day1", "img0.png")["points"]["nose"] == (1, 2)
        assert labeled.open().labels("day1", "img0.png")["points"]["nose"] is None

    def test_labels_that_are_there_already_are_never_replaced(self, labeled, save):
        store = labeled.open()
        save(store, "img1.png", nose=[5, 6])  # which makes the files of all parts
        store.answer("move-beside:Ann", "move:Ann")
        assert labeled.table()["day1/img1.png"] == [(5, 6), None, None]
        assert labeled.csv("nose").is_file()

    def test_put_off_it_is_asked_in_the_next_visit_again(self, labeled):
        store = labeled.open()
        store.answer("move-beside:Ann", "ignore")
        assert asked(store) == {}
        assert list(asked(labeled.open())) == ["move-beside:Ann"]

    def test_back_to_one_name(self, labeled, save):
        labeled.open().answer("move-beside:Ann", "move:Ann")
        labeled.write_settings(Scorers=["Ann"])
        store = labeled.open()
        assert asked(store) == {"move-beside:Ann": ["move:Ann", "ignore"]}
        store.answer("move-beside:Ann", "move:Ann")
        assert store.labels("day1", "img0.png")["points"]["nose"] == (1, 2)


class TestARenamedPart:
    @pytest.fixture
    def renamed(self, project, save):
        save(project.open(), "img0.png", nose=[1, 2], tail=[3, 4])
        save(project.open(), "img1.png", tail=HIDDEN)
        project.write_settings(bodyparts=["nose", "paw", "tailbase"])
        return project

    def test_its_labels_go_where_a_person_says(self, renamed):
        before = renamed.csv("tail").read_bytes()
        store = renamed.open()
        assert asked(store) == {"part:tail": ["rename:paw", "rename:tailbase", "ignore"]}
        assert "is 1 label of tail in day1" in store.questions()[0].text
        store.answer("part:tail", "rename:tailbase")
        assert store.project()["notices"] == [], "tailbase is no new part"
        assert renamed.csv("tailbase").read_bytes() == before
        assert not renamed.csv("tail").exists()
        assert store.labels("day1", "img0.png")["points"]["tailbase"] == (3, 4)
        assert store.labels("day1", "img1.png")["points"]["tailbase"] == HIDDEN
        assert renamed.table()["day1/img0.png"] == [(1, 2), None, (3, 4)]

    def test_a_part_that_has_labels_is_no_choice(self, renamed, save):
        store = renamed.open()
        save(store, "img2.png", tailbase=[9, 9])
        assert asked(store) == {"part:tail": ["rename:paw", "ignore"]}

    def test_unwanted_it_stays(self, renamed):
        before = renamed.csv("tail").read_bytes()
        store = renamed.open()
        store.answer("part:tail", "ignore")
        assert renamed.csv("tail").read_bytes() == before
        assert asked(store) == {}

    def test_nobody_is_asked_about_a_part_that_is_only_new(self, project, save):
        save(project.open(), "img0.png", nose=[1, 2], paw=[3, 4], tail=[5, 6])
        project.write_settings(bodyparts=["nose", "paw", "hip", "tail"])
        store = project.open()
        assert asked(store) == {}
        assert store.project()["notices"] == ["hip is new in bodyparts: images of day1 that were done are open there"]
        assert store.labels("day1", "img0.png")["state"] == "begun"


@pytest.mark.parametrize("in_turn", [False, True])
def test_labels_of_the_other_form_are_told_and_neither_read_nor_asked_about(make_project, save, in_turn):
    project = make_project(multibodypartsfile=in_turn, multibodypartsfilename="All.csv", invisibleboundary=4)
    save(project.open(), "img0.png", nose=[10, 20], paw=[30, 40], tail=[50, 60])
    project.write_settings(multibodypartsfile=not in_turn)
    store = project.open()
    files = "All.csv" if in_turn else "nose.csv, paw.csv, tail.csv"
    assert store.project()["notices"] == [
        f"day1: the labels in {files} are not read, because multibodypartsfile = {not in_turn} in myconfig.py. "
        "They stay there"
    ]
    assert asked(store) == {}
    assert store.labels("day1", "img0.png")["points"]["nose"] is None
    project.write_settings(multibodypartsfile=in_turn)
    assert project.open().labels("day1", "img0.png")["points"]["nose"] == (10, 20)


class TestPartsInTurn:
    @pytest.fixture
    def project(self, make_project):
        return make_project(multibodypartsfile=True, multibodypartsfilename="All.csv", invisibleboundary=4)

    @pytest.fixture
    def labeled(self, project, save):
        save(project.open(), "img0.png", nose=[10, 20], paw=HIDDEN, tail=[30, 40])
        save(project.open(), "img1.png", nose=[11, 21])
        project.close()
        return project

    def test_a_new_part_opens_the_images_again(self, labeled, save):
        labeled.write_settings(bodyparts=["nose", "hip", "paw", "tail"])
        store = labeled.open()
        assert asked(store) == {"parts:day1": ["were", "ignore"]}
        assert any(
            "nose, paw, tail was noted" in notice or "expected 4" in notice for notice in store.project()["notices"]
        )
        store.answer("parts:day1", "were")
        points = store.labels("day1", "img0.png")["points"]
        assert points == {"nose": (10, 20), "hip": None, "paw": HIDDEN, "tail": (30, 40)}
        assert store.labels("day1", "img1.png")["points"]["nose"] == (11, 21)
        save(store, "img0.png", hip=[5, 50])
        assert labeled.table()["day1/img0.png"] == [(10, 20), (5, 50), None, (30, 40)]

    def test_another_order(self, labeled):
        labeled.write_settings(bodyparts=["tail", "nose", "paw"])
        store = labeled.open()
        assert asked(store) == {"parts:day1": ["were", "renamed", "anew", "ignore"]}
        store.answer("parts:day1", "were")
        assert labeled.table()["day1/img0.png"] == [(30, 40), (10, 20), None]

    @pytest.mark.parametrize("parts", [["nose", "tail"], ["nose", "paw", "ear", "tail"]])
    def test_as_many_clicks_as_the_new_list_has_names_were_made_for_it(self, labeled, parts):
        labeled.write_settings(bodyparts=parts)
        places = [(10 + 9 * n, 40 - 5 * n) for n in range(len(parts))]
        labeled.fiji_saves("All", "X,Y,Slice\n" + "".join(f"{x},{y},3\n" for x, y in places))
        before = labeled.csv("All").read_bytes()
        store = labeled.open()
        assert asked(store) == {"parts:day1": ["anew", "ignore"]}
        store.answer("parts:day1", "anew")
        assert asked(store) == {}
        assert labeled.csv("All").read_bytes() == before
        assert store.labels("day1", "img2.png")["points"] == dict(zip(parts, places, strict=True))
        assert store.labels("day1", "img1.png")["points"]["nose"] == (11, 21), "begun, noted by name"

    def test_another_order_in_which_all_was_clicked_anew(self, labeled):
        labeled.write_settings(bodyparts=["tail", "nose", "paw"])
        labeled.fiji_saves("All", "X,Y,Slice\n31,41,1\n12,22,1\n52,32,1\n")
        store = labeled.open()
        (question,) = store.questions()
        assert "the page last noted nose, paw, tail, in this order" in question.text
        assert "made for nose" not in question.text, "nobody knows"
        store.answer("parts:day1", "anew")
        assert store.labels("day1", "img1.png")["points"] == {"tail": None, "nose": (11, 21), "paw": None}
        assert labeled.table()["day1/img0.png"] == [(31, 41), (12, 22), (52, 32)]

    def test_other_names_for_the_same(self, labeled):
        before = labeled.csv("All").read_bytes()
        labeled.write_settings(bodyparts=["snout", "paw", "tail"])
        store = labeled.open()
        store.answer("parts:day1", "renamed")
        assert labeled.csv("All").read_bytes() == before
        assert store.labels("day1", "img1.png")["points"]["snout"] == (11, 21)
        assert labeled.table()["day1/img0.png"] == [(10, 20), None, (30, 40)]

    def test_a_part_that_is_gone_leaves_its_labels_in_labeling_json(self, labeled):
        labeled.write_settings(bodyparts=["nose", "paw"])
        labeled.open().answer("parts:day1", "were")
        assert labeled.table()["day1/img0.png"] == [(10, 20), None]
        notes = json.loads((labeled.folder / "labeling.json").read_text())
        assert notes["images"]["img0.png"]["parts"]["tail"]["at"] == [30, 40]

    def test_clicks_of_fiji_keep_their_parts_once_the_page_has_noted_the_old_list(self, project, save):
        project.fiji_saves("All", "X,Y,Slice\n10,20,1\n50,30,1\n30,40,1\n")
        project.table()
        project.write_settings(bodyparts=["tail", "nose", "paw"])
        with pytest.raises(ToolboxError, match="last converted as nose, paw, tail, in this order"):
            project.table()
        project.write_settings(bodyparts=["nose", "paw", "tail"])
        store = project.open()
        for left_out in (True, False):
            save(store, "img0.png", left_out=left_out)
        project.write_settings(bodyparts=["tail", "nose", "paw"])
        with pytest.raises(ToolboxError, match="answer its question"):
            project.table()
        project.open().answer("parts:day1", "were")
        assert project.table()["day1/img0.png"] == [(30, 40), (10, 20), (50, 30)]

    def test_notes_from_the_time_of_one_csv_for_each_part_do_not_tell_whose_the_clicks_are(self, project, save):
        project.write_settings(multibodypartsfile=False)
        save(project.open(), "img0.png", nose=[10, 20], paw=[50, 30], tail=[30, 40])
        project.close()
        project.write_settings(bodyparts=["tail", "nose", "paw"], multibodypartsfile=True)
        project.fiji_saves("All", "X,Y,Slice\n30,40,1\n10,20,1\n50,30,1\n")
        with pytest.raises(ToolboxError, match="last noted nose, paw, tail, in this order; bodyparts") as refused:
            project.table()
        assert "were made for nose" not in str(refused.value)
        project.open().answer("parts:day1", "anew")
        assert project.table()["day1/img0.png"] == [(30, 40), (10, 20), (50, 30)]

    def test_a_part_that_comes_back_has_its_labels_in_the_table(self, labeled):
        for parts in (["nose", "tail"], ["paw", "nose", "tail"]):
            labeled.write_settings(bodyparts=parts)
            store = labeled.open()
            store.answer("parts:day1", "were")
        assert store.labels("day1", "img0.png")["state"] == "done"
        assert store.count_images() == (1, 3)
        assert labeled.table()["day1/img0.png"] == [None, (10, 20), (30, 40)]

    def test_a_begun_image_is_finished_when_what_it_lacks_is_gone(self, labeled, save):
        save(labeled.open(), "img1.png", tail=[31, 41])
        labeled.write_settings(bodyparts=["nose", "tail"])
        store = labeled.open()
        store.answer("parts:day1", "were")
        assert store.count_images() == (2, 2)
        assert labeled.table()["day1/img1.png"] == [(11, 21), (31, 41)]

    def test_a_begun_image_keeps_the_label_of_a_part_that_is_gone_for_a_while(self, labeled, save):
        labeled.write_settings(bodyparts=["paw", "tail"])
        store = labeled.open()
        store.answer("parts:day1", "were")
        save(store, "img1.png", paw=[5, 6])
        save(store, "img1.png", paw=None)
        labeled.write_settings(bodyparts=["nose", "paw", "tail"])
        store = labeled.open()
        store.answer("parts:day1", "were")
        assert store.labels("day1", "img1.png")["points"] == {"nose": (11, 21), "paw": None, "tail": None}

    def test_what_is_not_visible_stays_so_when_the_boundary_goes_with_the_old_list(self, make_project, save):
        project = make_project(multibodypartsfile=True, multibodypartsfilename="All.csv", invisibleboundary=10)
        save(project.open(), "img0.png", nose=[10, 20], paw="not visible", tail=[30, 40])
        project.write_settings(invisibleboundary=-1, bodyparts=["tail", "nose", "paw"])
        store = project.open()
        store.answer("parts:day1", "were")
        assert store.labels("day1", "img0.png")["points"]["paw"] == "not visible"
        assert project.table()["day1/img0.png"] == [(30, 40), (10, 20), None]

    def test_clicks_deleted_in_fiji_afterwards_are_gone(self, labeled):
        labeled.write_settings(bodyparts=["tail", "nose", "paw"])
        labeled.open().answer("parts:day1", "were")
        labeled.close()
        labeled.fiji_saves("All", "X,Y,Slice\n")
        assert labeled.open().labels("day1", "img0.png")["state"] == "open"

    def test_accepted_labels_stay_accepted(self, labeled):
        notes = labeled.folder / "labeling.json"
        notes.write_text(notes.read_text().replace("placed", "accepted"))
        labeled.write_settings(bodyparts=["tail", "nose", "paw"])
        store = labeled.open()
        store.answer("parts:day1", "were")
        assert store.labels("day1", "img0.png")["accepted"] == ["nose", "tail"]

    @pytest.mark.parametrize("parts", [["tail", "nose", "paw"], ["nose", "tail"], ["hip", "tail", "nose"]])
    def test_whoever_is_killed_over_it_exchanges_no_labels(self, make_project, save, killed_at, monkeypatch, parts):
        monkeypatch.setattr(labelfiles, "_SETTLED_S", 0)
        for number in itertools.count():
            project = make_project(multibodypartsfile=True, multibodypartsfilename="All.csv")
            save(project.open(), "img0.png", nose=[10, 20], paw=[50, 60], tail=[30, 40])
            project.write_settings(bodyparts=parts)
            is_killed = killed_at(number, functools.partial(project.open().answer, "parts:day1", "were"))
            store = project.open()
            for question in asked(store):
                store.answer(question, "were")
            points = store.labels("day1", "img0.png")["points"]
            assert points == {part: LABELS.get(part) for part in parts}, number
            if "hip" not in parts:
                assert list(project.table()["day1/img0.png"]) == [LABELS[part] for part in parts]
            if not is_killed:
                break
        assert number > 3

    def test_an_image_with_another_number_of_clicks_is_named(self, labeled):
        labeled.fiji_saves("All", "X,Y,Slice\n" + "1,20,1\n" * 3 + "1,20,2\n" * 4)
        labeled.write_settings(bodyparts=["tail", "nose", "paw", "hip"])
        labeled.close()
        with pytest.raises(UsersError, match=r"slice 2 \(img1.png\) has 4 clicks, expected 3: nose, paw, tail"):
            labeled.open().answer("parts:day1", "were")

    def test_clicks_of_fiji_for_one_part_less(self, project):
        project.fiji_saves("All", "X,Y,Slice\n10,20,1\n30,40,1\n")
        store = project.open()
        assert asked(store) == {"parts:day1": ["added:nose", "added:paw", "added:tail", "ignore"]}
        store.answer("parts:day1", "added:paw")
        assert store.labels("day1", "img0.png")["points"] == {"nose": (10, 20), "paw": None, "tail": (30, 40)}


def test_answers_that_nobody_offered_are_refused(project):
    with pytest.raises(UnknownError, match=r"nobody asked 'part:x' with the answer 'rename:nose'"):
        project.open().answer("part:x", "rename:nose")
