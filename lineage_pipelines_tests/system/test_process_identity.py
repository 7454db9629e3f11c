"""Process identity: alive, ended, replaced by another with the same id, or not known from here."""

import subprocess
import sys
from pathlib import Path

from lineage_pipelines.system.process_identity import host_name, is_alive, process_name

_NAME = "from lineage_pipelines.system.process_identity import process_name; print(process_name(), flush=True); input()"


def test_a_process_is_alive_until_it_has_ended() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _NAME], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        name = child.stdout.readline().strip()
        assert is_alive(host_name(), name) is True
        child.kill()
        while Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
            pass
        assert is_alive(host_name(), name) is False, "it has ended, and its parent has not asked yet"
    assert is_alive(host_name(), name) is False


def test_the_name_is_the_one_that_the_kernel_gives() -> None:
    realm, pid, start = process_name().split(" ")
    kernel = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    assert start == kernel[19], "as earlier releases wrote it into catalogs"
    assert realm.endswith(str(Path("/proc/self/ns/pid").readlink()))
    assert is_alive(host_name(), f"{realm} {pid} {start}") is True


def test_another_process_with_the_same_id_is_not_it() -> None:
    realm, pid, start = process_name().split(" ")
    assert is_alive(host_name(), f"{realm} {pid} {int(start) - 1_000}") is False
    assert is_alive(host_name(), f"{realm} {pid} {int(start) + 1_000}") is False


def test_other_machines_boots_and_containers_are_not_known() -> None:
    name = process_name()
    assert is_alive("another-host", name) is None
    assert is_alive(host_name(), f"another-boot/pid:[1] {name.partition(' ')[2]}") is None
    assert is_alive(host_name(), "") is None
