"""What is written to standard error: ids and places, never what an exception quotes."""

import subprocess
import sys

SERVED = """
import os, signal, socket, threading, time, urllib.error, urllib.request
from starlette.applications import Starlette
from starlette.routing import Route
from engine.io.log import configure
from engine.terminal.serve import serve

def broken(request):
    raise ValueError("naoko@example.com")

def ask(port):
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/t/a-token-of-hers")
        except urllib.error.HTTPError as answer:
            print(answer.code, answer.read().decode())
            break
        except OSError:
            time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGTERM)

with socket.create_server(("127.0.0.1", 0)) as probe:
    port = probe.getsockname()[1]
configure("INFO", human=False)
threading.Thread(target=ask, args=(port,), daemon=True).start()
serve(Starlette(routes=[Route("/t/{token}", broken)]), "127.0.0.1", port)
"""


def test_an_error_of_the_web_server_quotes_nothing():
    done = subprocess.run([sys.executable, "-c", SERVED], capture_output=True, text=True, timeout=60)
    assert done.stdout == "500 Internal Server Error\n"
    assert "ValueError" in done.stderr
    assert " broken\n" in done.stderr, "where it happened is said"
    assert "naoko" not in done.stdout + done.stderr
    assert "a-token-of-hers" not in done.stderr
