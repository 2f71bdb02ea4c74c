"""What a notebook can do beyond Python, and right answers in other types than the usual ones."""

from __future__ import annotations

__all__ = ["FEATURES", "OTHER"]

# Each holds in a kernel, so that an answer behind it in the same cell is defined.
FEATURES = r"""
%matplotlib inline
import matplotlib.pyplot as plt
plt.plot([1, 2])
plt.show()
---
%config InlineBackend.figure_format = 'retina'
---
%config InlineBackend.figure_formats = ['svg']
import matplotlib.pyplot as plt
plt.plot([1, 2])
---
import matplotlib.pyplot as plt
plt.ion()
figure, axes = plt.subplots()
display(figure)
plt.close('all')
---
from matplotlib_inline.backend_inline import set_matplotlib_formats
set_matplotlib_formats('svg')
---
%timeit -n1 -r1 pass
---
%time pass
---
%prun -q pass
---
%load_ext autoreload
%autoreload 2
---
!echo shown
---
told = !echo told
assert told == ['told']
---
%who
%whos
len?
---
%env COLOUR=blue
import os
assert os.environ['COLOUR'] == 'blue'
---
%cd -q ..
%cd -q -
---
%precision 3
---
%xmode Verbose
---
%history -n
%lsmagic
---
%alias_magic t timeit
---
get_ipython().run_line_magic('pwd', '')
get_ipython().system('echo x')
---
get_ipython().run_cell_magic('capture', 'kept', 'print(5)')
assert kept.stdout == '5\n'
---
get_ipython().run_cell_magic('writefile', 'helper.py', 'six = 6')
import helper
assert helper.six == 6
---
open('seven.py', 'w').write('seven = 7')
%run seven.py
assert seven == 7
---
get_ipython().run_cell_magic('bash', '', 'echo x')
---
get_ipython().run_cell_magic('html', '', '<b>x</b>')
get_ipython().run_cell_magic('latex', '', 'x')
get_ipython().run_cell_magic('javascript', '', '1')
---
get_ipython().run_cell_magic('time', '', 'pass')
---
get_ipython().run_cell('eight = 8')
assert eight == 8
---
get_ipython().set_next_input('x')
---
get_ipython().ast_transformers, get_ipython().input_transformers_cleanup
---
get_ipython().events.register('post_execute', lambda: None)
---
get_ipython().push({'nine': 9})
assert nine == 9
---
import asyncio
await asyncio.sleep(0)
assert await asyncio.gather(asyncio.sleep(0, 3)) == [3]
---
import asyncio
task = asyncio.create_task(asyncio.sleep(0, 4))
---
import asyncio
asyncio.get_running_loop().call_soon(lambda: None)
---
import asyncio
task = asyncio.ensure_future(asyncio.sleep(0.01, 4))
assert await task == 4
---
import asyncio
assert await asyncio.to_thread(abs, -1) == 1
---
import asyncio
child = await asyncio.create_subprocess_exec('true')
assert await child.wait() == 0
---
import contextlib
async with contextlib.AsyncExitStack():
    pass
---
import asyncio, threading
thread = threading.Thread(target=lambda: asyncio.run(asyncio.sleep(0)))
thread.start()
thread.join()
---
import faulthandler
faulthandler.enable()
---
import subprocess, sys
subprocess.run(['echo', 'x'], stdout=sys.stdout, stderr=sys.stderr, check=True)
---
import io, sys
assert isinstance(sys.stdout, io.TextIOBase) and isinstance(sys.stderr, io.TextIOBase)
---
import sys
assert sys.stdout.writable() and not sys.stdout.isatty() and sys.stdout.encoding.lower() == 'utf-8'
---
import sys
sys.stdout.writelines(['a', 'b'])
sys.stdout.flush()
print('c', file=sys.stderr, flush=True)
---
import sys
assert sys.stdin is not None and sys.argv
---
import os
os.write(1, b'x')
os.write(2, b'x')
os.system('true')
---
import contextlib, io
with contextlib.redirect_stdout(io.StringIO()) as kept:
    print(1)
assert kept.getvalue() == '1\n'
---
import logging
logging.basicConfig(level=logging.INFO, force=True)
logging.warning('x')
---
import warnings
warnings.warn('x')
warnings.simplefilter('ignore')
---
import warnings
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter('always')
    warnings.warn('x')
assert len(seen) == 1
---
import signal
signal.signal(signal.SIGALRM, lambda *_: None)
signal.alarm(0)
---
import threading
thread = threading.Thread(target=print, args=('x',))
thread.start()
thread.join()
assert threading.current_thread() is threading.main_thread()
---
import multiprocessing
with multiprocessing.Pool(2) as pool:
    assert pool.map(abs, [-1]) == [1]
---
import concurrent.futures as c
with c.ThreadPoolExecutor() as pool:
    assert pool.submit(abs, -1).result() == 1
---
import __main__
__main__.ten = 10
assert ten == 10 and __name__ == '__main__'
---
globals()['eleven'] = 11
assert eleven == 11
exec('twelve = 12')
assert twelve == 12
---
In, Out, _, __, _i, _ih, _oh, _dh
---
assert In[-1].startswith('assert In')
---
from IPython.display import HTML, Image, Markdown, Math, clear_output, display
display(Markdown('x'), HTML('x'), Math('x'))
clear_output(wait=True)
---
from IPython.display import display
handle = display('x', display_id=True)
handle.update('y')
---
import inspect
def shown():
    return 1
assert 'return 1' in inspect.getsource(shown)
---
import pickle
class P: pass
assert isinstance(pickle.loads(pickle.dumps(P())), P)
---
import dataclasses, typing
@dataclasses.dataclass
class D:
    x: int
assert typing.get_type_hints(D) == {'x': int}
---
import doctest
assert doctest.testmod().failed == 0
---
import unittest
class T(unittest.TestCase):
    def test_x(self): pass
assert unittest.main(argv=[''], exit=False).result.wasSuccessful()
---
import sys
sys.setrecursionlimit(5000)
---
import datetime, locale, time
time.sleep(0.001)
datetime.datetime.now().astimezone()
---
import pathlib, tempfile
with tempfile.NamedTemporaryFile('w') as file:
    pathlib.Path(file.name).write_text('x')
---
import random, numpy as np
random.seed(1)
np.random.seed(1)
np.random.default_rng(1).normal(size=3)
---
from math import *
from numpy import *
---
x = 5
%reset_selective -f ^x$
---
%%capture
---
%%time
---
%%prun -q
---
import atexit
atexit.register(print, 'x')
---
import gc, weakref
gc.collect()
gc.disable()
gc.enable()
---
import sys
sys.excepthook, sys.displayhook, sys.ps1
---
import sys
sys.settrace(None)
sys.setprofile(None)
---
import traceback
try:
    1 / 0
except ZeroDivisionError:
    traceback.print_exc()
---
import os
assert os.getcwd() and os.listdir('.') is not None and os.cpu_count()
---
import os, pathlib
os.makedirs('made/deep', exist_ok=True)
pathlib.Path('made/deep/x.txt').write_text('x')
---
import getpass, platform, socket, uuid
getpass.getuser(), platform.platform(), socket.gethostname(), uuid.uuid4()
---
import sqlite3
sqlite3.connect(':memory:').execute('select 1')
---
import ctypes
ctypes.CDLL(None)
---
import queue, sched, selectors, select
select.select([], [], [], 0)
---
import resource
resource.getrusage(resource.RUSAGE_SELF)
---
import code, codeop, ast
ast.parse('1')
---
import importlib, json
importlib.reload(json)
---
from __future__ import annotations
---
raise_later = None
try:
    raise KeyboardInterrupt
except KeyboardInterrupt:
    pass
""".strip("\n").split("\n---\n")

# The same answers in values of other types, and as other things that can be called.
OTHER = {
    "area": r"""
import numpy as np
def area(r):
    return np.float64(PI * square(r))
---
area = lambda r: PI * square(r)
---
from fractions import Fraction
def area(r):
    return Fraction(PI) * square(r)
---
class Area:
    def __call__(self, r):
        return PI * square(r)
area = Area()
---
import functools
@functools.lru_cache
def area(r):
    return PI * square(r)
---
import functools
area = functools.partial(lambda pi, r: pi * square(r), PI)
---
import numpy as np
area = np.vectorize(lambda r: PI * square(r))
---
def area(r, *, power=2, **more):
    "Area."
    print(r)
    return PI * r ** power
---
class Circle:
    def area(self, r):
        return PI * square(r)
area = Circle().area
""".strip("\n").split("\n---\n"),
    "volume": r"""
import numpy as np
def volume(r, h):
    return np.prod([area(r), h])
---
def volume(r: float, h: float = 1) -> float:
    return sum(area(r) for _ in range(h))
---
from decimal import Decimal
def volume(r, h):
    return Decimal(int(area(r))) * h
---
def volume(*sizes):
    r, h = sizes
    return float(area(r) * h)
---
import sys
def volume(r, h):
    print('x', file=sys.stderr)
    return area(r) * h
---
import numpy as np
def volume(r, h):
    return np.array(area(r) * h)
---
def volume(r, h):
    global asked
    asked = (r, h)
    return complex(area(r) * h)
""".strip("\n").split("\n---\n"),
    "best": r"""
import numpy as np
best = np.array([3, 1, 2]).max()
---
best = 3.0
---
best = True + True + True
---
from fractions import Fraction
best = Fraction(3)
---
class Best(int): pass
best = Best(3)
---
import enum
class Best(enum.IntEnum):
    three = 3
best = Best.three
---
best: int = 3
---
(best := 3)
---
import numpy as np
best = np.array(3)
---
for best in range(4):
    pass
---
import contextlib
with contextlib.nullcontext(3) as best:
    pass
---
[*_, best] = sorted([3, 1, 2])
""".strip("\n").split("\n---\n"),
}
