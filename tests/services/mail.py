"""Private mail servers for a test: a Postfix and a Dovecot, each with folders, configuration and ports of its own.

Neither needs root: Dovecot runs as an ordinary user; Postfix insists on root, and is told by fakeroot that it is.
"""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.services.ports import free_port
from tests.services.servers import answers, program

SERVICES = """\
{port} inet n - n - - smtpd
{receiver} inet n - n - - smtpd
  -o myhostname=mx.inbox.example
  -o smtpd_recipient_restrictions=check_recipient_access,regexp:{folder}/access,permit
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
virtual unix - n n - - virtual
"""
SETTINGS = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.shop.example
mydestination =
mynetworks = 127.0.0.0/8
relay_domains = inbox.example
local_recipient_maps =
local_transport = error:5.1.1 no such user
smtpd_relay_restrictions = permit_mynetworks, reject
recipient_delimiter = +
alias_maps =
alias_database =
biff = no
smtputf8_enable = no
transport_maps = regexp:{folder}/transport
maximal_queue_lifetime = 0
bounce_queue_lifetime = 0
virtual_mailbox_domains = b.shop.example
virtual_mailbox_base = {folder}
virtual_mailbox_maps = static:bounces/
virtual_uid_maps = static:{user.pw_uid}
virtual_gid_maps = static:{user.pw_gid}
virtual_minimum_uid = 1
minimal_backoff_time = 1s
disable_dns_lookups = yes
import_environment = MAIL_CONFIG TZ LANG=C LD_PRELOAD LD_LIBRARY_PATH FAKEROOTKEY
export_environment = MAIL_CONFIG TZ LD_PRELOAD LD_LIBRARY_PATH FAKEROOTKEY
"""
# What the receiver says to whom. A queue lifetime of zero makes a report of what would have been tried for days.
REPLIES: Mapping[str, str] = {
    "unknown": "550 5.1.1 user unknown in virtual mailbox table", "full": "452 4.2.2 mailbox is full",
    "away": "451 4.4.1 connection timed out", "policy": "550 5.7.1 message refused by our policy",
}  # fmt: skip


@dataclass(frozen=True)
class Postfix:
    port: int
    folder: Path

    def bounces(self) -> list[Path]:
        """What came back, the oldest first."""
        return sorted((self.folder / "bounces" / "new").glob("*"), key=lambda path: path.stat().st_mtime_ns)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()


def owner() -> pwd.struct_passwd:
    """Whose the mails are: ours, or nobody's where we are root, for whom no server stores mail."""
    return pwd.getpwuid(os.getuid() or pwd.getpwnam("nobody").pw_uid)


def give(*paths: Path) -> None:
    """To the owner of the mails, unless it is ours anyway."""
    for path in paths if os.getuid() == 0 else ():
        os.chown(path, owner().pw_uid, owner().pw_gid)


@contextlib.contextmanager
def folder_of() -> Iterator[Path]:
    """A folder that the users of the servers may enter, which those of pytest are not."""
    folder = Path(tempfile.mkdtemp(prefix="todoke-mail-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def postfix(folder: Path) -> Iterator[Postfix]:
    """Relays mail for inbox.example to a receiver that answers as REPLIES says, and keeps mail for b.shop.example in
    the Maildir `bounces`."""
    command = [program("/usr/sbin/postfix", "postfix")]
    if os.getuid():
        command.insert(0, program("fakeroot"))
    port, receiver, etc = free_port(), free_port(), folder / "etc"
    for name in ("etc", "queue", "data", "bounces"):
        (folder / name).mkdir()
    if not os.getuid():
        shutil.chown(folder / "data", "postfix")
    give(folder / "bounces")
    (etc / "main.cf").write_text(SETTINGS.format(folder=folder, user=owner()))
    (etc / "master.cf").write_text(
        SERVICES.format(folder=folder, port=f"127.0.0.1:{port}", receiver=f"127.0.0.1:{receiver}")
    )
    (folder / "access").write_text("".join(f"/^{name}@/ {reply}\n" for name, reply in REPLIES.items()))
    (folder / "transport").write_text(
        f"/^fine@inbox\\.example$/ discard:\n/@inbox\\.example$/ smtp:[127.0.0.1]:{receiver}\n"
    )
    with open(folder / "out", "wb") as out:
        server = subprocess.Popen(
            [*command, "-c", str(etc), "start-fg"], stdout=out, stderr=out, process_group=0, cwd=folder
        )
    try:
        answers(port, server, seconds=20)
        yield Postfix(port, folder)
    finally:
        subprocess.run([*command, "-c", str(etc), "stop"], check=False, capture_output=True, timeout=20)
        server.terminate()
        server.wait(20)


DOVECOT = """\
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
default_internal_user = {user.pw_name}
default_internal_group = {group}
default_login_user = {user.pw_name}
ssl = required
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
mail_location = maildir:{folder}/mail/%u
mail_uid = {user.pw_uid}
mail_gid = {user.pw_gid}
first_valid_uid = 1
passdb {{
  driver = static
  args = password=a-password@of:tests
}}
userdb {{
  driver = static
  args = uid={user.pw_uid} gid={user.pw_gid} home={folder}/mail/%u
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
"""


@contextlib.contextmanager
def dovecot(folder: Path) -> Iterator[tuple[str, Path]]:
    """An IMAP server with TLS: the URL of the account "bounce", and its Maildir."""
    command, user = program("/usr/sbin/dovecot", "dovecot"), owner()
    group = grp.getgrgid(user.pw_gid).gr_name
    port = free_port()
    subprocess.run(
        [program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    box = folder / "mail" / "bounce"
    for name in ("cur", "new", "tmp"):
        (box / name).mkdir(parents=True)
    (folder / "dovecot.conf").write_text(DOVECOT.format(folder=folder, port=port, user=user, group=group))
    give(folder, *folder.rglob("*"))
    as_owner: dict[str, Any] = {} if os.getuid() else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    with open(folder / "out", "wb") as out:
        server = subprocess.Popen(
            [command, "-F", "-c", str(folder / "dovecot.conf")], stdout=out, stderr=out, process_group=0, cwd=folder,
            **as_owner,
        )  # fmt: skip
    try:
        answers(port, server, seconds=20)
        yield f"imaps://bounce:a-password%40of%3Atests@localhost:{port}/INBOX", box
    finally:
        server.terminate()
        server.wait(20)


def put(box: Path, name: str, mail: bytes) -> None:
    """A mail arrives in a Maildir."""
    path = box / "tmp" / name
    path.write_bytes(mail)
    give(path)
    path.rename(box / "new" / name)


def until(happened: Callable[[], bool], what: str, post: Postfix, seconds: float = 30) -> None:
    """Wait until it has happened; it decides nothing, it only ends the waiting."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, f"{what}: {post.log}"
        time.sleep(0.1)
