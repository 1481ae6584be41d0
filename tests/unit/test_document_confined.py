"""A confined child answers, or is stopped: whatever it does, nobody else is harmed."""

import mmap
import os
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tasks.shared import confined as confining
from tasks.shared.confined import ANSWER_MAX_CHARACTERS, ConfinedError, Confines, confined
from tests.waiting import until
from workflow.errors import CorruptDocument, TransientError

CONFINES = Confines(memory_mb=200, seconds=30, cpu_seconds=20)


def told(*words: str) -> dict:
    print("an engine's chatter")
    os.write(1, b"and more of it\n")
    return {"words": words}


def environment(_word: str) -> dict:
    return dict(os.environ)


def refuse(word: str) -> None:
    raise CorruptDocument(word)


def fail(word: str) -> None:
    raise LookupError(word)


def die(number: str) -> None:
    os.kill(os.getpid(), int(number))


def compute(_word: str) -> None:
    while True:
        pass


def wait(_word: str) -> None:
    signal.pause()


def nursery(_word: str) -> int:
    return os.getppid()


def pipes(_word: str) -> list[str]:
    """What is open besides the answer, the standard streams, and what looks."""
    opened = [str(Path(f"/proc/self/fd/{number}").readlink()) for number in range(3, 100) if is_open(number)]
    return [name for name in opened if name.startswith("pipe:")]


def is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def talk(_word: str) -> str:
    return "x" * (ANSWER_MAX_CHARACTERS + 1)


def hoard(megabytes: str) -> int:
    with mmap.mmap(-1, int(megabytes) * 2**20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        return len(memory)


def hoard_objects(megabytes: str) -> int:
    return len(bytes(int(megabytes) * 2**20))


def test_answer_comes_back_whatever_is_printed():
    assert confined(told, "a", "ü", confines=CONFINES) == {"words": ["a", "ü"]}


def test_errors_of_the_tree_come_back_as_they_are():
    with pytest.raises(CorruptDocument, match="broken ü"):
        confined(refuse, "broken ü", confines=CONFINES)


def test_other_errors_are_no_fault_of_the_file():
    with pytest.raises(RuntimeError, match="exit status 1"):
        confined(fail, "a bug", confines=CONFINES)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def test_crash(number):
    with pytest.raises(ConfinedError, match=number.name):
        confined(die, str(int(number)), confines=CONFINES)


def test_endless_computing():
    with pytest.raises(ConfinedError, match="more than 1 seconds of computing"):
        confined(compute, "", confines=Confines(memory_mb=200, seconds=30, cpu_seconds=1))


def test_endless_waiting():
    with pytest.raises(ConfinedError, match="longer than 1 seconds"):
        confined(wait, "", confines=Confines(memory_mb=200, seconds=1, cpu_seconds=20))


def test_memory():
    assert confined(hoard_objects, "50", confines=CONFINES) == 50 * 2**20
    with pytest.raises(ConfinedError, match="more than 200 MB of memory"):
        confined(hoard_objects, "300", confines=CONFINES)


def test_credentials_are_withheld(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "trace")
    monkeypatch.setenv("LANG", "C.UTF-8")
    found = confined(environment, "", confines=CONFINES)
    assert found["LANG"] == "C.UTF-8"
    assert not [name for name in found if name.startswith(("AWS_", "_X"))]


def test_limits_are_the_child_s_alone():
    """This process could still take what the child could not."""
    assert confined(told, confines=Confines(memory_mb=100, seconds=20, cpu_seconds=20))
    assert len(bytes(150 * 2**20)) == 150 * 2**20
    subprocess.run([sys.executable, "-c", "bytes(150 * 2**20)"], check=True)


def test_children_come_from_one_process_that_has_imported_all():
    assert confined(nursery, "", confines=CONFINES) == confined(nursery, "", confines=CONFINES) != os.getpid()


def test_after_a_crash_children_come_from_another_process():
    before = confined(nursery, "", confines=CONFINES)
    with pytest.raises(ConfinedError):
        confined(die, str(int(signal.SIGSEGV)), confines=CONFINES)
    assert confined(nursery, "", confines=CONFINES) != before


def test_after_one_that_was_late_nothing_of_it_is_left():
    before = confined(nursery, "", confines=CONFINES)
    with pytest.raises(ConfinedError, match="longer than"):
        confined(wait, "", confines=Confines(memory_mb=200, seconds=1, cpu_seconds=20))
    assert confined(nursery, "", confines=CONFINES) != before
    assert not Path(f"/proc/{before}").exists()


def test_a_nursery_that_ended_is_replaced():
    before = confined(nursery, "", confines=CONFINES)
    os.kill(before, signal.SIGKILL)
    assert confined(told, "a", confines=CONFINES) == {"words": ["a"]}


def test_a_child_has_no_pipe_but_that_of_its_answer():
    assert len(confined(pipes, "", confines=CONFINES)) == 1


def test_a_forked_process_has_children_of_its_own():
    """Two that read from one pipe would take each other's answers."""
    code = """
        import os
        from tasks.shared.confined import confined
        from tests.unit.test_document_confined import CONFINES, nursery
        before = confined(nursery, "", confines=CONFINES)
        child = os.fork()
        assert (confined(nursery, "", confines=CONFINES) == before) == bool(child)
        if child:
            assert os.waitpid(child, 0)[1] == 0
    """
    subprocess.run([sys.executable, "-W", "error", "-c", textwrap.dedent(code)], check=True)


def test_a_nursery_that_ends_twice_under_a_child_does_so_because_of_the_file():
    with ThreadPoolExecutor(1) as thread:
        called = thread.submit(confined, wait, "", confines=CONFINES)
        ended = end_with_its_child(unlike=0)
        end_with_its_child(unlike=ended)
        with pytest.raises(ConfinedError, match="ended the program that watches over it"):
            called.result()
    assert confined(told, "a", confines=CONFINES) == {"words": ["a"]}


def end_with_its_child(unlike: int) -> int:
    """Kills the nursery once it has a child and is another one than `unlike`; its pid."""
    pid = until(lambda: nursery_with_a_child(unlike))
    os.kill(pid, signal.SIGKILL)
    return pid


def nursery_with_a_child(unlike: int) -> int:
    latest = confining._NURSERIES._latest
    pid = latest._process.pid if latest else unlike
    children = Path(f"/proc/{pid}/task/{pid}/children")
    return pid if pid != unlike and children.exists() and children.read_text().strip() else 0


def test_where_no_child_can_be_had_the_file_is_not_to_blame(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "executable", "false")
    monkeypatch.setenv("ANOTHER", "environment, and so another nursery")
    with pytest.raises(TransientError, match="What starts confined children ended"):
        confined(told, "a", confines=CONFINES)


def test_a_child_that_answers_without_end_is_stopped():
    with pytest.raises(ConfinedError, match="SIGKILL"):
        confined(talk, "", confines=Confines(memory_mb=2000, seconds=30, cpu_seconds=20))
