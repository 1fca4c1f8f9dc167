"""Label files in every dialect, and label files that cannot be believed, through Step 2."""

import numpy as np
import pytest

from dlc_toolbox.project.tables import points, read_table
from tests import zoo

STEP2 = "Generating_a_Training_Set/Step2_ConvertingLabels2DataFrame.py"


@pytest.fixture
def project(tmp_path):
    """Three images, and one body part to label in them."""
    settings = "Task = 'toy'\ndate = 'Jan1'\nbodyparts = ['nose']\nScorers = ['Ann']\nscorer = 'Ann'\n"
    folder = tmp_path / "Generating_a_Training_Set" / "data-toy" / "day 1.ä"
    folder.mkdir(parents=True)
    (tmp_path / "myconfig.py").write_text(settings)
    for number in (8, 9, 10):
        zoo.image(folder / f"img{number}.png", size=(64, 48))
    return tmp_path


def label_file(project):
    return project / "Generating_a_Training_Set" / "data-toy" / "day 1.ä" / "nose.csv"


@pytest.mark.parametrize("content", zoo.SOUND_LABELS.values(), ids=zoo.SOUND_LABELS)
def test_every_dialect_gives_the_same_labels(project, run_here, content):
    label_file(project).write_bytes(content)
    code, output = run_here(STEP2, "--project", project)
    assert code == 0, output
    table = read_table(project / "Generating_a_Training_Set" / "data-toy" / "CollectedData_Ann.h5")
    assert list(table.index) == [f"day 1.ä/img{number}.png" for number in (8, 9, 10)]
    np.testing.assert_array_equal(points(table)[:, 0], [[x, y] for x, y, _ in zoo.LABELS])
    assert label_file(project).read_bytes() == content


@pytest.mark.parametrize(("content", "told"), zoo.BAD_LABELS.values(), ids=zoo.BAD_LABELS)
def test_what_cannot_be_believed_is_refused_with_file_and_line(project, refused, content, told):
    label_file(project).write_bytes(content)
    line = refused(project, STEP2)
    assert "nose.csv" in line
    assert told in line
    assert len(line) < 2000
