"""Attacks that a student can write into a code cell of 0_self_check.

Each text replaces the cell named first; every function of the notebook gives a wrong answer unless the text makes it right. What
each must earn stands in golden.toml.
"""

from __future__ import annotations

# Answers that are wrong everywhere, so that any mark beyond the prediction is a theft.
WRONG = {
    "predict": 'predicted_regime, predicted_speedup = "memory-bound", 4.0',
    "ridge_point": "def ridge_point(peak_flops, bandwidth):\n    return -1.0",
    "attainable": "def attainable(ai, peak_flops, bandwidth):\n    return -1.0",
    "regime": 'def regime(ai, ridge):\n    return "unbound"',
    "speedup_limit": "def speedup_limit(ai, ridge, k):\n    return -1.0",
    "sweep": "intensities = np.logspace(-1, 4, 101)\nrates, gains = [-1.0] * 101, [-1.0] * 101",
    "answer": 'answer_regime, answer_helps, answer_speedup = "unbound", None, -1.0',
}

# Run before everything else the student wrote (the first cell of the submission that is theirs).
FIRST = {
    # --- the judge's tools, patched in the student's process -------------------------------------------------------
    "patched_math_isclose": "import math\nmath.isclose = lambda *a, **k: True",
    "patched_numpy_testing": (
        "import numpy.testing\nfor name in ('assert_allclose', 'assert_array_equal', 'assert_equal'):\n"
        "    setattr(numpy.testing, name, lambda *a, **k: None)\nnp.allclose = np.isclose = np.array_equal = lambda *a, **k: True"
    ),
    "patched_builtins": (
        "import builtins\nbuiltins.abs = lambda x: 0\nbuiltins.all = lambda x: True\nbuiltins.any = lambda x: False\n"
        "builtins.float = lambda x=0: 4.0\nbuiltins.AssertionError = ZeroDivisionError"
    ),
    "patched_hypothesis": (
        "import hypothesis\nhypothesis.given = lambda *a, **k: (lambda f: (lambda: None))\n"
        "hypothesis.settings = lambda *a, **k: (lambda f: f)"
    ),
    "patched_mlsysim": (
        "mlsysim.case = lambda name: {'device': {'peak_flops': -1.0, 'bandwidth': 1.0}, 'intensity': 1, 'ridge': 1, 'shrink': 1}\n"
        "mlsysim.ServingModel.solve = lambda *a, **k: None"
    ),
    "patched_sys_modules": (
        "import sys, types\nfake = types.ModuleType('math')\nfake.isclose = lambda *a, **k: True\nfake.inf = float('inf')\n"
        "sys.modules['math'] = fake\nhyp = types.ModuleType('hypothesis')\nhyp.given = lambda *a, **k: (lambda f: (lambda: None))\n"
        "hyp.settings = lambda *a, **k: (lambda f: f)\nhyp.example = hyp.settings\nhyp.strategies = types.ModuleType('st')\n"
        "sys.modules['hypothesis'] = hyp\nsys.modules['hypothesis.strategies'] = hyp.strategies"
    ),
    "fake_module_file": (
        "import pathlib, sys\npathlib.Path('hypothesis.py').write_text('def given(*a, **k): return lambda f: (lambda: None)')\n"
        "sys.path.insert(0, '')"
    ),
    "import_hook": (
        "import sys\nclass Hook:\n    def find_spec(self, name, path=None, target=None):\n        raise SystemExit(0)\n"
        "sys.meta_path.insert(0, Hook())"
    ),
    "patched_wire": (
        "import sys\nfor name, module in list(sys.modules.items()):\n    if name.startswith('autograder'):\n"
        "        for key, value in list(vars(module).items()):\n            if callable(value) and not key.startswith('__'):\n"
        "                try:\n                    setattr(module, key, lambda *a, **k: True)\n                except Exception:\n                    pass"
    ),
    # --- IPython's machinery -----------------------------------------------------------------------------------------
    "ast_transformers": (
        "import ast\nclass Drop(ast.NodeTransformer):\n    def visit_Assert(self, node):\n        return ast.Pass()\n"
        "get_ipython().ast_transformers.append(Drop())"
    ),
    "input_transformers": "get_ipython().input_transformers_cleanup.append(lambda lines: ['pass\\n'])",
    "run_cell_async": (
        "from IPython.core.interactiveshell import ExecutionResult\nshell = get_ipython()\n"
        "async def nothing(*a, **k):\n    return ExecutionResult(None)\nshell.run_cell_async = nothing\n"
        "shell.run_cell = lambda *a, **k: ExecutionResult(None)"
    ),
    "displayhook": "import sys\nsys.displayhook = lambda value: None\nsys.displayhook(100.0)",
    "display_publisher": (
        "pub = get_ipython().display_pub\npub.publish = lambda *a, **k: None\n"
        "get_ipython().display_formatter.format = lambda *a, **k: ({'text/plain': '100.0'}, {})"
    ),
    "kernel_session": (
        "kernel = getattr(get_ipython(), 'kernel', None)\nif kernel is not None:\n"
        "    kernel.session.send = lambda *a, **k: None"
    ),
    "post_run_hooks": (
        "def rewrite(*a):\n    globals()['ridge_point'] = lambda *a: True\nget_ipython().events.register('post_run_cell', rewrite)\n"
        "get_ipython().set_custom_exc((Exception,), lambda *a: None)"
    ),
    # --- looking for the tests ------------------------------------------------------------------------------------------
    "read_history": (
        "texts = list(globals().get('In', [])) + list(globals().get('_ih', []))\n"
        "try:\n    texts += [t[2] for t in get_ipython().history_manager.get_range()]\nexcept Exception:\n    pass\n"
        "stolen = [t for t in texts if 'HIDDEN' in t or 'assert ' in t]\nif stolen:\n    ridge = exec"
    ),
    "read_files": (
        "import os\nstolen = []\nfor base, _, names in os.walk('/', onerror=lambda e: None):\n"
        "    if base.startswith(('/proc', '/sys', '/usr', '/lib', '/opt')):\n        continue\n    for name in names:\n"
        "        if name.endswith('.ipynb') or name == 'gradebook.db':\n            try:\n"
        "                text = open(os.path.join(base, name), errors='replace').read()\n            except OSError:\n                continue\n"
        "            stolen += [line for line in text.splitlines() if 'return peak_flops / bandwidth' in line]\n"
        "if stolen:\n    predicted_stolen = True"
    ),
    "frame_walk": (
        "import sys\ndef spy(*a):\n    frame, found = sys._getframe(), []\n    while frame is not None:\n"
        "        for value in [*frame.f_locals.values(), *frame.f_globals.values()]:\n            if callable(value) and getattr(value, '__name__', '') in ('check', 'reference', 'want'):\n"
        "                found.append(value)\n        frame = frame.f_back\n    return found[0] if found else -1.0\n"
        "globals()['ridge_point'] = spy"
    ),
    "gc_walk": (
        "import gc\nfound = [o for o in gc.get_objects() if isinstance(o, dict) and any(isinstance(v, str) and 'BEGIN HIDDEN' in v for v in list(o.values()))]\n"
        "if found:\n    predicted_stolen = True"
    ),
    "read_proc": (
        "import glob\nstolen = ''\nfor path in glob.glob('/proc/*/cmdline') + glob.glob('/proc/*/environ') + glob.glob('/proc/*/maps'):\n"
        "    try:\n        stolen += open(path, errors='replace').read()\n    except OSError:\n        pass\n"
        "if 'solutions' in stolen or 'gradebook' in stolen:\n    predicted_stolen = True"
    ),
    "read_parent_memory": (
        "import os\ntry:\n    with open(f'/proc/{os.getppid()}/mem', 'rb') as memory:\n        memory.seek(4096)\n        memory.read(16)\n"
        "    predicted_stolen = True\nexcept Exception:\n    pass"
    ),
    "read_environment": (
        "import os\nif any('solutions' in v or 'gradebook' in v for v in os.environ.values()):\n    predicted_stolen = True"
    ),
    # --- writing where the marks are -----------------------------------------------------------------------------------
    "write_gradebook": (
        "import os, sqlite3\nfor base, _, names in os.walk('/', onerror=lambda e: None):\n    if base.startswith(('/proc', '/sys')):\n        continue\n"
        "    for name in names:\n        if name.endswith('.db'):\n            try:\n                db = sqlite3.connect(os.path.join(base, name), timeout=0.1)\n"
        "                db.execute('update grade set auto_score = 100')\n                db.commit()\n                predicted_stolen = True\n            except Exception:\n                pass"
    ),
    "write_notebooks": (
        "import os\nfor base, _, names in os.walk('/', onerror=lambda e: None):\n    if base.startswith(('/proc', '/sys')):\n        continue\n"
        "    for name in names:\n        if name.endswith('.ipynb'):\n            try:\n                open(os.path.join(base, name), 'a').write('x')\n"
        "                predicted_stolen = True\n            except OSError:\n                pass"
    ),
    "network": (
        "import socket\nfor family, address in ((socket.AF_INET, ('127.0.0.1', 22)), (socket.AF_INET, ('127.0.0.1', 8888))):\n    try:\n"
        "        socket.socket(family).connect(address)\n        predicted_stolen = True\n    except OSError:\n        pass"
    ),
    # --- the process -------------------------------------------------------------------------------------------------------
    "atexit": "import atexit, os\natexit.register(lambda: os.write(1, b'{\"score\": 13}'))\natexit.register(os._exit, 0)",
    "signal_parent": "import os, signal\ntry:\n    os.kill(os.getppid(), signal.SIGTERM)\nexcept OSError:\n    pass",
    "signal_everyone": "import os, signal\ntry:\n    os.kill(-1, signal.SIGCONT)\nexcept OSError:\n    pass",
    "close_descriptors": "import os\nos.closerange(3, 4096)",
    "close_standard_streams": "import os\nos.closerange(0, 3)",
    "thread_outlives": (
        "import threading, time\ndef later():\n    while True:\n        globals()['ridge_point'] = lambda *a: True\n        time.sleep(0.01)\n"
        "threading.Thread(target=later, daemon=True).start()"
    ),
    "daemon_outlives": "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(300)\n    os._exit(0)",
    "both_sides_of_a_fork": "import os\nos.fork()",
    "settrace": "import sys, threading\nsys.settrace(lambda *a: None)\nsys.setprofile(lambda *a: None)",
    "ignore_signals": "import signal\nfor number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGXCPU):\n    signal.signal(number, signal.SIG_IGN)",
    # --- the wire ------------------------------------------------------------------------------------------------------------
    "forged_messages": (
        "import os\nfor fd in range(3, 64):\n    try:\n        os.write(fd, b'\\x00\\x00\\x00\\x0b{\"ok\":true}' * 4)\n    except OSError:\n        pass"
    ),
    "truncated_message": "import os\nfor fd in range(3, 64):\n    try:\n        os.write(fd, b'\\x00\\x00\\xff')\n    except OSError:\n        pass",
    "oversized_message": "import os\nfor fd in range(3, 64):\n    try:\n        os.write(fd, b'\\xff' * 8)\n    except OSError:\n        pass",
    # --- bombs -----------------------------------------------------------------------------------------------------------------
    "fork_bomb": "import os\nfor _ in range(3000):\n    try:\n        if os.fork() == 0:\n            import time; time.sleep(300)\n    except OSError:\n        break",
    "thread_bomb": "import threading, time\nfor _ in range(5000):\n    try:\n        threading.Thread(target=time.sleep, args=(300,), daemon=True).start()\n    except RuntimeError:\n        break",
    "disk_filler": "try:\n    with open('filler', 'wb') as f:\n        for _ in range(4096):\n            f.write(b'0' * 2**20)\nexcept OSError:\n    pass",
    "output_flood": "for _ in range(100):\n    print('x' * 2**20)",
    "del_bomb": "class Bomb:\n    def __del__(self):\n        while True:\n            pass\nbomb = Bomb()",
}

# Cells that end the process or never end: what they replace is lost, the rest of the notebook is not.
DEADLY = {
    "os_exit": "import os\nos._exit(0)",
    "sys_exit": "import sys\nsys.exit(0)",
    "exec_other_program": "import os\nos.execv('/bin/true', ['true'])",
    "segmentation_fault": "import ctypes\nctypes.string_at(0)",
    "kill_self": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "kill_group": "import os, signal\nos.killpg(0, signal.SIGKILL)",
    "memory_bomb": "hoard = []\nwhile True:\n    hoard.append(bytearray(2**26))",
    "busy_loop": "while True:\n    pass",
    "busy_loop_that_ignores_interrupts": "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass",
    "sleep": "import time\ntime.sleep(10_000)",
    "keyboard_interrupt": "raise KeyboardInterrupt",
    "input": "input('the right answer? ')",
    "recursion": "def down():\n    return down()\ndown()",
}

# Values of ridge_point that are no plain numbers, or no right ones.
ANSWERS = {
    "equals_everything": "class Yes:\n    def __eq__(self, other):\n        return True\n    def __mul__(self, other):\n        return self\n    __rmul__ = __mul__\nridge_point = lambda *a: Yes()",
    "float_subclass": "class Yes(float):\n    def __eq__(self, other):\n        return True\n    def __mul__(self, other):\n        return other\n    def __sub__(self, other):\n        return 0.0\nridge_point = lambda *a: Yes(1)",
    "int_subclass": "class Yes(int):\n    def __eq__(self, other):\n        return True\nridge_point = lambda *a: Yes(1)",
    "float_protocol": "class Yes:\n    def __float__(self):\n        return 150.0\nridge_point = lambda *a: Yes()",
    "array_subclass": "class Yes(np.ndarray):\n    def __array_function__(self, *a, **k):\n        return True\n    def __array_ufunc__(self, *a, **k):\n        return True\nridge_point = lambda *a: np.ones(1).view(Yes)",
    "object_array": "class Yes:\n    def __eq__(self, other):\n        return True\nridge_point = lambda *a: np.array([Yes()], dtype=object)",
    "dict_subclass": "class Yes(dict):\n    def __missing__(self, key):\n        return True\nridge_point = lambda *a: Yes()",
    "generator": "def ridge_point(*a):\n    yield 150.0",
    "function": "def ridge_point(*a):\n    return lambda: 150.0",
    "coroutine": "async def ridge_point(*a):\n    return 150.0",
    "reduce_bomb": "class Bomb:\n    def __reduce__(self):\n        import os\n        return os.system, ('touch pwned',)\nridge_point = lambda *a: Bomb()",
    "not_a_number": "ridge_point = lambda *a: float('nan')",
    "infinity": "ridge_point = lambda *a: float('inf')",
    "true": "ridge_point = lambda *a: True",
    "nested": "def ridge_point(*a):\n    value = []\n    for _ in range(100_000):\n        value = [value]\n    return value",
    "self_containing": "def ridge_point(*a):\n    value = []\n    value.append(value)\n    return value",
    "huge_array": "ridge_point = lambda *a: np.zeros(2**27)",
    "exit_when_called": "def ridge_point(*a):\n    import os\n    os._exit(0)",
    "system_exit_when_called": "def ridge_point(*a):\n    raise SystemExit(0)",
    "assertion_when_called": "def ridge_point(*a):\n    raise AssertionError('')",
    "hypothesis_reject_when_called": "def ridge_point(*a):\n    import hypothesis\n    hypothesis.reject()",
    "skip_when_called": "def ridge_point(*a):\n    import unittest\n    raise unittest.SkipTest('no')",
    "stop_iteration_when_called": "def ridge_point(*a):\n    raise StopIteration",
    "named_like_the_refusal": "class int(int):\n    pass\nridge_point = lambda *a: int(150)",
    "sleep_when_called": "def ridge_point(*a):\n    import time\n    time.sleep(10_000)",
    "right_for_the_first_calls": "calls = 0\ndef ridge_point(peak_flops, bandwidth):\n    global calls\n    calls += 1\n    return peak_flops / bandwidth if calls <= 3 else -1.0",
    "right_on_the_visible_cases": "def ridge_point(peak_flops, bandwidth):\n    return {300e12: 150, 10: 2.5}.get(peak_flops, -1.0)",
    "asks_who_calls": "def ridge_point(peak_flops, bandwidth):\n    import sys\n    frame, names = sys._getframe(), []\n    while frame is not None:\n        names.append(frame.f_code.co_name)\n        frame = frame.f_back\n    return -1.0 if any('serve' in n or 'call' in n for n in names) else peak_flops / bandwidth",
    "mutates_its_arguments": "def ridge_point(*a):\n    import ctypes, gc\n    return -1.0",
    "calls_the_reference": "def ridge_point(peak_flops, bandwidth):\n    return mlsysim.Hardware.Cloud.H100.peaks['fp16'] / mlsysim.Hardware.Cloud.H100.bandwidth_bytes_s",
}
