import errno
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest

from deepercut.weights.snapshots import state_path
from dlc_common import cli
from dlc_common.cli import CHECKOUT
from dlc_toolbox.labels.labels import convert_labels
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import load_settings
from dlc_toolbox.project.tables import read_table, write_table

STEP1 = CHECKOUT / "Evaluation-tools" / "Step1_EvaluateModelonDataset.py"
STEP2 = CHECKOUT / "Evaluation-tools" / "Step2_AnalysisofResults.py"
NETWORK = "DeepCut_resnet_50_70shuffle1_100forTask_toy"


@pytest.fixture
def stub_network(monkeypatch, toy_network):
    """Every snapshot finds the dots, moved by (3, 4) pixels; the tail with a likelihood of exactly pcutoff / 2."""
    from deepercut.inference import predict

    loaded = []

    def load_predictor(config_path, snapshot, engine="auto"):
        loaded.append(snapshot.iteration if engine == "auto" else engine)
        return lambda frames: toy_network(frames, (3, 4), (0.9, 0.1, 0.05))

    monkeypatch.setattr(predict, "load_predictor", load_predictor)
    return loaded


@pytest.fixture
def run(trained_project, tmp_path, monkeypatch):
    """Run a script's main on the toy project, from a foreign directory."""
    monkeypatch.chdir(tmp_path)

    def run_script(script, *flags):
        return cli.run(runpy.run_path(str(script))["main"], ["--project", str(trained_project), *flags])

    return run_script


@pytest.fixture
def results(trained_project):
    return Layout(trained_project).results


def edit_settings(project, **changes):
    with (project / "myconfig.py").open("a") as file:
        file.writelines(f"{name} = {value!r}\n" for name, value in changes.items())


def test_both_steps_on_the_toy_project(run, trained_project, results, stub_network, capsys):
    (train_folder,) = Layout(trained_project).models.glob("*/train")
    np.savez(state_path(train_folder, 100), held_out=["toy/img00.png"])
    assert run(STEP1) == 0
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first.startswith("Device: ") and "Step2_AnalysisofResults.py" in last
    assert stub_network == [100]
    assert read_table(results / f"{NETWORK}.h5").shape == (10, 9)
    assert run(STEP2) == 0
    output = capsys.readouterr().out
    assert "training error 5.00 px (mean), 5.00 px (median)" in output
    assert "test error 5.00 px (mean), 5.00 px (median)" in output
    assert "AnalyzeVideos.py" in output
    outlook = "more labels help more cannot be told: 6 training and 3 test images have labels"  # of 7, one was held out
    assert outlook in output
    assert outlook in (results / "toyJan1-trainset70shuffle1.html").read_text(encoding="utf-8")
    (row,) = pd.read_csv(results / "evaluation.csv").to_dict("records")
    assert (row["train_fraction"], row["shuffle"], row["iteration"], row["pcutoff"]) == (0.7, 1, 100, 0.1)
    np.testing.assert_allclose(
        [row[f"{s}_{n}_px"] for s in ("train", "test") for n in ("mean_error", "rmse")], 5, atol=1e-4
    )
    assert row["train_share_above_pcutoff"] == pytest.approx(14 / 20)  # the tail is hidden once
    assert row["test_share_above_pcutoff"] == pytest.approx(2 / 3)
    pictures = results / f"LabeledImages_{NETWORK}"
    assert len(list((pictures / "Training").glob("toy_img*.png"))) == 7
    assert len(list((pictures / "Test").glob("toy_img*.png"))) == 3
    assert (results / f"Plots_{NETWORK}" / "error_per_part.png").is_file()


def test_again_nothing_is_written_so_that_the_project_may_be_read_only(run, trained_project, stub_network, monkeypatch):
    assert [run(STEP1), run(STEP2)] == [0, 0]

    def refuse(**wanted):
        raise PermissionError(errno.EACCES, "Permission denied", wanted["dir"])

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    assert [run(STEP1), run(STEP2)] == [0, 0]


def test_test_images_that_trained_an_earlier_network_are_told(run, trained_project, results, stub_network, capsys):
    (train_folder,) = Layout(trained_project).models.glob("*/train")
    page = results / "toyJan1-trainset70shuffle1.html"
    edit_settings(trained_project, plotting=False)
    assert run(STEP1) == 0
    assert run(STEP2) == 0
    assert "which it never saw" in " ".join(page.read_text(encoding="utf-8").split())
    np.savez(state_path(train_folder, 100), trained=[f"toy/img{number:02d}.png" for number in range(30)])
    capsys.readouterr()
    assert run(STEP2) == 0
    said = "3 of 3 test images trained the network that this one started from"
    output = capsys.readouterr()
    assert said in output.out + output.err
    text = page.read_text(encoding="utf-8")
    assert f"<b>{said}" in text and "never saw" not in text
    assert "tested it, 3 of which had trained" in text


def test_a_damaged_table_of_poses_is_no_dead_end(run, trained_project, results, stub_network, capsys):
    edit_settings(trained_project, plotting=False)
    assert run(STEP1) == 0
    table = results / f"{NETWORK}.h5"
    table.write_bytes(table.read_bytes()[:2000])
    assert run(STEP2) == 1
    assert "if a step here made it, it makes it anew with --overwrite" in capsys.readouterr().err
    assert run(STEP1, "--overwrite") == 0
    assert run(STEP2) == 0


def test_labels_corrected_after_training_are_told_once_per_training_set(
    run, trained_project, results, stub_network, capsys
):
    edit_settings(trained_project, snapshotindex="all", plotting=False)
    assert run(STEP1) == 0
    assert run(STEP2) == 0
    assert "labels were corrected" not in capsys.readouterr().out
    live = Layout(trained_project).label_table("toy", "Ann")
    table = read_table(live)
    table.loc["toy/img00.png", ("Ann", "nose", "x")] += 1
    table.loc["toy/img03.png", ("Ann", "paw")] = np.nan
    write_table(table.iloc[:-1], live)  # and the three labels of the last image
    before = (results / "evaluation.csv").read_bytes()
    assert run(STEP2) == 0
    output = capsys.readouterr().err
    assert output.count("5 of 29 labels were corrected since its training set was made") == 1
    assert (results / "evaluation.csv").read_bytes() == before
    live.write_bytes(b"damaged")
    assert run(STEP2) == 0
    assert "cannot be compared with the labels of" in capsys.readouterr().err


def test_labels_corrected_in_a_csv_alone_are_told_with_the_steps_to_run(
    run, trained_project, results, stub_network, capsys
):
    edit_settings(trained_project, plotting=False)
    assert run(STEP1) == 0
    layout = Layout(trained_project)
    convert_labels(layout, load_settings(trained_project), "Ann", overwrite=True)
    assert run(STEP2) == 0
    assert "CollectedData" not in capsys.readouterr().err
    clicks = layout.data_folder("toy") / "toy" / "nose.csv"
    table = pd.read_csv(clicks)
    table.loc[0, "X"] += 1
    table.to_csv(clicks, index=False)
    assert run(STEP2) == 0
    said = capsys.readouterr().err
    assert "CollectedData_Ann.h5 is older than what it was made from (toy/nose.csv changed); the errors are" in said
    assert "Step2_ConvertingLabels2DataFrame.py, and then Step 4 with a new number in Shuffles" in said
    clicks.unlink()
    assert run(STEP2) == 0
    assert "cannot be compared with the labels of the training set: neither" in capsys.readouterr().err


def test_every_snapshot_is_evaluated_once(run, trained_project, results, stub_network, capsys):
    edit_settings(trained_project, snapshotindex="all", plotting=False)
    assert run(STEP1) == 0
    assert run(STEP1) == 0
    assert stub_network == [20, 100]
    assert "skipped, it is current" in capsys.readouterr().out
    assert run(STEP1, "--overwrite") == 0
    assert stub_network == [20, 100, 20, 100]
    assert run(STEP2) == 0
    assert pd.read_csv(results / "evaluation.csv")["iteration"].tolist() == [20, 100]
    assert (results / "toyJan1-trainset70shuffle1_error_by_iteration.png").is_file()
    assert not list(results.glob("LabeledImages_*"))


def test_a_missing_snapshot_lists_those_that_exist(run, trained_project, stub_network, capsys):
    edit_settings(trained_project, snapshotindex=5)
    for step in (STEP1, STEP2):
        assert run(step) == 1
        error = capsys.readouterr().err.splitlines()[-1]
        assert "20, 100" in error and "index is 5" in error
    assert stub_network == []


@pytest.mark.parametrize("index", [-1, "all"])
def test_no_snapshot_says_to_train(run, trained_project, stub_network, capsys, index):
    edit_settings(trained_project, snapshotindex=index)
    for snapshot in Layout(trained_project).models.glob("*/train/snapshot-*"):
        snapshot.unlink()
    assert run(STEP1) == 1
    assert "train first" in capsys.readouterr().err


def test_analysis_before_evaluation_says_what_to_run(run, capsys):
    assert run(STEP2) == 1
    assert f"{NETWORK}.h5 does not exist (there is none yet): run Evaluation-tools/Step1" in capsys.readouterr().err


def test_settings_are_checked_before_a_network_is_loaded(trained_project):
    edit_settings(trained_project, pcutof=0.3)
    code = "import runpy, sys\nfrom dlc_common import cli\n"
    code += f"for script in {[str(STEP1), str(STEP2)]!r}:\n"
    code += f"    assert cli.run(runpy.run_path(script)['main'], ['--project', {str(trained_project)!r}]) == 1\n"
    code += "    assert 'keras' not in sys.modules\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("pcutof is no setting; did you mean pcutoff?") == 2


def test_one_page_per_experiment_shows_the_best_snapshot_and_can_be_sent_around(
    run, trained_project, results, monkeypatch, toy_network
):
    from deepercut.inference import predict

    monkeypatch.setattr(
        predict,
        "load_predictor",
        lambda _, snapshot, engine: (
            lambda frames: toy_network(frames, (0, 6 if snapshot.iteration == 100 else 2), (1, 1, 0.05))
        ),
    )
    edit_settings(trained_project, snapshotindex="all", plotting=False, scorer="Ann", pcutoff=0.5)
    assert run(STEP1) == 0
    assert run(STEP2) == 0
    page = results / "toyJan1-trainset70shuffle1.html"
    text = page.read_text(encoding="utf-8")
    assert "After 20 iterations" in text and "<b>2.0 px</b>" in text
    rows = re.findall(r'<tr( class="best")?>\s*<td>(\d+)</td><td>([\d.]+)</td>', text)
    assert rows == [(' class="best"', "20", "2.0"), ("", "100", "6.0")]
    assert "There is no learning curve in" in text
    assert len(re.findall('src="data:image/png;base64,', text)) == 4, "three plots, and the error against iterations"
    assert len(re.findall('src="data:image/jpeg;base64,', text)) == 3, "the test images"
    assert re.findall('(?:src|href)="(?!data:)', text) == [], "nothing lies outside the page"
    parts = re.findall(r"</span>(\w+)</td>\s*<td>(\d+)</td>\s*<td>([\d.]+)</td><td>([\d.]+)</td>", text)
    assert parts == [(part, "3", "2.0", "2.0") for part in ("nose", "paw", "tail")]
    assert "network, likelihood ≥ 0.5" in text and "likelihood\n1.00" in text.replace("\n ", "\n")

    curve = Layout(trained_project).models / "toyJan1-trainset70shuffle1" / "train" / "learning_curve.png"
    curve.write_bytes((results / f"Plots_{NETWORK}" / "likelihood.png").read_bytes())
    edit_settings(trained_project, plotting=True, snapshotindex=-1)
    assert run(STEP2) == 0
    text = page.read_text(encoding="utf-8")
    assert "After 100 iterations" in text and "no learning curve" not in text and 'class="best"' not in text
    links = [unquote(link) for link in re.findall('href="([^"]*)"', text)]
    assert len(links) == 3 and all((results / link).is_file() for link in links)


def test_with_an_engine_of_reduced_precision_test_images_are_looked_at_once_more(
    run, results, trained_project, stub_network, capsys
):
    with (trained_project / "myconfig_analysis.py").open("a") as file:
        file.write("engine = 'openvino-int8'\n")
    assert run(STEP1) == 0
    assert stub_network == [100, "openvino-int8"]
    assert read_table(results / f"{NETWORK}_int8.h5").shape == (3, 9)
    assert run(STEP2) == 0
    output = capsys.readouterr().out
    assert f"{NETWORK} in int8: test error 5.00 px (mean), 5.00 px (median); tables and page are of full" in output
    assert f"{NETWORK} in int8: How far off a pose may be is not known: the poses were made bef" in output
    (results / f"{NETWORK}_int8.h5").unlink()
    assert run(STEP2) == 0
    assert "How far off poses in int8 may be is not known: " in capsys.readouterr().err


def test_the_test_error_is_told_at_the_scale_of_the_analysis(run, trained_project, monkeypatch, find_dots, capsys):
    """As of a network that was trained on images of half the size, and finds nothing in others."""
    from deepercut.inference import predict

    def find_small(frames):
        return find_dots(frames) if frames.shape[1:3] == (60, 80) else np.zeros((len(frames), 3, 3), np.float32)

    monkeypatch.setattr(predict, "load_predictor", lambda *_: find_small)
    with (trained_project / "myconfig_analysis.py").open("a") as file:
        file.write("analysisscale = 0.5\n")
    assert run(STEP1) == 0 and run(STEP2) == 0
    output = capsys.readouterr().out
    assert float(re.search(r"iteration 100: test error (\S+) px \(mean\)", output)[1]) > 20
    assert float(re.search(rf"{NETWORK} in scale0\.5: test error (\S+) px \(mean\)", output)[1]) < 2


def test_what_fast_stands_for_is_measured_and_evaluated(run, results, trained_project, precisions, find_dots, capsys):
    loads = precisions(find_dots, int8=(0, 0))
    with (trained_project / "myconfig_analysis.py").open("a") as file:
        file.write("engine = 'fast'\n")
    assert run(STEP1) == 0
    assert "engine = 'fast': openvino-int8" in capsys.readouterr().out
    assert loads == ["auto", "openvino", "openvino-int8", "openvino-int8"]
    (table,) = results.glob(f"{NETWORK}_int8*.h5")
    assert read_table(table).shape == (3, 9)
    loads.clear()
    assert run(STEP1) == 0
    assert loads == []
    assert run(STEP2) == 0
    assert f"{NETWORK} in {table.stem.removeprefix(NETWORK + '_')}: How far off" in capsys.readouterr().out


def test_fast_is_not_measured_for_a_network_that_is_not_evaluated(run, trained_project, precisions, find_dots):
    loads = precisions(find_dots, int8=(0.1, 0))
    other = Layout(trained_project).models / "otherJan1-trainset70shuffle1"
    shutil.copytree(Layout(trained_project).models / "toyJan1-trainset70shuffle1", other)
    with (trained_project / "myconfig_analysis.py").open("a") as file:
        file.write("engine = 'fast'\nTask = 'other'\n")
    assert run(STEP1) == 0
    assert loads == ["auto"]


def test_settings_of_the_analysis_that_are_wrong_stop_no_evaluation(run, trained_project, stub_network, capsys):
    with (trained_project / "myconfig_analysis.py").open("a") as file:
        file.write("shufle = 3\n")
    assert run(STEP1) == 0
    assert "is learned for full precision and size alone: " in capsys.readouterr().err
