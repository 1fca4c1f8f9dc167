"""Every script imports without effect and answers --help before a library of networks, or of a server, is loaded."""

import json
import subprocess
import sys

import pytest

from dlc_common.cli import CHECKOUT

LABELS, ANALYSIS, NETWORK = "Generating_a_Training_Set", "Analysis-tools", "pose-tensorflow"
USUAL = ("--project", "--overwrite", "--verbose")
OF_VIDEOS = ("videos", *USUAL)

NAMED = {
    f"{LABELS}/ExportLabels.py": ("--project",),
    f"{LABELS}/ImportLabels.py": ("--project",),
    f"{LABELS}/LabelFrames.py": (
        *("--project", "--scorer", "--image", "--part", "--port", "--host", "--no-browser", "--verbose"),
    ),
    f"{LABELS}/Step1_SelectRandomFrames_fromVideos.py": USUAL,
    f"{LABELS}/Step2_ConvertingLabels2DataFrame.py": USUAL,
    f"{LABELS}/Step3_CheckLabels.py": USUAL,
    f"{LABELS}/Step4_GenerateTrainingFileFromLabelledData.py": USUAL,
    f"{LABELS}/SuggestLabels.py": ("--project", "--train", "--json"),
    "Evaluation-tools/Step1_EvaluateModelonDataset.py": USUAL,
    "Evaluation-tools/Step2_AnalysisofResults.py": USUAL,
    f"{ANALYSIS}/AnalyzeVideos.py": OF_VIDEOS,
    f"{ANALYSIS}/Calibrate.py": OF_VIDEOS,
    f"{ANALYSIS}/ExportPoses.py": ("videos", "--project", "--to", "--into", "--filtered", "--lab"),
    f"{ANALYSIS}/ExtractOutlierFrames.py": OF_VIDEOS,
    f"{ANALYSIS}/FilterPredictions.py": OF_VIDEOS,
    f"{ANALYSIS}/MakingLabeledVideo.py": (*OF_VIDEOS, "--save-frames", "--clip", "--speed", "--gif"),
    f"{ANALYSIS}/PlotTrajectories.py": OF_VIDEOS,
    f"{ANALYSIS}/Triangulate.py": OF_VIDEOS,
    f"{NETWORK}/export.py": ("savedmodel", "onnx", "openvino", "tf1", "--config", "--snapshot"),
    f"{NETWORK}/train.py": ("--config", "--max-iters", "--resume"),
    f"{NETWORK}/models/pretrained/download.py": (*USUAL, "--depth", "--origin", "resnet_v1_"),
    "demo/fetch_mouse.py": ("--help",),
    "demo/run.py": ("--help",),
}
"""What the help of a script names."""

ASK = """
import io, json, pathlib, runpy, sys
from contextlib import redirect_stderr, redirect_stdout

def run(script, name):
    code, said = None, io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        try:
            runpy.run_path(script, run_name=name)
        except SystemExit as end:
            code = end.code
    return code, said.getvalue()

told = {}
for script in sys.argv[1:]:
    sys.argv = [script, "--help"]
    imported, (code, text) = run(script, "imported"), run(script, "__main__")
    heavy = {"tensorflow", "keras", "torch", "jax", "uvicorn", "pynwb", "xarray"} & set(sys.modules)
    written = [str(path) for path in pathlib.Path().iterdir()]
    told[script] = {"imported": imported, "code": code, "help": text, "heavy": sorted(heavy), "written": written}
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict[str, dict]:
    """What each script does and says; one process imports them all, since most of what they import is the same."""
    command = [sys.executable, "-c", ASK, *(str(CHECKOUT / script) for script in NAMED)]
    done = subprocess.run(command, cwd=tmp_path_factory.mktemp("empty"), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_no_script_is_forgotten():
    folders = (LABELS, "Evaluation-tools", ANALYSIS, NETWORK, "demo")
    there = {path.relative_to(CHECKOUT).as_posix() for folder in folders for path in (CHECKOUT / folder).glob("*.py")}
    assert there | {f"{NETWORK}/models/pretrained/download.py"} == set(NAMED)


@pytest.mark.parametrize("script", NAMED)
def test_importing_does_nothing_and_help_is_light(told, script):
    of_script = told[str(CHECKOUT / script)]
    assert of_script["imported"] == [None, ""]
    assert of_script["code"] in (0, None)
    assert (of_script["heavy"], of_script["written"]) == ([], [])
    assert [name for name in NAMED[script] if name not in of_script["help"]] == []


def test_labels_are_never_overwritten_by_a_flag(told):
    assert "--overwrite" not in told[str(CHECKOUT / LABELS / "LabelFrames.py")]["help"]
