"""What honest notebooks do works in the sandbox, at every level, whoever grades."""

from __future__ import annotations

import pytest

from tests.inside import PLACES, in_a_candidate, needs_root

EVERYDAY = """
import asyncio, concurrent.futures, getpass, io, multiprocessing, os, pathlib, shutil, sqlite3, subprocess, sys, tempfile, threading, zipfile
import numpy as np
import matplotlib.pyplot as plt


def square(x):
    return x * x


def increment(lock, value):
    for _ in range(200):
        with lock:
            value.value += 1


def with_numpy():
    np.save("a.npy", np.arange(1000.0))
    mapped = np.load("a.npy", mmap_mode="r+")
    return float(np.linalg.eigvalsh(np.eye(50) + mapped[:50]).max()) > 0


def with_matplotlib():
    figure, axes = plt.subplots()
    axes.plot([1, 2], [3, 4])
    figure.savefig("figure.png")
    return pathlib.Path("figure.png").stat().st_size > 1000


def with_a_pool():
    with multiprocessing.Pool(2) as pool:
        return pool.map(square, range(5)) == [0, 1, 4, 9, 16]


def with_an_executor():
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        return list(pool.map(square, range(5))) == [0, 1, 4, 9, 16]


def with_locks_queues_and_shared_values():
    lock, value, queue = multiprocessing.Lock(), multiprocessing.Value("i", 0), multiprocessing.Queue()
    workers = [multiprocessing.Process(target=increment, args=(lock, value)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    queue.put("through a queue")
    event = multiprocessing.Event()
    event.set()
    return value.value == 400 and queue.get() == "through a queue" and event.wait(5)


def with_new_interpreters():
    child = multiprocessing.get_context("spawn").Process(target=os.mkdir, args=("made",))
    child.start()
    child.join()
    return os.path.isdir("made")


def with_pipes():
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.Process(target=theirs.send, args=("hello",))
    child.start()
    child.join()
    return ours.recv() == "hello"


def with_threads():
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(pool.map(square, range(5))) == [0, 1, 4, 9, 16]


def with_asyncio():
    async def both():
        child = await asyncio.create_subprocess_exec("echo", "x", stdout=asyncio.subprocess.PIPE)
        said, _ = await child.communicate()
        return said == b"x\\n" and await asyncio.sleep(0, True)

    return asyncio.new_event_loop().run_until_complete(both())


def with_subprocess():
    done = subprocess.run([sys.executable, "-c", "print(6 * 7)"], capture_output=True, text=True)
    return done.stdout == "42\\n" and subprocess.run("exit 3", shell=True).returncode == 3


def with_files():
    shutil.copy2("data.txt", "copied.txt")
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(f"{folder}/x.zip", "w") as archive:
        archive.write("copied.txt")
    with open("data/deep/table.csv", "a") as table:
        table.write("more")
    os.chmod("copied.txt", 0o600)
    os.truncate("copied.txt", 1)
    os.utime("copied.txt")
    pathlib.Path("touched").touch()
    pathlib.Path("touched").touch()
    shutil.copytree(".", "whole", ignore=shutil.ignore_patterns("whole"))
    return pathlib.Path("whole/copied.txt").read_text() == "4" and os.path.exists("whole/touched")


def with_a_name():
    return getpass.getuser() == "student"


def with_a_database():
    with sqlite3.connect("mine.db") as connection:
        connection.execute("create table t (x)")
        connection.execute("insert into t values (1)")
    return sqlite3.connect("mine.db").execute("select * from t").fetchall() == [(1,)]


def everything():
    outcome = {}
    for name, function in list(globals().items()):
        if name.startswith("with_"):
            try:
                outcome[name] = bool(function())
            except BaseException as error:
                outcome[name] = f"{type(error).__name__}: {error}"
    return outcome
"""


@needs_root
@pytest.mark.parametrize(("level", "user"), PLACES)
def test_numpy_figures_processes_threads_coroutines_and_files_work(level, user):
    outcome = in_a_candidate(level, EVERYDAY, "everything", user=user)
    assert len(outcome) == 13
    assert {name: how for name, how in outcome.items() if how is not True} == {}
