"""The addresses of the page, by Starlette's client; and who is kept out."""

import io
import json
import sys

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from dlc_common.images import read_image
from dlc_toolbox.labeling.help.background import Jobs
from dlc_toolbox.labeling.help.help import Help, HelpKind
from dlc_toolbox.labeling.server import server
from dlc_toolbox.labeling.server.guard import LARGEST_BODY_BYTES
from dlc_toolbox.labels.machine import write_machine_labels

TOKEN, PORT = "a-secret", 8123
JSON = {"content-type": "application/json"}


@pytest.fixture
def app(project):
    store = project.open()
    sleeps = [sys.executable, "-c", "import time; time.sleep(60)"]
    help = Help(Jobs(store.events), {"suggest": HelpKind(lambda: sleeps, lambda: None)})
    return server.make_app(store, help, token=TOKEN, port=PORT)


@pytest.fixture
def stranger(app):
    """A client without the token."""
    with TestClient(app, base_url=f"http://127.0.0.1:{PORT}", follow_redirects=False) as client:
        yield client


@pytest.fixture
def page(stranger):
    """A client that came by the address with the token."""
    answer = stranger.get(f"/?token={TOKEN}")
    assert answer.status_code == 303
    return stranger


def contents(project) -> dict:
    return {path: path.read_bytes() for path in project.root.rglob("*") if path.is_file()}


class TestRoutes:
    def test_the_address_becomes_a_cookie(self, stranger):
        answer = stranger.get(f"/?token={TOKEN}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert answer.headers["set-cookie"] == f"labeling-8123={TOKEN}; HttpOnly; SameSite=Strict; Path=/"

    def test_labels_there_and_back(self, page, project):
        state = page.get("/api/labels/day1/img1.png").json()
        place = [10.123456789012345, 0.1 + 0.2]
        sent = {"version": state["version"], "points": {"nose": place, "paw": "not visible"}}
        answer = page.put("/api/labels/day1/img1.png", json=sent)
        assert answer.status_code == 200
        assert answer.json()["points"] == {"nose": place, "paw": "not visible", "tail": None}
        assert project.table()["day1/img1.png"][0] == tuple(place)
        answer = page.put("/api/labels/day1/img1.png", json=sent)
        assert answer.status_code == 409
        assert answer.json() == page.get("/api/labels/day1/img1.png").json()

    def test_images_have_a_lasting_address_by_their_content(self, page, project):
        hash = page.get("/api/labels/day1/img1.png").json()["image"]["hash"]
        answer = page.get(f"/api/images/day1/img1.png?v={hash}")
        assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
        assert answer.headers["content-type"] == "image/png"
        pixels = np.asarray(Image.open(io.BytesIO(answer.content)))
        np.testing.assert_array_equal(pixels, read_image(project.folder / "img1.png"))
        assert page.get("/api/images/day1/img1.png").headers["cache-control"] == "no-store"
        assert page.get("/api/images/day1/img1.png?v=0").status_code == 404

    def test_names_are_looked_up_whatever_they_hold(self, page, project):
        name = "img #ü+&?5.png"
        for image in list(project.folder.glob("*.png")):
            image.rename(project.folder / name.replace("5", image.stem[-1]))
        (project.folder / name).write_bytes((project.folder / name.replace("5", "0")).read_bytes())
        project.stores[0].refresh()
        quoted = "img%20%23%C3%BC%2B%26%3F5.png"
        assert page.get(f"/api/labels/day1/{quoted}").json()["name"] == name

    def test_machine_labels_are_accepted(self, page, project):
        images = [f"img{number}.png" for number in range(4)]
        write_machine_labels(project.folder, images, ["nose"], np.full((4, 1, 2), 7.5), np.full((4, 1), 0.8), "n")
        project.stores[0].refresh()
        sent = {"folder": "day1", "name": None, "parts": None, "likelihood": 0.9}
        assert page.post("/api/accept", json=sent).json() == {"accepted": 0, "changes": []}
        answer = page.post("/api/accept", json={**sent, "likelihood": 0.8, "name": "img2.png"}).json()
        version = page.get("/api/labels/day1/img2.png").json()["version"]
        change = {"folder": "day1", "name": "img2.png", "parts": ["nose"], "version": version}
        assert answer == {"accepted": 1, "changes": [change]}

    def test_questions_are_answered(self, page, project):
        project.fiji_saves("snout", "X,Y,Slice\n10,20,1\n")
        (question,) = page.get("/api/project").json()["questions"]
        assert question["id"] == "part:snout"
        answer = page.post("/api/answer", json={"id": "part:snout", "answer": "rename:nose"})
        assert answer.json()["questions"] == []
        assert page.get("/api/labels/day1/img0.png").json()["points"]["nose"] == [10, 20]

    def test_help_is_one_job_at_a_time(self, page):
        assert page.get("/api/project").json()["help"]["why_not_train"] == "this help is not installed"
        job = page.post("/api/suggest", json={}).json()
        assert (job["kind"], job["state"]) == ("suggest", "running")
        assert page.post("/api/suggest", json={}).status_code == 409
        assert page.post("/api/cancel", json={"id": job["id"]}).status_code == 200
        assert page.post("/api/cancel", json={"id": "none"}).status_code == 404

    def test_files_of_the_page_are_a_fixed_list(self, project, monkeypatch, tmp_path):
        folder = tmp_path / "page"
        folder.mkdir()
        (folder / "index.html").write_text("<!doctype html>")
        (folder / "view.js").write_text("export {};")
        monkeypatch.setattr(server, "PAGE", folder)
        store = project.open()
        app = server.make_app(store, Help(Jobs(store.events)), token="t", port=1)
        with TestClient(app, base_url="http://localhost", follow_redirects=True) as client:
            assert client.get("/?token=t").text == "<!doctype html>"
            answer = client.get("/page/view.js")
            assert answer.headers["content-type"].startswith("text/javascript")
            assert client.get("/page/other.js").status_code == 404


NONSENSE = [
    ("PUT", "/api/labels/day1/img1.png", b"{"),
    ("PUT", "/api/labels/day1/img1.png", b"[]"),
    ("PUT", "/api/labels/day1/img1.png", b"\xff\xfe"),
    ("PUT", "/api/labels/day1/img1.png", b"[" * 100000),
    ("PUT", "/api/labels/day1/img1.png", b'{"points": {"nose": [1e999, 2]}}'),
    ("PUT", "/api/labels/day1/img1.png", b'{"points": {"nose": [' + b"9" * 5000 + b", 2]}}"),
    ("POST", "/api/accept", b'{"folder": 1}'),
    ("POST", "/api/accept", b'{"folder": "day1", "parts": "nose"}'),
    ("POST", "/api/accept", b'{"folder": "day1", "likelihood": "high"}'),
    ("POST", "/api/answer", b'{"id": "part:nose"}'),
    ("POST", "/api/cancel", b"{}"),
]


@pytest.mark.parametrize(("method", "address", "body"), NONSENSE)
def test_nonsense_is_answered_with_400_and_nothing_written(page, project, method, address, body):
    before = contents(project)
    answer = page.request(method, address, content=body, headers=JSON)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert contents(project) == before


ADDRESSES = ["/", "/?token=wrong", "/?token=", "/api/project", "/api/labels/day1/img1.png", "/page/a.js", "/api/events"]
ORIGINS = ["http://evil.example", "null", "http://127.0.0.1:9999", "http://127.0.0.1", f"ftp://127.0.0.1:{PORT}", ""]
HOSTS = ["evil.example", f"evil.example:{PORT}", "127.0.0.1.evil.example", "192.168.1.5", "", "127.0.0.1:x", "[::2]"]
ELSEWHERE = ["..%2F..%2Fmyconfig.py", "%2E%2E/%2E%2E/myconfig.py", "....//myconfig.py", "img0.png%00", "day1/..%2Fx"]


class TestGuard:
    """Everybody but the page itself is refused, and nothing is written."""

    SENT = json.dumps({"version": "", "points": {"nose": [1, 2]}}).encode()
    LABELS = "/api/labels/day1/img1.png"

    @pytest.fixture(autouse=True)
    def unchanged(self, app, project):
        before = contents(project)
        yield
        assert contents(project) == before

    @pytest.mark.parametrize("address", ADDRESSES)
    def test_without_the_token(self, stranger, address):
        assert stranger.get(address).status_code in (401, 403)

    @pytest.mark.parametrize("address", ["/", "/?token=wrong"])
    def test_a_person_with_an_old_address_gets_a_sentence(self, stranger, address):
        answer = stranger.get(address, headers={"accept": "text/html,application/xhtml+xml"})
        assert answer.status_code in (401, 403) and answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "pen the address that LabelFrames.py has printed, with its token.</p>" in answer.text
        assert "pen the address that LabelFrames.py has printed" in stranger.get(address).json()["error"]

    @pytest.mark.parametrize("cookie", ["wrong", "", TOKEN + "x", '"', "\\"])
    def test_with_a_wrong_cookie(self, stranger, cookie):
        answer = stranger.get("/api/project", headers={"cookie": f"labeling-8123={cookie}"})
        assert answer.status_code == 401

    def test_with_the_cookie_of_another_server(self, stranger):
        assert stranger.get("/api/project", headers={"cookie": f"labeling-8124={TOKEN}"}).status_code == 401

    def test_writing_without_the_token(self, stranger):
        assert stranger.put(self.LABELS, content=self.SENT, headers=JSON).status_code == 401

    @pytest.mark.parametrize(
        "origin",
        ["http://evil.example", "null", "http://127.0.0.1:9999", "http://127.0.0.1", f"ftp://127.0.0.1:{PORT}", ""],
    )
    def test_another_origin(self, page, origin):
        headers = {**JSON, "origin": origin}
        assert page.put(self.LABELS, content=self.SENT, headers=headers).status_code == 403
        assert page.get("/api/project", headers=headers).status_code == 403

    def test_its_own_origin_is_let_through(self, page):
        headers = {**JSON, "origin": f"http://127.0.0.1:{PORT}"}
        assert page.put(self.LABELS, content=self.SENT, headers=headers).status_code == 409

    @pytest.mark.parametrize(
        "host",
        ["evil.example", f"evil.example:{PORT}", "127.0.0.1.evil.example", "192.168.1.5", "", "127.0.0.1:x", "[::2]"],
    )
    def test_a_wrong_host(self, page, host):
        assert page.get("/api/project", headers={"host": host}).status_code == 403

    @pytest.mark.parametrize("host", ["localhost", "localhost:1", "127.0.0.1:65000", "[::1]:80", "LOCALHOST"])
    def test_any_port_of_a_loopback_name_is_let_through_for_tunnels(self, stranger, host):
        headers = {"host": host, "cookie": f"labeling-8123={TOKEN}"}
        assert stranger.get("/api/project", headers=headers).status_code == 200

    def test_a_server_for_others_answers_to_addresses_too(self, project):
        store = project.stores[0] if project.stores else project.open()
        app = server.make_app(store, Help(Jobs(store.events)), token=TOKEN, port=PORT, host="0.0.0.0")
        with TestClient(app, base_url="http://192.168.1.5:8123", follow_redirects=False) as client:
            client.get(f"/?token={TOKEN}")
            assert client.get("/api/project").status_code == 200
            assert client.get("/api/project", headers={"host": "evil.example"}).status_code == 403

    @pytest.mark.parametrize("name", ELSEWHERE)
    def test_names_that_are_paths(self, page, name):
        images = "/api/images"
        for address in (f"{images}/{name}", f"{images}/day1/{name}", f"{images}/{name}/img0.png", f"/page/{name}"):
            assert page.get(address).status_code == 404
        version = {"version": "", "points": {}}
        assert page.put(f"/api/labels/day1/{name}", json=version).status_code == 404
        assert page.get(f"/api/video/{name}/0").status_code == 404
        assert page.post("/api/accept", json={"folder": f"../{name}"}).status_code == 404

    @pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
    def test_another_content_type(self, page, kind):
        answer = page.put(self.LABELS, content=self.SENT, headers={"content-type": kind})
        assert answer.status_code == 415

    def test_a_large_body_is_refused_by_what_it_declares(self, page):
        headers = {**JSON, "content-length": str(2 * 2**30)}
        assert page.put(self.LABELS, content=b"{}", headers=headers).status_code == 413

    def test_a_large_body_in_chunks_is_refused_when_it_has_become_too_large(self, page):
        chunks = iter([bytes(2**16)] * (2 * LARGEST_BODY_BYTES // 2**16))
        assert page.put(self.LABELS, content=chunks, headers=JSON).status_code == 413
        body = b'{"version": "", "points": {}' + b" " * LARGEST_BODY_BYTES + b"}"
        assert page.put(self.LABELS, content=body, headers=JSON).status_code == 413

    @pytest.mark.parametrize("length", ["-1", "x", "1" * 30])
    def test_a_length_that_is_none(self, page, length):
        answer = page.put(self.LABELS, content=b"{}", headers={**JSON, "content-length": length})
        assert answer.status_code in (400, 413)

    @pytest.mark.parametrize("method", ["DELETE", "PATCH", "OPTIONS", "TRACE"])
    def test_other_methods(self, page, method):
        assert page.request(method, self.LABELS, headers=JSON).status_code == 405

    @pytest.mark.parametrize("address", ["/api/project", "/api/nothing", "/?token=wrong", f"/?token={TOKEN}"])
    def test_every_answer_has_the_headers(self, page, address):
        headers = page.get(address).headers
        assert headers["content-security-policy"] == (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in headers

    def test_a_link_in_a_notebook_gets_there_with_one_more_step(self, stranger):
        first = stranger.get("/", headers={"sec-fetch-site": "cross-site"})
        assert first.status_code == 401
        assert "url=/?again" in first.text
        again = stranger.get("/?again", headers={"sec-fetch-site": "same-origin"})
        assert again.status_code == 401
        assert "open the address" in again.json()["error"]

    def test_no_websockets(self, page):
        from starlette.websockets import WebSocketDisconnect

        with pytest.raises(WebSocketDisconnect), page.websocket_connect("/api/events"):
            pass


def test_a_disk_that_refuses_is_507_and_a_reader_403(page, project, monkeypatch):
    version = page.get("/api/labels/day1/img1.png").json()["version"]
    sent = {"version": version, "points": {"nose": [1, 2]}}

    def refuse(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as context:
        context.setattr("dlc_common.files.os.fsync", refuse)
        answer = page.put("/api/labels/day1/img1.png", json=sent)
    assert answer.status_code == 507
    assert "No space left on device" in answer.json()["error"]
    project.fiji_saves("nose", "nothing\n")
    answer = page.put("/api/labels/day1/img1.png", json=sent)
    assert answer.status_code == 403
    assert "nose.csv has no column" in answer.json()["error"]
