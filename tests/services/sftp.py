"""SFTP servers of the tests, in processes of their own: the library's, and OpenSSH's where it is asked for."""

from __future__ import annotations

import asyncio
import getpass
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from tests.services.ports import free_port

ROOT = Path(__file__).parents[2]
PASSWORD = "a password of the tests"


@dataclass(frozen=True)
class Server:
    """Where it listens, the key it shows, who may come in, and the folder that it shows as `path`."""

    port: int
    user: str
    host_key: asyncssh.SSHKey
    key: str  # the private key of the account, PEM
    folder: Path
    path: str
    takes_passwords: bool

    @property
    def drop(self) -> str:
        return f"sftp://{self.user}@127.0.0.1:{self.port}{self.path}"

    @property
    def fingerprint(self) -> str:
        return self.host_key.get_fingerprint()

    @property
    def public_key(self) -> str:
        return self.host_key.export_public_key().decode()


def kinds() -> list[str]:
    """The servers that tests run against. OpenSSH is asked for by TODOKE_TEST_SSHD=/usr/sbin/sshd: it lets in no one
    whose account is locked, as accounts without a password are, and as root it wants /run/sshd to be there."""
    return ["library", *(["openssh"] if os.environ.get("TODOKE_TEST_SSHD") else [])]


@contextmanager
def serving(kind: str, home: Path) -> Iterator[Server]:
    home.mkdir(parents=True, exist_ok=True)
    host_key, key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    host_key.write_private_key(home / "host_key")
    key.write_public_key(home / "authorized_keys")
    (home / "host_key").chmod(0o600)
    folder = home / "drop"
    folder.mkdir()
    port = free_port()
    command = _sshd(home, port) if kind == "openssh" else [sys.executable, "-m", __name__, str(home), str(port)]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)
    try:
        _wait(port, process, home / "log")
        own = kind == "library"
        yield Server(
            port=port, user="wms" if own else getpass.getuser(), host_key=host_key, folder=folder,
            key=key.export_private_key().decode(), path="/" if own else str(folder), takes_passwords=own,
        )  # fmt: skip
    finally:
        process.terminate()
        process.wait(10)


def _sshd(home: Path, port: int) -> list[str]:
    lines = (
        f"Port {port}", "ListenAddress 127.0.0.1", f"HostKey {home}/host_key", f"PidFile {home}/pid", "UsePAM no",
        f"AuthorizedKeysFile {home}/authorized_keys", "StrictModes no", "PermitRootLogin yes",
        "PasswordAuthentication no", "Subsystem sftp internal-sftp",
    )  # fmt: skip
    (home / "sshd_config").write_text("\n".join(lines) + "\n")
    return [os.environ["TODOKE_TEST_SSHD"], "-D", "-e", "-f", str(home / "sshd_config")]


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        if process.poll() is not None:
            raise RuntimeError(log.read_text())
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the server does not listen: " + log.read_text())


class _Account(asyncssh.SSHServer):
    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("wms", PASSWORD)


async def _serve(home: Path, port: int) -> None:
    await asyncssh.listen(
        "127.0.0.1", port, server_factory=_Account, server_host_keys=[str(home / "host_key")],
        authorized_client_keys=str(home / "authorized_keys"),
        sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(home / "drop").encode()),
    )  # fmt: skip
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), int(sys.argv[2])))
