"""Images of every kind, and images that cannot be read, through Steps 2 and 4."""

import numpy as np
import pytest
from PIL import Image

from dlc_common.training_set import read_training_set
from dlc_toolbox.project.layout import Layout

STEPS = "Generating_a_Training_Set/"
STEP2, STEP4 = STEPS + "Step2_ConvertingLabels2DataFrame.py", STEPS + "Step4_GenerateTrainingFileFromLabelledData.py"


def images_of(project):
    return sorted((Layout(project).data_folder("toy") / "toy").glob("img*.png"))


def test_every_kind_of_png_and_mixed_sizes_among_the_images_of_a_folder(toy_project, run_here):
    first, second, third, fourth, *_ = images_of(toy_project)
    with Image.open(first) as image:
        rgb = image.convert("RGB")
    rgb.convert("RGBA").save(first)
    rgb.convert("P").save(second)
    Image.fromarray(np.asarray(rgb.convert("L")).astype(np.uint16) * 257).save(third)
    rgb.resize((321, 241)).save(fourth)
    (first.parent / ".hidden7.png").write_bytes(b"no image")
    (first.parent / "Thumbs.db").write_bytes(b"no image")
    assert run_here(STEP2, "--project", toy_project)[0] == 0
    code, output = run_here(STEP4, "--project", toy_project)
    assert code == 0, output
    (mat,) = Layout(toy_project).models.glob("*/*.mat")
    sizes = {image.path.rsplit("/", 1)[1]: image.size for image in read_training_set(mat)}
    assert {size for name, size in sizes.items() if name != fourth.name} == {(120, 160)}
    assert sizes.get(fourth.name, (241, 321)) == (241, 321)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: bytes(len(data)), id="zeros"),
        pytest.param(lambda data: data[: len(data) // 2], id="truncated"),
        pytest.param(lambda data: b"\xff\xd8\xff" + data[3:], id="no jpg"),
        pytest.param(lambda data: data[:60] + b"noise" + data[65:], id="noise inside"),
    ],
)
def test_an_image_that_cannot_be_read_is_named_before_anything_is_written(toy_project, run_here, refused, damage):
    assert run_here(STEP2, "--project", toy_project)[0] == 0
    victim = images_of(toy_project)[3]
    victim.write_bytes(damage(victim.read_bytes()))
    assert str(victim) in refused(toy_project, STEP4)
