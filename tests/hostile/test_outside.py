"""Names in tables and files that would lead out of the project."""

import numpy as np
import pytest

from dlc_toolbox import ToolboxError
from dlc_toolbox.pictures.pictures import folder_and_image
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.tables import make_table, write_table

STEPS = "Generating_a_Training_Set/"
STEP3, STEP4 = STEPS + "Step3_CheckLabels.py", STEPS + "Step4_GenerateTrainingFileFromLabelledData.py"
PARTS = ["nose", "paw", "tail"]


@pytest.mark.parametrize("step", [STEP3, STEP4])
@pytest.mark.parametrize(
    "row", ["../../img1.png", "../img1.png", "/tmp/img1.png", "toy/../../img1.png", "toy\\..\\img1.png"]
)
def test_rows_of_a_label_table_cannot_lead_out(toy_project, refused, step, row):
    table = Layout(toy_project).label_table("toy", "Ann")
    write_table(make_table("Ann", PARTS, ["toy/img00.png", row], np.full((2, 3, 2), 20.0)), table)
    assert "img1.png" in refused(toy_project, step)


@pytest.mark.parametrize("row", ["../img1.png", "/img1.png", "a/../img1.png", "./img1.png", "img1.png", "a/.."])
def test_pictures_of_evaluated_images_stay_in_their_folder(row):
    with pytest.raises(ToolboxError, match="the label table names the image"):
        folder_and_image(row)
