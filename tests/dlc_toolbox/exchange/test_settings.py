import json
import shutil
from pathlib import Path

import pytest

from dlc_toolbox.exchange.settings import settings_to_take, split_file, take_settings, write_splits
from dlc_toolbox.project.settings import load_analysis_settings, load_settings


@pytest.fixture
def project(toy_project: Path) -> Path:
    shutil.rmtree(toy_project / "Generating_a_Training_Set")
    (toy_project / "data").mkdir()
    return toy_project


THERE = {
    "myconfig.py": {"pcutoff": 0.6, "TrainingFraction": [0.8, 0.95]},
    "myconfig_analysis.py": {"skeleton": [["nose", "paw"]]},
}


def take(project: Path, settings: dict, *, is_fresh: bool) -> list[str]:
    chosen, kept = settings_to_take(project, project / "data", settings, is_fresh=is_fresh)
    take_settings(project, project / "data", settings, chosen)
    return kept


def test_a_project_without_images_takes_them_and_the_old_files_stay(project, caplog):
    caplog.set_level("INFO")
    before = (project / "myconfig.py").read_bytes()
    assert take(project, THERE, is_fresh=True) == []
    assert (load_settings(project).pcutoff, load_settings(project).TrainingFraction) == (0.6, (0.8, 0.95))
    assert load_analysis_settings(project).skeleton == (("nose", "paw"),)
    assert (project / "myconfig.py.before-import").read_bytes() == before
    assert "myconfig.py: TrainingFraction is [0.8, 0.95] now, and was [0.7]" in caplog.text
    assert "myconfig.py as it was is myconfig.py.before-import" in caplog.text


def test_a_project_with_images_keeps_its_own_and_says_so(project):
    before = (project / "myconfig.py").read_bytes()
    kept = take(project, THERE, is_fresh=False)
    assert (project / "myconfig.py").read_bytes() == before
    assert kept == [
        "pcutoff = None in myconfig.py, 0.6 there",
        "TrainingFraction = [0.7] in myconfig.py, [0.8, 0.95] there",
        "skeleton = None in myconfig_analysis.py, [['nose', 'paw']] there",
    ]


def test_later_only_what_nobody_changed_here_follows(project):
    take(project, THERE, is_fresh=True)
    path = project / "myconfig.py"
    path.write_text(path.read_text().replace("pcutoff = 0.6", "pcutoff = 0.4"))
    there = {"myconfig.py": {"pcutoff": 0.7, "TrainingFraction": [0.9]}}
    assert take(project, there, is_fresh=False) == ["pcutoff = 0.4 in myconfig.py, 0.7 there"]
    assert (load_settings(project).pcutoff, load_settings(project).TrainingFraction) == (0.4, (0.9,))
    assert (project / "myconfig.py.before-import-2").is_file()


def test_settings_that_would_be_wrong_stay_out_and_no_others(project, caplog):
    """A crop is right or wrong as a whole: x1 = 170 alone would lie beyond the x2 that was here."""
    crop = {"x1": 170, "cropping": True, "x2": 300, "y1": 0, "y2": 100}
    there = {"myconfig.py": {"TrainingFraction": [95], "pcutoff": 0.6, **crop}, "myconfig_analysis.py": {"pcutoff": 2}}
    chosen, _ = settings_to_take(project, project / "data", there, is_fresh=True)
    assert chosen == {"myconfig.py": {"pcutoff": 0.6, **crop}}, "so that a dry run tells it, too"
    take(project, there, is_fresh=True)
    ours = load_settings(project)
    assert (ours.TrainingFraction, ours.pcutoff, ours.x1, ours.x2) == ((0.7,), 0.6, 170, 300)
    assert "TrainingFraction is not taken over, because the settings in " in caplog.text
    assert not list(project.glob("myconfig_analysis.py.before-import*"))


def test_splits_are_files_for_step_4_and_a_changed_one_stays(project, caplog):
    data, split = project / "data", {"train": ["day1/img1.png"], "test": ["day1/img2.png"]}
    (path,) = write_splits(data, {"iteration0-95shuffle1": split})
    assert path == split_file(data, "iteration0-95shuffle1") == data / "split-iteration0-95shuffle1.json"
    assert json.loads(path.read_text()) == split
    other = {"train": ["day1/img2.png"], "test": ["day1/img1.png"]}
    assert write_splits(data, {"iteration0-95shuffle1": other}) == [path]
    assert json.loads(path.read_text()) == other
    path.write_text(json.dumps(split))
    for dry_run in (True, False):
        assert write_splits(data, {"iteration0-95shuffle1": other}, dry_run=dry_run) == []
    assert caplog.text.count("was changed here and stays") == 2
    assert json.loads(path.read_text()) == split


def test_a_dry_run_writes_no_split(project):
    split = {"train": ["day1/img1.png"], "test": ["day1/img2.png"]}
    assert write_splits(project / "data", {"a": split}, dry_run=True) == [project / "data" / "split-a.json"]
    assert list((project / "data").iterdir()) == []
