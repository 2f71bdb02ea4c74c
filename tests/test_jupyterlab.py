"""JupyterLab as a student has it: a real server over the released notebooks, and a real browser."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import free_port

TOKEN = "a-token-for-this-test"
# The toolbar says idle before there is a kernel: these are the signs that count.
READY = """async () => {
    const wait = () => new Promise(done => setTimeout(done, 50));
    const front = () => window.jupyterapp?.shell.currentWidget;
    while (!front()?.sessionContext) await wait();
    await front().context.ready;
    await front().sessionContext.ready;
    const kernel = () => front().sessionContext.session?.kernel;
    while (kernel()?.connectionStatus !== 'connected' || kernel().status !== 'idle') await wait();
}"""


@pytest.fixture(scope="module")
def lab(root, tmp_path_factory):
    """A folder with a released notebook, and the address of a JupyterLab over it."""
    base = tmp_path_factory.mktemp("lab")
    work = base / "work"
    work.mkdir()
    shutil.copy(root / "assignments" / "quantization" / "0_self_check.ipynb", work)
    environment = os.environ | {
        "HOME": str(base),
        "JUPYTER_CONFIG_DIR": str(base / "config"),
        "JUPYTER_RUNTIME_DIR": str(base / "run"),
        "JUPYTERLAB_SETTINGS_DIR": str(base / "settings"),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    news = base / "settings" / "@jupyterlab" / "apputils-extension"
    news.mkdir(parents=True)
    (news / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
    command = [
        Path(sys.executable).parent / "jupyter",
        "lab",
        "--allow-root",
        "--no-browser",
        "--LabApp.expose_app_in_browser=True",
        f"--ServerApp.port={free_port()}",
        f"--IdentityProvider.token={TOKEN}",
        f"--ServerApp.root_dir={work}",
    ]
    log = (base / "log").open("w+")
    server = subprocess.Popen(command, cwd=work, env=environment, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    address = next(
        found.group(0) for line in server.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+/", line))
    )
    drain = subprocess.Popen(["cat"], stdin=server.stderr, stdout=log)  # a full pipe would stop the server
    yield work, address
    server.terminate()
    server.wait(20)
    server.stderr.close()
    drain.wait(20)
    log.close()


@pytest.fixture(scope="module")
def page(lab, browser):
    """A page that has signed in."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{lab[1]}lab?token={TOKEN}")
        yield page


def test_a_student_fills_an_answer_runs_all_cells_and_reads_what_validate_says(lab, page):
    work, address = lab
    page.goto(f"{address}lab/tree/0_self_check.ipynb")
    page.evaluate(READY)
    answer = page.locator(".jp-CodeCell", has_text="def ridge_point").first.locator(".cm-content")
    answer.scroll_into_view_if_needed()
    answer.fill("def ridge_point(peak_flops, bandwidth):\n    return peak_flops / bandwidth")
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    page.evaluate(READY)
    page.locator(".validate-button").first.click()
    dialog = page.locator(".jp-Dialog")
    dialog.get_by_text("failed").first.wait_for()
    said = dialog.inner_text()
    assert "attainable(5, 300e12, 2e12)" in said  # not answered yet
    assert "ridge_point" not in said  # right
    assert "return peak_flops / bandwidth" in (work / "0_self_check.ipynb").read_text("utf-8")
