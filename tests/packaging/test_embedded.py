"""The embedded Postgres: whatever dies, nothing stays behind and the next start has every committed row."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from app.embedded import DataFolderBusyError, EmbeddedPostgres, EmbeddedPostgresError, find_bin_dir
from tests.packaging.conftest import ROOT, Owner, interpreter

pytestmark = pytest.mark.packaging

SITE = Path(pytest.__file__).parents[1]

# The test's own process must be able to run under another user, so the scenarios run in a child.
PRELUDE = f"""
import os, signal, sys, time
sys.path[:0] = [{str(ROOT)!r}, {str(SITE)!r}]
from pathlib import Path
from app.embedded import DataFolderBusyError, EmbeddedPostgres
import subprocess
folder = Path(sys.argv[1])
def ask(postgres, sql):
    host = postgres.url.partition("host=")[2]
    from urllib.parse import unquote
    command = [postgres.bin_dir / "psql", "-XqAt", "-h", unquote(host), "-U", "retainer", "retainer", "-c", sql]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
"""


def play(owner: Owner, folder: Path, script: str, *, expect: int = 0) -> str:
    done = subprocess.run(
        [interpreter(owner), "-c", PRELUDE + script, str(folder)],
        capture_output=True,
        text=True,
        preexec_fn=owner.become(),
        cwd="/",
        timeout=60,
    )
    assert done.returncode == expect, done.stderr
    return done.stdout


def left_running(folder: Path) -> list[str]:
    """The command lines of living processes that mention this folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line and "pytest" not in line:
            found.append(line)
    return found


def none_left(folder: Path, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while left_running(folder) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not left_running(folder)


def test_whatever_dies_committed_rows_stay_and_no_process_does(owner: Owner, folder: Path) -> None:
    play(
        owner,
        folder,
        """
postgres = EmbeddedPostgres(folder)
postgres.start()
ask(postgres, "create table t (a int); insert into t values (1)")
os.kill(os.getpid(), signal.SIGKILL)  # the service dies
""",
        expect=-signal.SIGKILL,
    )
    assert none_left(folder), left_running(folder)
    out = play(
        owner,
        folder,
        """
postgres = EmbeddedPostgres(folder)
postgres.start()
assert ask(postgres, "select * from t") == "1"
ask(postgres, "insert into t values (2)")
os.kill(postgres.pid, signal.SIGKILL)  # the server dies under the service
while postgres.exit_code is None: time.sleep(0.01)
postgres.start()
assert ask(postgres, "select count(*) from t") == "2"
postgres.stop()
print("whole")
""",
    )
    assert out == "whole\n"
    assert none_left(folder, 2), left_running(folder)


def test_a_second_start_is_refused_in_words_and_a_guest_attaches(owner: Owner, folder: Path) -> None:
    play(
        owner,
        folder,
        """
first = EmbeddedPostgres(folder)
url = first.start()
second = EmbeddedPostgres(folder, lock_timeout=0.2)
try:
    second.start()
except DataFolderBusyError as error:
    assert "another retainer serves this data folder" in str(error), error
    assert str(os.getpid()) in str(error)
else:
    raise SystemExit("a second start went through")
assert second.attach() == url
with EmbeddedPostgres(folder) as guest:
    assert guest.url == url
assert ask(first, "select 1") == "1"  # the guest's leaving stopped nothing
first.stop()
assert second.attach() is None
""",
    )


def test_a_start_killed_half_way_leaves_nothing_that_the_next_minds(owner: Owner, folder: Path) -> None:
    half = folder / "postgres" / "data.part"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18")
    for path in (folder / "postgres", half, half / "PG_VERSION"):
        os.chown(path, owner.uid, owner.gid)
    play(owner, folder, "with EmbeddedPostgres(folder) as p: assert ask(p, 'select 1') == '1'")
    assert not half.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts under another user")
def test_root_neither_makes_an_account_nor_opens_a_folder(own_folder: Path) -> None:
    accounts = Path("/etc/passwd").read_bytes()
    modes = {parent: parent.stat().st_mode for parent in [own_folder, *own_folder.parents]}
    with EmbeddedPostgres(own_folder, durable=False) as postgres:
        assert postgres.pid is not None
        status = Path(f"/proc/{postgres.pid}/status").read_text()
        assert "\nUid:\t0\t" not in status
        assert (own_folder / "postgres").stat().st_mode & 0o777 == 0o700
    assert Path("/etc/passwd").read_bytes() == accounts
    assert {parent: parent.stat().st_mode for parent in modes} == modes


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts under another user")
def test_programs_in_roots_home_are_copied_once_and_run(own_folder: Path) -> None:
    programs = find_bin_dir()
    if "site-packages" not in str(programs):
        pytest.skip("the programs are the system's")
    closed = own_folder / "closed"
    closed.mkdir(mode=0o700)
    site = closed / "site-packages"
    package = programs.parent.parent
    shutil.copytree(package / "pginstall", site / package.name / "pginstall", symlinks=True)
    shutil.copytree(package.with_name(package.name + ".libs"), site / f"{package.name}.libs")
    data = own_folder / "data"
    with EmbeddedPostgres(data, pg_bin=site / package.name / "pginstall" / "bin", durable=False) as postgres:
        assert str(postgres.bin_dir).startswith(str(data))
    assert closed.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be shut out of its own folder")
def test_a_data_folder_that_the_server_cannot_enter_is_refused_with_the_way_out(own_folder: Path) -> None:
    closed = own_folder / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(EmbeddedPostgresError, match="RETAINER_DATA_DIR"):
        EmbeddedPostgres(closed / "data").start()


def test_a_folder_of_another_major_version_is_refused_with_the_way_over(own_folder: Path) -> None:
    pgdata = own_folder / "postgres" / "data"
    pgdata.mkdir(parents=True)
    (pgdata / "PG_VERSION").write_text("14\n")
    with pytest.raises(EmbeddedPostgresError, match=r"written by Postgres 14 .*backup.*restore"):
        EmbeddedPostgres(own_folder).start()


def test_a_path_too_long_for_a_socket_still_works(own_folder: Path) -> None:
    deep = own_folder / ("d" * 60) / ("e" * 60)
    with EmbeddedPostgres(deep, durable=False) as postgres:
        assert postgres.url is not None
        assert EmbeddedPostgres(deep).attach() == postgres.url
        spare = Path(postgres.url.partition("host=")[2])
        assert spare.exists()
    assert not spare.exists()


def test_the_lock_goes_with_its_holder(own_folder: Path) -> None:
    first = EmbeddedPostgres(own_folder, durable=False)
    first.start()
    with pytest.raises(DataFolderBusyError):
        EmbeddedPostgres(own_folder, lock_timeout=0).start()
    first.stop()
    with EmbeddedPostgres(own_folder, durable=False, lock_timeout=0) as second:
        assert second.url is not None
