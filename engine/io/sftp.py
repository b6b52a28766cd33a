"""A folder on an SFTP server that files are taken from. The server must show the key that the connection names."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar, cast

import asyncssh

from engine.io.drop import Alive, DropFailed
from engine.rules.drop import REASON, Entry, Place, moment

T = TypeVar("T")
CONNECT = 15.0  # seconds
PATIENCE = 30.0  # seconds for one answer
CHUNK = 1 << 18
MISSING = asyncssh.SFTPNoSuchFile
_LOGIN = (asyncssh.PermissionDenied, asyncssh.HostKeyNotVerifiable)
_CONFUSED = (asyncssh.KeyExchangeFailed, asyncssh.ProtocolError)


class _Client(asyncssh.SSHClient):
    """Trusts the server whose key has one of these fingerprints (SHA256:...)."""

    def __init__(self, fingerprints: Sequence[str]) -> None:
        self._fingerprints = fingerprints

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        return key.get_fingerprint() in self._fingerprints


class Sftp:
    """Implements `engine.io.drop.Drop`. Opens its session at once, and raises DropFailed when it cannot.

    `host_key` holds lines: fingerprints, public keys, or lines of a known_hosts file; `password` and `key` (a private
    key in PEM or OpenSSH form) are what the account is opened with.
    """

    whole = False

    def __init__(self, place: Place, *, host_key: str, password: str | None = None, key: str | None = None) -> None:
        self._place = place
        self._runner = asyncio.Runner()
        self._ssh: asyncssh.SSHClientConnection | None = None
        try:
            options = _options(host_key, password, key)
            self._sftp: asyncssh.SFTPClient = self._do(self._open(options), CONNECT)
        except BaseException:
            self.close()
            raise

    def look(self) -> list[Entry]:
        """Regular files only."""
        found = []
        for one in self._do(self._sftp.readdir(self._place.path)):
            told, name = one.attrs, one.filename
            if told.type == asyncssh.FILEXFER_TYPE_REGULAR and isinstance(name, str):
                modified = int(told.mtime or 0)
                found.append(Entry(name=name, size=told.size or 0, modified=modified, at=moment(modified)))
        return found

    def read(self, entry: Entry, alive: Alive) -> bytes | None:
        """In portions; what has changed when it is through is not taken."""
        path = self._path(entry.name)
        try:
            if not _as_listed(self._do(self._sftp.lstat(path)), entry):
                return None
            file = self._do(self._sftp.open(path, "rb", block_size=0))
            try:
                data = bytearray()
                while len(data) <= entry.size and (chunk := cast(bytes, self._do(file.read(CHUNK)))):
                    data += chunk
                    alive()
            finally:
                self._do(file.close())
            return bytes(data) if _as_listed(self._do(self._sftp.lstat(path)), entry) else None
        except DropFailed as failed:
            if isinstance(failed.__cause__, MISSING):
                return None
            raise

    def put_away(self, name: str, folder: str, filed: str, reason: str | None) -> None:
        """By a rename, which no server lets overwrite."""
        there = self._path(folder)
        try:
            self._do(self._sftp.makedirs(there, exist_ok=True))
            target = posixpath.join(there, name)
            if self._do(self._sftp.lexists(target)):
                target = posixpath.join(there, filed)
            if reason is not None:
                self._do(self._write(target + REASON, f"{reason}\n".encode()))
            self._do(self._sftp.rename(self._path(name), target))
        except DropFailed as failed:
            if isinstance(failed.__cause__, MISSING):
                return
            if isinstance(failed.__cause__, asyncssh.SFTPError):
                what = f"{name} cannot be moved to {folder}/: {failed}; allow it there, or set drop_after=keep"
                raise DropFailed("request", what) from failed
            raise

    def close(self) -> None:
        """Hang up."""
        if self._ssh is not None:
            self._ssh.abort()
        self._runner.close()

    async def _open(self, options: dict[str, Any]) -> asyncssh.SFTPClient:
        self._ssh = await asyncssh.connect(self._place.host, self._place.port, username=self._place.user, **options)
        return await self._ssh.start_sftp_client()

    async def _write(self, path: str, data: bytes) -> None:
        async with self._sftp.open(path, "wb") as file:
            await file.write(data)

    def _path(self, name: str) -> str:
        return posixpath.join(self._place.path, name)

    def _do(self, work: Awaitable[T], patience: float = PATIENCE) -> T:
        try:
            return self._runner.run(_within(work, patience))
        except _LOGIN as refused:
            raise DropFailed("login", _told(refused)) from refused
        except asyncssh.SFTPError as failed:
            why = "request" if isinstance(failed, MISSING | asyncssh.SFTPPermissionDenied) else "provider"
            raise DropFailed(why, f"{self._place.path}: {failed.reason}") from failed  # type: ignore[arg-type]
        except _CONFUSED as failed:
            raise DropFailed("provider", _told(failed)) from failed
        except (OSError, asyncssh.Error, TimeoutError) as failed:
            raise DropFailed("transport", f"{self._place.host}: {_told(failed)}") from failed


async def _within(work: Awaitable[T], patience: float) -> T:
    async with asyncio.timeout(patience):
        return await work


def _options(host_key: str, password: str | None, key: str | None) -> dict[str, Any]:
    """What asyncssh.connect is given; nothing is read from this user's own files."""
    lines = [line.strip() for line in host_key.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    fingerprints = [line for line in lines if line.startswith("SHA256:")]
    bare = [line for line in lines if line.split()[0] in _KINDS]
    named = [line for line in lines if line not in fingerprints and line not in bare]
    try:
        trusted = [asyncssh.import_public_key(line) for line in bare]
        known: Any = asyncssh.import_known_hosts("\n".join(named) + "\n") if named else None
        if known is None or trusted:
            known = (trusted, [], [])
    except (asyncssh.KeyImportError, ValueError) as wrong:
        raise DropFailed("needs", "drop_host_key is no key that can be read") from wrong
    try:
        keys = [asyncssh.import_private_key(key)] if key else None
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError) as wrong:
        raise DropFailed("needs", "drop_key is no private key that can be read without a passphrase") from wrong
    return {
        "known_hosts": known, "client_factory": lambda: _Client(fingerprints), "password": password,
        "client_keys": keys, "agent_path": None, "config": None, "login_timeout": CONNECT, "keepalive_interval": 10,
    }  # fmt: skip


_KINDS = frozenset({
    "ssh-ed25519", "ssh-rsa", "rsa-sha2-256", "rsa-sha2-512", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
})  # fmt: skip


def _told(failed: BaseException) -> str:
    reason = getattr(failed, "reason", None) or str(failed) or type(failed).__name__
    return f"{type(failed).__name__}: {reason}"[:200]


def _as_listed(told: asyncssh.SFTPAttrs, entry: Entry) -> bool:
    regular = told.type == asyncssh.FILEXFER_TYPE_REGULAR
    return regular and (told.size or 0, int(told.mtime or 0)) == (entry.size, entry.modified)
