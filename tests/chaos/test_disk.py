"""No space left: on a small tmpfs, so root is needed."""

import contextlib
import os
import re
import subprocess

import pytest

from lib.wait import until

MB = 1 << 20


@pytest.fixture
def small_disk(tmp_path):
    """small_disk(size): a folder that holds no more."""
    assert os.geteuid() == 0, "this test mounts a tmpfs: run it as root"
    mounted = []

    def mount(size):
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def free(folder):
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def await_refusals(broker):
    """Clients are told, and so is the operator."""
    until(lambda: broker.metric("keepmq_pool_refused_total") > 100, "the disk to be full", 120, every=0.1)
    assert any(each["last_error"] for each in broker.api("/pools"))
    assert re.search("disk is full|No space", broker.log())


@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
def test_6_the_disk_of_the_database_is_full(target, small_disk, start_on, audit, judge):
    disk = small_disk(64 * MB)
    broker = start_on(target, {"node.data_dir": disk, "store.give_up_after": "2s"})
    ballast = disk / "ballast"
    running = audit(broker, target, "--payload", 1000, "--window", 5, "--rate", 3000, "--settle", 60)
    running.await_acknowledged(1000)
    with contextlib.suppress(OSError):  # the broker goes on writing, and may have the last megabytes first
        ballast.write_bytes(bytes(max(0, free(disk) - 4 * MB)))
    await_refusals(broker)
    ballast.unlink()
    running.await_acknowledged(1000)
    assert judge(running)["refused"] > 0
    assert broker.rows("pragma integrity_check", database=disk / "keepmq.db") == [("ok",)]


@pytest.mark.parametrize("target", ["redis", "pgsql"], indirect=True)
def test_6_the_disk_of_the_spool_is_full(target, small_disk, start_on, audit, judge):
    disk = small_disk(48 * MB)
    broker = start_on(target, {"node.data_dir": disk, "store.give_up_after": "2s"})
    running = audit(broker, target, "--payload", 2000, "--window", 5, "--rate", 3000, "--settle", 60, "--finish", 120)
    running.await_acknowledged(1000)
    target.kill()
    await_refusals(broker)
    target.start()
    running.await_acknowledged(1000, timeout=120)
    assert judge(running)["refused"] > 0
