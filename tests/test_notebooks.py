"""The notebooks are thin, are committed without output, and lead a project from frames to a labeled video."""

import ast
import shutil
from pathlib import Path

import keras
import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from deepercut.weights.checkpoints import save_snapshot
from deepercut.weights.pretrained import build_backbone, weights_path
from dlc_toolbox.project.layout import Layout

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
STEPS = {path.stem.split("_")[0]: path for path in NOTEBOOKS.glob("Step*.ipynb")}
DEMO, LABEL = NOTEBOOKS / "Demo.ipynb", NOTEBOOKS / "Label.ipynb"
EACH = pytest.mark.parametrize("path", [*STEPS.values(), DEMO, LABEL], ids=lambda path: path.stem)
LOGIC = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef),
    *(ast.For, ast.While, ast.comprehension, ast.If, ast.IfExp, ast.Try, ast.With),
)


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def run(path: Path, project: Path, until: str | None = None) -> str:
    """Run a notebook (until the cell with an id) on a project; return all that it showed.

    The working directory is a foreign one, and must stay empty.
    """
    elsewhere = project.parent / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    notebook = nbformat.read(path, as_version=4)
    code_cells(notebook)[0].source = f"project = {str(project)!r}"
    if until is not None:
        ids = [cell.id for cell in notebook.cells]
        notebook.cells = notebook.cells[: ids.index(until) + 1]
    NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": elsewhere}}).execute()
    assert list(elsewhere.iterdir()) == []
    return "\n".join(str(cell.outputs) for cell in code_cells(notebook))


@EACH
def test_a_notebook_is_valid_and_without_output(path: Path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec == {"display_name": "Python 3", "language": "python", "name": "python3"}
    assert [cell.outputs for cell in code_cells(notebook) if cell.outputs] == []
    assert {cell.execution_count for cell in code_cells(notebook)} == {None}


@EACH
def test_a_notebook_is_thin_and_works_on_the_checkout_by_default(path: Path):
    first, *others = (cell.source for cell in code_cells(nbformat.read(path, as_version=4)))
    assert first.startswith("project = None")
    for source in (first, *others):
        assert [ast.unparse(node) for node in ast.walk(ast.parse(source)) if isinstance(node, LOGIC)] == []


def test_every_step_has_a_notebook_and_links_lead_to_one():
    assert sorted(STEPS) == [f"Step{number}" for number in range(1, 10)]
    for path in (*STEPS.values(), LABEL):
        text = path.read_text(encoding="utf-8")
        assert [name for name in text.split("`") if name.endswith(".ipynb") and not (NOTEBOOKS / name).exists()] == []


@pytest.fixture
def project(toy_project: Path) -> Path:
    """The toy project with random weights in the place of ImageNet's, and two iterations of training."""
    layout = Layout(toy_project)
    template = layout.pose_cfg_template.read_text(encoding="utf-8")
    own = toy_project / "Generating_a_Training_Set" / "pose_cfg.yaml"
    own.write_text(template.replace("max_iters: ", "max_iters: 2  # "), encoding="utf-8")
    keras.utils.set_random_seed(0)
    (layout.models / "pretrained").mkdir(parents=True)
    save_snapshot(build_backbone(50), weights_path(layout.models / "pretrained", 50))
    return toy_project


def test_a_problem_stops_the_notebook_with_one_line(toy_project: Path):
    with pytest.raises(CellExecutionError) as stopped:
        run(STEPS["Step3"], toy_project)
    assert stopped.value.traceback.splitlines()[-1].startswith("Error: Step3_CheckLabels.py stopped (exit code 1)")
    assert "Traceback" not in stopped.value.traceback
    assert "Step 2 makes it from the csv files" in str(stopped.value)


def test_the_page_opens_from_a_notebook_and_gives_the_cell_back(toy_project: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BROWSER", "true")  # opens nothing
    shown = run(LABEL, toy_project, until="label")
    assert "Label at http://127.0.0.1:" in shown
    assert "Step2_ConvertingLabels2DataFrame.py" in shown


def test_before_step_4_the_training_stops_with_one_line(toy_project: Path):
    with pytest.raises(CellExecutionError) as stopped:
        run(STEPS["Step5"], toy_project, until="choose")
    assert "Traceback" not in stopped.value.traceback
    assert "Step4_GenerateTrainingFileFromLabelledData.py makes it" in stopped.value.traceback.splitlines()[-1]


def test_the_network_of_the_settings_is_trained(toy_project: Path):
    layout = Layout(toy_project)
    for shuffle in (1, 2, 10):
        folder = layout.models / f"toyJan1-trainset70shuffle{shuffle}" / "train"
        folder.mkdir(parents=True)
        keys = "num_joints: 1\nall_joints: [[0]]\nall_joints_names: [nose]\n"  # v1's defaults for all others
        (folder / "pose_cfg.yaml").write_text(keys)
    with (toy_project / "myconfig.py").open("a") as file:
        file.write("Shuffles = [2, 10]\nshuffleindex = 1\n")
    listed, chosen = run(STEPS["Step5"], toy_project, until="choose").split("1030000 iterations with 1 images each")
    assert listed.index("shuffle2") < listed.index("shuffle10")
    assert "shuffle10" in chosen


@pytest.mark.campaign
def test_from_frames_to_a_labeled_video(project: Path):
    layout = Layout(project)
    assert "image/png" in run(STEPS["Step1"], project)
    assert len(list((layout.data_folder("toy") / "toy_2").glob("img*.png"))) == 5
    shutil.rmtree(layout.data_folder("toy") / "toy_2")

    assert "toy/img27.png" in run(STEPS["Step2"], project)
    assert "toylabeled/contact_sheet.png" in run(STEPS["Step3"], project)
    assert "toyJan1-trainset70shuffle1" in run(STEPS["Step4"], project)

    trained = run(STEPS["Step5"], project)
    assert all(text in trained for text in ("Device: ", "Training on 6 images", "image/png"))
    (train_folder,) = layout.train_folders("toy", "Jan1")
    assert (train_folder / "snapshot-2.weights.h5").exists()

    assert "DeepCut_resnet_50_70shuffle1_2forTask_toy" in run(STEPS["Step6"], project)
    judged = run(STEPS["Step7"], project)
    assert all(name in judged for name in ("test_median_error_px", "likelihood.png", "Test/contact_sheet.png"))
    assert pd.read_csv(layout.summary_table)["iteration"].tolist() == [2]

    assert "DeepCut_resnet50_toyJan1shuffle1_2" in run(STEPS["Step8"], project)
    labeled = run(STEPS["Step9"], project)
    assert all(name in labeled for name in ("frame000020.png", "x_y_likelihood.png"))
    tour = run(DEMO, project)
    assert "video/mp4" in tour
    assert "Training on" not in tour


@pytest.mark.parametrize("has_widgets", [True, False])
def test_a_bar_in_a_notebook_is_one_where_it_can_be_shown(has_widgets: bool):
    """Widgets where ipywidgets is there; otherwise the text of a terminal, without a warning."""
    hide = "" if has_widgets else "import importlib.util as util\nutil.find_spec = lambda name: None\n"
    use = "from dlc_common.progress import tqdm\nlist(tqdm(range(3), 'images'))"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(hide + use)])
    NotebookClient(notebook, kernel_name="python3").execute()
    shown = notebook.cells[0].outputs
    kinds = [kind for output in shown for kind in output.get("data", {})]
    text = "".join(output.get("text", "") for output in shown)
    assert ("application/vnd.jupyter.widget-view+json" in kinds) == has_widgets
    assert ("3/3" in text) != has_widgets
    assert "arning" not in text
