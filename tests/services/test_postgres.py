"""The private server must not outlive the tests, whatever way they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import psycopg
import pytest

from tests.e2e.installation import until
from tests.services.postgres import programs

START = """
import json, os, sys
from pathlib import Path
from tests.services.postgres import programs, start
url, pipe = start(Path(sys.argv[1]), programs())
print(json.dumps(url), flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("end", ["killed", "done"])
def test_the_server_ends_with_the_process_that_needs_it(tmp_path, postgres, end):
    if programs() is None:
        pytest.skip("TODOKE_TEST_POSTGRES_URL names a server that is not ours to start")
    began = time.monotonic()
    needy = subprocess.Popen(
        [sys.executable, "-c", START, tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    assert needy.stdout is not None
    url = json.loads(needy.stdout.readline())
    print("started within", time.monotonic() - began)
    with psycopg.connect(url) as conn:
        ((folder,),) = conn.execute("SHOW data_directory").fetchall()
        ((user,),) = conn.execute("SELECT current_user").fetchall()
    assert user != "root"
    if end == "killed":
        needy.send_signal(signal.SIGKILL)
    needy.communicate(b"\n" if end == "done" else None, timeout=20)

    def gone() -> bool:
        try:
            psycopg.connect(url, connect_timeout=1).close()
        except psycopg.OperationalError:
            return not os.path.exists(folder)
        return False

    until(gone, "the server to end", seconds=20)
