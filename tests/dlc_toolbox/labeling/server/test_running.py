"""LabelFrames.py as a person runs it: its address, news, large bodies, Ctrl-C, and being killed."""

import http.client
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import pytest

from dlc_common.cli import CHECKOUT
from dlc_toolbox.labels.clicks import ClickTable

SCRIPT = "Generating_a_Training_Set/LabelFrames.py"
PARTS = ("nose", "paw", "tail")


class Page:
    """A page that talks to a server."""

    def __init__(self, address: str):
        parts = urlsplit(address)
        self.host, self.port, self.place = parts.hostname, parts.port, parts.fragment
        answer, _ = self.ask("GET", f"/?{parts.query}")
        self.cookie = answer.getheader("set-cookie").partition(";")[0]

    def ask(self, method: str, address: str, body: object = None) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        headers = {"cookie": getattr(self, "cookie", ""), "content-type": "application/json"}
        connection.request(method, address, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer, content

    def get(self, address: str) -> dict:
        return json.loads(self.ask("GET", address)[1])

    def set(self, image: str, **points) -> dict:
        version = self.get(f"/api/labels/day1/{image}")["version"]
        answer, content = self.ask("PUT", f"/api/labels/day1/{image}", {"version": version, "points": points})
        assert answer.status == 200, content
        return json.loads(content)


@contextmanager
def running(project, *flags: str):
    """Run the script until the end of the block; yields process and page."""
    command = [sys.executable, "-u", str(CHECKOUT / SCRIPT), "--project", str(project.root), "--no-browser", *flags]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        line = process.stdout.readline()
        found = re.search(r"http://\S+/\?token=\S+", line)
        assert found, line + process.stdout.read()
        yield process, Page(found[0])
    finally:
        process.kill()
        process.communicate()


def test_the_address_leads_to_the_image_that_was_asked_for(project):
    with running(project, "--image", "day1/img1.png", "--part", "paw") as (process, page):
        assert page.place == "image=day1%2Fimg1.png&part=paw"
        assert page.get("/api/project")["bodyparts"]
        process.send_signal(signal.SIGINT)


def test_label_see_news_and_end(project):
    with running(project) as (process, page):
        connection = http.client.HTTPConnection(page.host, page.port, timeout=30)
        connection.request("GET", "/api/events", headers={"cookie": page.cookie})
        news = connection.getresponse()
        assert news.getheader("content-type").startswith("text/event-stream")
        assert b"".join(news.readline() for _ in range(4)) == b"retry: 1000\nevent: hello\ndata: {}\n\n"
        state = page.set("img1.png", nose=[10.25, 20])
        data = {"folder": "day1", "name": "img1.png", "version": state["version"]}
        assert news.readline() == b"event: labels\n"
        assert news.readline() == b"data: " + json.dumps(data).encode() + b"\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        last = process.stdout.read().splitlines()[-1]
        assert last.startswith("Next: ")
        assert "Step2_ConvertingLabels2DataFrame.py" in last
    assert project.table()["day1/img1.png"] == [(10.25, 20), None, None]


def test_two_gigabytes_are_refused_before_they_are_read(project):
    with running(project) as (_, page):
        for declared in (True, False):
            with socket.create_connection((page.host, page.port), timeout=30) as connection:
                size = f"Content-Length: {2 * 2**30}" if declared else "Transfer-Encoding: chunked"
                head = (
                    f"PUT /api/labels/day1/img1.png HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\n"
                    f"Cookie: {page.cookie}\r\nContent-Type: application/json\r\n{size}\r\n\r\n"
                )
                connection.sendall(head.encode())
                sent = 0
                with suppress(ConnectionError):
                    while not declared and sent < 64:  # MB; the answer comes long before
                        connection.sendall(b"100000\r\n" + bytes(2**20) + b"\r\n")
                        sent += 1
                with suppress(ConnectionError):
                    assert connection.recv(12) == b"HTTP/1.1 413"
        assert page.get("/api/labels/day1/img1.png")["state"] == "open"
    assert not list(project.folder.glob("*.csv"))


@pytest.mark.campaign
@pytest.mark.parametrize("together", [False, True])
def test_killed_at_any_moment_every_label_that_was_saved_is_there(make_project, together):
    project = make_project(images=6, multibodypartsfile=together, invisibleboundary=4)
    chance, saved, attempted = random.Random(0), {}, {}
    for _ in range(10):
        with running(project) as (process, page):
            ended = threading.Event()

            def label(page=page, ended=ended) -> None:
                while not ended.is_set():
                    image, part = f"img{chance.randrange(6)}.png", chance.choice(PARTS)
                    place = [round(chance.uniform(5, 79), 6), round(chance.uniform(5, 59), 6)]
                    attempted.setdefault((image, part), []).append(place)
                    with suppress(OSError, http.client.HTTPException, ValueError):
                        page.set(image, **{part: place})
                        saved[image, part] = place
                        attempted[image, part] = []

            client = threading.Thread(target=label)
            client.start()
            time.sleep(chance.uniform(0.05, 0.6))
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            ended.set()
            client.join()
        for path in project.folder.glob("[!.]*.csv"):  # without what was half-written
            ClickTable(path.read_bytes(), path)
        store = project.open()
        for (image, part), place in saved.items():
            found = list(store.labels("day1", image)["points"][part])
            assert found in [place, *attempted[image, part]]
            saved[image, part], attempted[image, part] = found, []
        project.close()
    assert len(saved) > 10


def test_the_port_stays_the_projects_unless_it_is_taken(project):
    """A page that was open when the program ended finds it again."""
    ports = []
    for _ in range(2):
        with running(project) as (_, page):
            ports.append(page.port)
    assert ports[0] == ports[1]
    with socket.create_server(("127.0.0.1", ports[0])), running(project) as (_, page):
        assert page.port != ports[0]


def test_a_port_that_is_taken(project):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, str(CHECKOUT / SCRIPT), "--project", str(project.root), "--port", str(port)]
        done = subprocess.run([*command, "--no-browser"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert f"port {port} cannot be listened on" in done.stdout
