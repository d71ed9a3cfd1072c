"""Starting JupyterLab and the dashboards for tests, and driving them."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from playwright.sync_api import TimeoutError as PlaywrightTimeout

from journey_widgets.publish.dashboards import _free_port

SECONDS = 90_000
TOKEN = "test"


@contextlib.contextmanager
def jupyterlab(folder, workspace, home):
    """JupyterLab on a folder of notebooks, with an empty home of its own; yields its address."""
    port = _free_port(0)
    # Two servers at the same time may choose the same port for their kernels; names of files, short ones, they cannot.
    short = tempfile.mkdtemp(prefix="jw-lab-")
    # All cells stay in the page, so that tests can look for them without scrolling.
    tracker = (
        home / "settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    )
    tracker.parent.mkdir(parents=True, exist_ok=True)
    tracker.write_text('{"windowingMode": "none"}')
    env = {
        **os.environ,
        "JOURNEY_WORKSPACE": str(workspace),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": short,
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "PYTHONWARNINGS": "ignore",
    }
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}",
        "--ServerApp.ip=127.0.0.1", "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={folder}",
    ]  # fmt: skip
    config = home / "config" / "jupyter_server_config.json"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text('{"KernelManager": {"transport": "ipc"}}')
    with (home / "lab.log").open("wb") as log:
        process = subprocess.Popen(
            command, env=env, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            _wait(process, f"http://127.0.0.1:{port}/api/status?token={TOKEN}")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def _wait(process, url):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert process.poll() is None, "JupyterLab ended at once"
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own server
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    msg = "JupyterLab did not answer"
    raise TimeoutError(msg)


def run_all(page):
    """Run all cells of the open notebook, and wait until the last has run."""
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=SECONDS)
    page.wait_for_function(
        "() => document.querySelector('.jp-NotebookPanel-toolbar .jp-Notebook-ExecutionIndicator')"
        "?.dataset.status === 'idle'",
        timeout=SECONDS,
    )
    # Cells that are run before the kernel is connected make JupyterLab ask for one, and start a second.
    address = f"{page.url.partition('/lab/')[0]}/api/kernels?token={TOKEN}"
    end = time.monotonic() + SECONDS / 1000
    while time.monotonic() < end:
        answer = page.request.get(address)
        there = (
            answer.json() if answer.ok else []
        )  # a kernel that is just starting may not say yet how it is
        if any(k["execution_state"] == "idle" and k["connections"] for k in there):
            break
        _choose_kernel(page)
        page.wait_for_timeout(200)
    while time.monotonic() < end:
        _choose_kernel(page)
        with contextlib.suppress(PlaywrightTimeout):  # it may ask for a kernel just now
            page.locator("li.lm-MenuBar-item >> text=Run").first.click(timeout=5_000)
            page.locator('.lm-Menu-item[data-command="runmenu:run-all"]').first.click(timeout=5_000)
        page.wait_for_timeout(700)
        if _choose_kernel(page):
            continue
        with contextlib.suppress(PlaywrightTimeout):
            page.wait_for_function(FINISHED, timeout=SECONDS / 3)
            return
    msg = "the notebook's cells did not all run"
    raise TimeoutError(msg)


def _choose_kernel(page):
    """Take the kernel offered where JupyterLab asks for one; any other question is a failure that says so."""
    dialog = page.locator(".jp-Dialog")
    if not dialog.count():
        return False
    asked = dialog.first.inner_text()
    assert "Select Kernel" in asked, asked
    dialog.locator("button.jp-mod-accept").first.click()
    return True


FINISHED = """() => [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')]
  .every((p) => /^\\[\\d+\\]/.test(p.innerText.trim()))"""
