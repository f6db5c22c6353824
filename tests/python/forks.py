"""Forks while the library is in use, as Python's multiprocessing does: forks.py <library> <request> <new request>"""

import ctypes
import json
import os
import sys
import threading
import time

library = ctypes.CDLL(sys.argv[1])
library.rpa_call.argtypes = [ctypes.c_char_p]
library.rpa_call.restype = ctypes.c_void_p
library.rpa_free.argtypes = [ctypes.c_void_p]
library.rpa_free.restype = None


def call(request):
    reply = library.rpa_call(request.encode())
    answer = json.loads(ctypes.string_at(reply).decode())
    library.rpa_free(reply)
    return answer


def forked(work):
    child = os.fork()
    if child == 0:
        os._exit(work())
    return child


def ended(child):
    return os.waitpid(child, 0)[1] == 0


warm, new, other = sys.argv[2:]
assert call(warm)['code'] == 0

# Children that were forked after a call, and need one token together.
children = [forked(lambda: call(new)['code']) for _ in range(8)]
assert all([ended(child) for child in children]), 'a child failed'

# A child that is forked while its parent asks, and lives on: it must not keep the parent's lock.
asking = threading.Thread(target=call, args=[other])
asking.start()
time.sleep(0.2)
sleeper = forked(lambda: time.sleep(30) or 0)
asking.join()
# One that has the same account asks next: its own request says that the token has ended.
begun = time.time()
assert ended(forked(lambda: call(json.dumps(dict(json.loads(other), mode='put')))['code']))
took = time.time() - begun
os.kill(sleeper, 9)
os.waitpid(sleeper, 0)
assert took < 5, took
