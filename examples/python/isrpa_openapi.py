# -*- coding: utf-8 -*-
"""Calls the OpenAPI of an RPA control center (iS-RPA, 2020.4 and later) through the shared library rpa_openapi.

Put this file and the library (rpa_openapi.dll, librpa_openapi.so) into one folder. Python 3.6 and later, 32- and 64-bit,
standard library alone. Everything here may be used from any number of threads at once.

    client = Client("https://10.0.0.5:8443", accesskey="...", secretkey="...", pin_sha256="...")
    reply = client.post("/oapi/v1/job/create", {"procCode": "P001", "robotNo": "...", "note": "月结"})

Ctrl-C ends the wait for a call at once, with KeyboardInterrupt. The call itself goes on in the background until it ends or
the process does: whether the server has got it is not known, so look a post up before it is made again.

The library is looked for beside this file: on Windows rpa_openapi_x64.dll or rpa_openapi_x86.dll by the bitness of
Python, then x64/rpa_openapi.dll or x86/rpa_openapi.dll, then rpa_openapi.dll. The environment variable
RPA_OPENAPI_LIBRARY names another file.
"""

import ctypes
import json
import os
import queue
import struct
import sys
import threading
from typing import Any, Dict, List, Optional, Tuple, Union

__all__ = ["Client", "RpaError", "call", "get_token", "refresh_token", "sign", "version"]

Json = Dict[str, Any]

_FUNCTIONS = ("rpa_get_token", "rpa_refresh_token", "rpa_call", "rpa_sign")


# --- The library's functions: the fields of a request in, the reply out -----------------------------------------------
#
# A request's fields are those of the library. What JSON has no kind for, a date or a Decimal, goes as its str(). The
# reply is the server's, or {"code", "msg", "result", "error"}; a server may answer JSON that is no object, too.


def get_token(request: Json) -> Json:
    """Gets an access and a refresh token: host, accesskey, secretkey."""
    return _ask("rpa_get_token", request)


def refresh_token(request: Json) -> Json:
    """Trades a refresh token for new tokens: host, refreshtoken."""
    return _ask("rpa_refresh_token", request)


def call(request: Json) -> Json:
    """Signs one API call and sends it: host, rest_type, mode, data_json, and accesskey and secretkey or accesstoken."""
    return _ask("rpa_call", request)


def sign(request: Json) -> Json:
    """Signs the request of call() and does not send it: shows what would go over the wire. Holds the token."""
    return _ask("rpa_sign", request)


def version() -> str:
    """The version of the library."""
    return _library().rpa_version().decode("ascii")


# --- A client that keeps what its calls have in common ----------------------------------------------------------------


class RpaError(Exception):
    """A call that the library could not bring to an end. A refusal by the server is none: that is a reply."""

    def __init__(self, reply: Json) -> None:
        error = reply["error"]
        super().__init__("{}: {}".format(error.get("kind"), error.get("detail")))
        self.reply = reply
        self.code = reply.get("code")  # type: Optional[int]
        self.msg = reply.get("msg")  # type: Optional[str]
        self.kind = error.get("kind")  # type: Optional[str]
        self.detail = error.get("detail")  # type: Optional[str]
        self.field = error.get("field")  # type: Optional[str]
        self.http_status = error.get("http_status")  # type: Optional[int]
        self.attempts = error.get("attempts")  # type: Optional[int]
        # "no": the server cannot have seen the request, and calling again is safe. "unknown", "yes": it may have, it has.
        self.delivered = error.get("delivered")  # type: Optional[str]
        # What is known of the token that the library looks after; None for a call without keys.
        self.token = error.get("token")  # type: Optional[Json]


class Client:
    """One control center. Its methods return the reply, whatever its code, and raise RpaError where there is none.

    host          https://name-or-ip[:port][/prefix]; http:// works too
    pin_sha256    the SHA-256 fingerprint of the one certificate to accept, such as a self-signed one; or a list of them
    ca_file       PEM file of a CA to trust beside the system's
    verify        False accepts any certificate: never outside of a test
    timeout_ms, connect_timeout_ms, retry    limits: of a whole call, of one connection, attempts in all
    options       further fields that every request may have: proxy, headers, max_response_bytes, ...
    encoding, values, retry_mode, query, empty_ok    fields of calls alone, see the library's documentation
    accesskey, secretkey                     with these the library gets, keeps and renews the token: no login() is needed
    token_store   who shares that token: "memory", this process; {"file": path}, this machine; {"redis": "redis://..."}
    token_ttl_ms, token_refused, correct_clock       of calls by keys, see the library's documentation
    """

    def __init__(
        self,
        host: str,
        pin_sha256: Union[None, str, List[str]] = None,
        ca_file: Optional[str] = None,
        verify: bool = True,
        timeout_ms: int = 30000,
        connect_timeout_ms: int = 10000,
        retry: int = 2,
        encoding: str = "python",
        values: str = "python",
        retry_mode: str = "safe",
        accesskey: Optional[str] = None,
        secretkey: Optional[str] = None,
        token_store: Any = None,
        token_ttl_ms: Optional[int] = None,
        token_refused: Optional[Json] = None,
        query: Optional[str] = None,
        empty_ok: Optional[bool] = None,
        correct_clock: Optional[bool] = None,
        **options: Any
    ) -> None:
        tls = {"verify": verify}  # type: Json
        if pin_sha256 is not None:
            tls["pin_sha256"] = pin_sha256
        if ca_file is not None:
            tls["ca_file"] = ca_file
        limits = {"timeout_ms": timeout_ms, "connect_timeout_ms": connect_timeout_ms, "retry": retry}
        self._common = dict(options, host=host, tls=tls, **limits)  # type: Json
        self._call = {"encoding": encoding, "values": values, "retry_mode": retry_mode}  # type: Json
        # Only what was given: an older library does not know the others.
        self._call.update(_given(query=query, empty_ok=empty_ok))
        self._keys = _given(
            accesskey=accesskey,
            secretkey=secretkey,
            token_store=token_store,
            token_ttl_ms=token_ttl_ms,
            token_refused=token_refused,
            correct_clock=correct_clock,
        )
        # One pair, so that another thread sees the old tokens or the new ones.
        self._tokens = (None, None)  # type: Tuple[Optional[str], Optional[str]]

    def login(self, accesskey: str, secretkey: str) -> Json:
        """Gets tokens and keeps them, if the reply's code is 0. Calls then use them, and not the client's own keys."""
        return self._keep(self.raw("get_token", accesskey=accesskey, secretkey=secretkey))

    def refresh(self) -> Json:
        """Trades the refresh token for new tokens and keeps them, if the reply's code is 0."""
        return self._keep(self.raw("refresh_token", refreshtoken=self._tokens[1]))

    def get(self, path: str, data: Optional[Json] = None) -> Json:
        return self._send("get", path, data)

    def post(self, path: str, data: Optional[Json] = None) -> Json:
        return self._send("post", path, data)

    def put(self, path: str, data: Optional[Json] = None) -> Json:
        return self._send("put", path, data)

    def delete(self, path: str, data: Optional[Json] = None) -> Json:
        return self._send("delete", path, data)

    def raw(self, function: str, **fields: Any) -> Json:
        """Calls "get_token", "refresh_token", "call" or "sign" with exactly these fields beside the common ones, and
        returns whatever comes, an error too, without raising. Neither the kept token nor the keys are added."""
        return _ask("rpa_" + function, dict(self._common, **fields))

    @property
    def token(self) -> Optional[str]:
        """The access token that login() got; None without it."""
        return self._tokens[0]

    def _send(self, mode: str, path: str, data: Optional[Json]) -> Json:
        token = self._tokens[0]
        way = self._keys if self._keys and token is None else {"accesstoken": token}
        fields = dict(self._call, mode=mode, rest_type=path, data_json=data, **way)
        return _checked(self.raw("call", **fields))

    def _keep(self, reply: Json) -> Json:
        _checked(reply)
        if isinstance(reply, dict) and reply.get("code") == 0:
            self._tokens = _tokens_of(reply.get("result"))
        return reply


def _given(**fields: Any) -> Json:
    return {name: value for name, value in fields.items() if value is not None}


def _checked(reply: Any) -> Any:
    error = reply.get("error") if isinstance(reply, dict) else None
    # A server's own reply may have a field of that name.
    if isinstance(error, dict) and "kind" in error and "delivered" in error:
        raise RpaError(reply)
    return reply


def _tokens_of(result: Any) -> Tuple[str, str]:
    """The access and the refresh token. The vendor does not publish the names of the fields."""
    if isinstance(result, dict):
        found = {str(name).replace("_", "").lower(): value for name, value in result.items()}
        pair = (found.get("accesstoken"), found.get("refreshtoken"))  # type: Any
    else:
        pair = tuple(result[:2]) if isinstance(result, list) else ()
    if len(pair) == 2 and isinstance(pair[0], str) and isinstance(pair[1], str):
        return pair
    detail = "the server's reply holds no access token and refresh token that this module can find"
    facts = {"kind": "response", "detail": detail, "field": None, "http_status": None, "attempts": 1}  # type: Json
    facts.update(delivered="yes", elapsed_ms=0)
    raise RpaError({"code": 44, "msg": "fail,获取token失败:应答中没有token", "result": None, "error": facts})


# --- The boundary -----------------------------------------------------------------------------------------------------


def _ask(function: str, request: Json) -> Any:
    library = _library()
    if function not in _FUNCTIONS:
        raise ValueError("no such function: {}".format(function))
    text = _wait_for(getattr(library, function), library.rpa_free, json.dumps(request, default=str).encode("ascii"))
    return json.loads(text.decode("utf-8"))


def _exchange(function: Any, free: Any, request: bytes) -> bytes:
    reply = function(request)
    if not reply:
        raise OSError("the library returned NULL, which rpa_openapi never does: this is another one")
    try:
        return ctypes.string_at(reply)
    finally:
        free(reply)


# --- Waiting ----------------------------------------------------------------------------------------------------------

_waiter = None  # type: Optional[_Waiter]

# SimpleQueue is the faster one; Python 3.6 does not have it.
_QUEUE = getattr(queue, "SimpleQueue", queue.Queue)  # type: Any


def _wait_for(function: Any, free: Any, request: bytes) -> bytes:
    """What the library's function replies.

    Python hears Ctrl-C in its main thread alone, and not while that is in the library. So a call of the main thread is
    made on another thread, and the main thread waits for it.
    """
    global _waiter
    if threading.get_ident() != threading.main_thread().ident or sys.is_finalizing():
        return _exchange(function, free, request)
    # Taken out while it is in use, and put back afterwards: one that Ctrl-C has left behind is still busy.
    waiter, _waiter = _waiter, None
    if waiter is None or not waiter.begin(function, free, request):
        try:
            waiter = _Waiter()
        except RuntimeError:  # no further thread can be started
            return _exchange(function, free, request)
        waiter.begin(function, free, request)
    text, error = waiter.wait()
    _waiter = waiter
    if error is not None:
        raise error
    return text


class _Waiter:
    """A thread that makes one call at a time, and ends when there was none for a second."""

    IDLE_SECONDS = 1
    # On Windows a wait without a limit does not hear Ctrl-C.
    LOOK_SECONDS = 0.1

    def __init__(self) -> None:
        self.process, self.lock, self.is_ended = os.getpid(), threading.Lock(), False
        self.calls, self.replies = _QUEUE(), _QUEUE()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def begin(self, *call: Any) -> bool:
        """False where the thread has ended, or was left in the process that this one was forked from."""
        if self.process != os.getpid():
            return False
        with self.lock:
            if not self.is_ended:
                self.calls.put(call)
            return not self.is_ended

    def wait(self) -> Tuple[Any, Optional[BaseException]]:
        while True:
            try:
                return self.replies.get(timeout=self.LOOK_SECONDS)
            except queue.Empty:
                pass

    def work(self) -> None:
        while True:
            try:
                call = self.calls.get(timeout=self.IDLE_SECONDS)
            except queue.Empty:
                with self.lock:
                    self.is_ended = self.calls.empty()
                if self.is_ended:
                    return
                continue
            if call is None:
                return
            try:
                self.replies.put((_exchange(*call), None))
            except BaseException as error:
                self.replies.put((None, error))


def _before_fork() -> None:
    """Ends an idle thread: from Python 3.12 on a fork beside other threads is warned of."""
    global _waiter
    waiter, _waiter = _waiter, None
    if waiter is not None:
        waiter.calls.put(None)
        waiter.thread.join(1)


# Windows has no fork, and Python 3.6 not this function.
_register_at_fork = getattr(os, "register_at_fork", None)
if _register_at_fork is not None:
    _register_at_fork(before=_before_fork)


# --- Loading ----------------------------------------------------------------------------------------------------------

_lock = threading.Lock()
_loaded = None  # type: Optional[ctypes.CDLL]


def _library() -> ctypes.CDLL:
    """The library: loaded at the first call, once, and never unloaded."""
    global _loaded
    with _lock:
        if _loaded is None:
            _loaded = _load(_path())
        return _loaded


def _bits() -> int:
    return struct.calcsize("P") * 8


def _path() -> str:
    """Where the library lies: always absolute, so that no other of its name is loaded."""
    named = os.environ.get("RPA_OPENAPI_LIBRARY")
    if named:
        return os.path.abspath(named)
    if os.name == "nt":
        stem, end = "rpa_openapi", ".dll"
    else:
        stem, end = "librpa_openapi", ".dylib" if sys.platform == "darwin" else ".so"
    machine = "x64" if _bits() == 64 else "x86"
    names = [stem + "_" + machine + end, os.path.join(machine, stem + end), stem + end]
    folder = os.path.dirname(os.path.abspath(__file__))
    for name in names:
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return path
    raise OSError("found none of {} in {}; this Python is {}-bit".format(", ".join(names), folder, _bits()))


def _load(path: str) -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(path)
    except OSError as error:
        message = "{} cannot be loaded; this Python is {}-bit, and needs a library that is: {}"
        raise OSError(message.format(path, _bits(), error)) from None
    missing = [name for name in _FUNCTIONS + ("rpa_free", "rpa_version") if not hasattr(library, name)]
    if missing:
        message = "{} is not the library rpa_openapi, or an older one: it lacks {}; this Python is {}-bit"
        raise OSError(message.format(path, ", ".join(missing), _bits()))
    for name in _FUNCTIONS:
        function = getattr(library, name)
        function.argtypes = [ctypes.c_char_p]
        function.restype = ctypes.c_void_p  # not c_char_p: that is a copy, and rpa_free needs the pointer
    library.rpa_free.argtypes = [ctypes.c_void_p]
    library.rpa_free.restype = None
    library.rpa_version.argtypes = []
    library.rpa_version.restype = ctypes.c_char_p  # static, and never freed
    return library
