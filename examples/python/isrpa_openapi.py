# -*- coding: utf-8 -*-
"""Calls the OpenAPI of an RPA control center (iS-RPA) through the shared library rpa_openapi.

Put this file and the library (rpa_openapi.dll, librpa_openapi.so) into one folder, or install the wheel isrpa-openapi,
which holds both. Python 3.6 and later, 32- and 64-bit, standard library alone. Everything here may be used from any
number of threads at once.

    with Client("https://10.0.0.5:8443", accesskey="...", secretkey="...", pin_sha256="...") as client:
        reply = client.post("/oapi/v1/job/create", {"procCode": "P001", "robotNo": "...", "note": "月结"})

AsyncClient is the same for asyncio. On the command line:

    python -m isrpa_openapi diagnose|call|sign|summary|protect --help      (or: python isrpa_openapi.py ...)

Ctrl-C ends the wait for a call at once, with KeyboardInterrupt. The call itself goes on in the background until it ends or
the process does: whether the server has got it is not known, so look a post up before it is made again.

What is not as it should be while calls still succeed (a clock that is off, a token store that cannot be used, a certificate
that ends soon) is told as RpaWarning by Python's warnings, and by the logger "isrpa_openapi". A warning never costs a reply,
not even where a filter makes it an error.

The library is looked for in the folder of this file: on Windows rpa_openapi_x64.dll or rpa_openapi_x86.dll by the bitness of
Python, then x64/rpa_openapi.dll or x86/rpa_openapi.dll, then rpa_openapi.dll; then among the system's libraries. The
environment variable RPA_OPENAPI_LIBRARY names another file.
"""

import asyncio
import collections
import concurrent.futures
import ctypes
import json
import logging
import os
import queue
import re
import struct
import sys
import threading
import warnings
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple, Union

__all__ = [
    "AsyncClient", "Client", "RpaError", "RpaWarning",
    "call", "diagnose", "get_token", "refresh_token", "sign", "version",
    "call_async", "diagnose_async", "get_token_async", "refresh_token_async", "sign_async",
    "report", "settings", "summary",
]  # fmt: skip

Json = Dict[str, Any]

_FUNCTIONS = ("rpa_get_token", "rpa_refresh_token", "rpa_call", "rpa_sign")
# What an older library lacks is missed only by who calls it.
_LATER_FUNCTIONS = ("rpa_diagnose",)

_log = logging.getLogger("isrpa_openapi")
_log.addHandler(logging.NullHandler())


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


def diagnose(request: Json) -> Json:
    """Looks at the way of such a call from end to end, and changes nothing: what is wrong first, and whose turn it is.
    See report() for a text of it."""
    return _ask("rpa_diagnose", request)


def version() -> str:
    """The version of the library."""
    return _library().rpa_version().decode("ascii")


async def get_token_async(request: Json) -> Json:
    """get_token() on another thread."""
    return await _later(_ask, "rpa_get_token", request)


async def refresh_token_async(request: Json) -> Json:
    """refresh_token() on another thread."""
    return await _later(_ask, "rpa_refresh_token", request)


async def call_async(request: Json) -> Json:
    """call() on another thread."""
    return await _later(_ask, "rpa_call", request)


async def sign_async(request: Json) -> Json:
    """sign() on another thread."""
    return await _later(_ask, "rpa_sign", request)


async def diagnose_async(request: Json) -> Json:
    """diagnose() on another thread."""
    return await _later(_ask, "rpa_diagnose", request)


# --- Errors and warnings ----------------------------------------------------------------------------------------------


class RpaError(Exception):
    """A call that the library could not bring to an end. A refusal by the server is none: that is a reply."""

    code: Optional[int]
    msg: Optional[str]  # Chinese, with the next step
    kind: Optional[str]
    detail: Optional[str]
    field: Optional[str]  # the request's field that is wrong
    http_status: Optional[int]
    attempts: Optional[int]
    # "no": the server cannot have seen the request, and calling again is safe. "unknown", "yes": it may have, it has.
    delivered: Optional[str]
    elapsed_ms: Optional[int]
    token: Optional[Json]  # of the token that the library looks after; None for a call without keys
    # From version 0.2.0 of the library on:
    id: Optional[str]
    time: Optional[str]
    version: Optional[str]
    function: Optional[str]
    target: Optional[Json]  # scheme, host, port, path
    peer: Optional[str]
    proxy: Optional[str]
    proxy_from: Optional[str]
    phase: Optional[str]
    ms: Optional[Json]  # of each phase
    hint: Optional[str]  # Chinese: the next step
    encoding: Optional[str]
    part: Optional[str]  # of run(): "start" or "wait"
    resume: Optional[str]  # of run(): with it the wait goes on

    _FACTS = (
        "kind", "detail", "field", "http_status", "attempts", "delivered", "elapsed_ms", "token", "id", "time", "version",
        "function", "target", "peer", "proxy", "proxy_from", "phase", "ms", "hint", "encoding", "part", "resume",
    )  # fmt: skip

    def __init__(self, reply: Json) -> None:
        error = reply["error"]
        super().__init__("{}: {}".format(error.get("kind"), error.get("detail")))
        self.reply = reply
        self.code = reply.get("code")
        self.msg = reply.get("msg")
        for fact in self._FACTS:
            setattr(self, fact, error.get(fact))
        self.error = error  # all of it, also what a later library adds

    def __reduce__(self) -> Any:
        return RpaError, (self.reply,)


class RpaWarning(UserWarning):
    """What is not as it should be although the call went well. Its text is English, zh is the same in Chinese."""

    def __init__(self, kind: str, en: str, zh: str = "") -> None:
        super().__init__(en or zh)
        self.kind, self.en, self.zh = kind, en, zh

    def __reduce__(self) -> Any:
        return RpaWarning, (self.kind, self.en, self.zh)


def _warn(meta: Json) -> None:
    for told in meta.get("warnings") or ():
        warning = RpaWarning(str(told.get("kind")), str(told.get("en") or ""), str(told.get("zh") or ""))
        _log.warning("%s: %s", warning.kind, warning, extra={"rpa": meta})
        frame, level = sys._getframe(), 1
        while frame.f_back is not None and frame.f_globals.get("__name__") == __name__:
            frame, level = frame.f_back, level + 1
        try:
            warnings.warn(warning, stacklevel=level)
        except RpaWarning:
            pass  # the reply is worth more: who got an exception would make a post again


# --- A client that keeps what its calls have in common ----------------------------------------------------------------


class _Common:
    """What Client and AsyncClient share: all but the exchange itself."""

    def __init__(
        self,
        host: str,
        pin_sha256: Union[None, str, List[str]] = None,
        ca_file: Optional[str] = None,
        verify: bool = True,
        timeout_ms: int = 30000,
        connect_timeout_ms: int = 10000,
        retry: int = 2,
        encoding: Optional[str] = None,
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
        signature_refused: Optional[Json] = None,
        meta: Optional[bool] = None,
        on_meta: Optional[Callable[[Json], Any]] = None,
        **options: Any
    ) -> None:
        tls = {"verify": verify}  # type: Json
        if pin_sha256 is not None:
            tls["pin_sha256"] = pin_sha256
        if ca_file is not None:
            tls["ca_file"] = ca_file
        limits = {"timeout_ms": timeout_ms, "connect_timeout_ms": connect_timeout_ms, "retry": retry}
        self._common = dict(options, host=host, tls=tls, **limits)  # type: Json
        self._call = {"values": values, "retry_mode": retry_mode}  # type: Json
        # Only what was given: an older library does not know the others.
        self._call.update(
            _given(encoding=encoding, query=query, empty_ok=empty_ok, signature_refused=signature_refused)
        )
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
        self._meta, self._on_meta = meta, on_meta
        # What the library's fields are called here, for hints.
        self._names = {"tls." + name: name for name in ("verify", "ca_file", "pin_sha256")}
        self._of_thread = threading.local()
        self._is_closed = False

    def close(self) -> None:
        """Forgets the keys and the tokens. No call can be made afterwards."""
        self._is_closed = True
        self._keys, self._tokens = {}, (None, None)

    @property
    def token(self) -> Optional[str]:
        """The access token that login() got; None without it."""
        return self._tokens[0]

    @property
    def last_meta(self) -> Optional[Json]:
        """The facts of this thread's last call: id, peer, proxy, ms of each phase, ... None with a library before 0.2.0."""
        return getattr(self._of_thread, "meta", None)

    def _request(self, **fields: Any) -> Json:
        if self._is_closed:
            raise ValueError("this client is closed")
        request = dict(self._common, **fields)
        if self._meta or self._meta is None and _is_modern():
            request["meta"] = True
        return request

    def _call_fields(self, fields: Json) -> Json:
        token = self._tokens[0]
        # Without a token of the caller's the keys count; where neither is given, the library says what is missing.
        way = {"accesstoken": token} if token is not None else self._keys
        if not way and not self._is_keyless():
            way = {"accesstoken": None}
        return self._request(**dict(self._call, **dict(way, **fields)))

    def _is_keyless(self) -> bool:
        return self._common.get("generation") in ("10.3", "9")

    def _diagnosis_fields(self, fields: Json) -> Json:
        if self._is_closed:
            raise ValueError("this client is closed")
        token = self._tokens[0]
        way = dict(self._keys) if token is None else {"accesstoken": token}
        return dict(self._common, **dict(self._call, **dict(way, **fields)))

    def _received(self, reply: Any) -> Any:
        """The server's reply out of the library's, whose facts are handed on."""
        if isinstance(reply, dict) and "reply" in reply and isinstance(reply.get("meta"), dict):
            reply, meta = reply["reply"], reply["meta"]
            self._of_thread.meta = meta
            _log.debug("%s %s: %s ms", meta.get("function"), meta.get("id"), meta.get("elapsed_ms"), extra={"rpa": meta})
            _warn(meta)
            if self._on_meta is not None:
                self._on_meta(meta)
        error = reply.get("error") if isinstance(reply, dict) else None
        # A server's own reply may have a field of that name.
        if isinstance(error, dict) and "kind" in error and "delivered" in error:
            _in_words_of(error, self._names)
            raise RpaError(reply)
        return reply

    def _settled(self, given: Json, sources: Dict[str, str]) -> Any:
        """The same client, with hints in the words of its settings' file."""
        self._names.update(_setting_names(sources, given))
        return self

    def _keep(self, reply: Any) -> Json:
        reply = self._received(reply)
        if isinstance(reply, dict) and reply.get("code") == 0:
            self._tokens = _tokens_of(reply.get("result"))
        return reply


class Client(_Common):
    """One control center. Its methods return the reply, whatever its code, and raise RpaError where there is none.

    host          https://name-or-ip[:port][/prefix]; http:// works too
    pin_sha256    the SHA-256 fingerprint of the one certificate to accept, such as a self-signed one; or a list of them
    ca_file       PEM file of a CA to trust beside the system's
    verify        False accepts any certificate: never outside of a test
    timeout_ms, connect_timeout_ms, retry    limits: of a whole call, of one connection, attempts in all
    options       further fields that every request may have: proxy, headers, generation, log, max_response_bytes, ...
    encoding, values, retry_mode, query, empty_ok, signature_refused    fields of calls alone, see the library's documentation
    accesskey, secretkey                     with these the library gets, keeps and renews the token: no login() is needed
    token_store   who shares that token: "memory", this process; {"file": path}, this machine; {"redis": "redis://..."}
    token_ttl_ms, token_refused, correct_clock       of calls by keys, see the library's documentation
    on_meta       is called with the facts of each call; meta=False does not ask for them, and hears no warnings

    Each method takes further fields of the library by name: client.post("/x", {...}, files={"file": path}).
    """

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    @classmethod
    def from_settings(cls, path: Optional[str] = None, **more: Any) -> "Client":
        """A client by rpa_openapi.json, see settings(). more: what is given here counts instead."""
        fields, sources = _settings(path)
        return cls(**dict(_as_options(fields), **more))._settled(more, sources)

    def login(self, accesskey: str, secretkey: str) -> Json:
        """Gets tokens and keeps them, if the reply's code is 0. Calls then use them, and not the client's own keys."""
        return self._keep(_ask("rpa_get_token", self._request(accesskey=accesskey, secretkey=secretkey)))

    def refresh(self) -> Json:
        """Trades the refresh token for new tokens and keeps them, if the reply's code is 0."""
        return self._keep(_ask("rpa_refresh_token", self._request(refreshtoken=self._tokens[1])))

    def get(self, path: str, data: Optional[Json] = None, **fields: Any) -> Any:
        return self._send(dict(fields, mode="get", rest_type=path, data_json=data))

    def post(self, path: str, data: Optional[Json] = None, **fields: Any) -> Any:
        return self._send(dict(fields, mode="post", rest_type=path, data_json=data))

    def put(self, path: str, data: Optional[Json] = None, **fields: Any) -> Any:
        return self._send(dict(fields, mode="put", rest_type=path, data_json=data))

    def delete(self, path: str, data: Optional[Json] = None, **fields: Any) -> Any:
        return self._send(dict(fields, mode="delete", rest_type=path, data_json=data))

    def run(self, path: Optional[str] = None, data: Optional[Json] = None, wait: Optional[Json] = None, **fields: Any) -> Any:
        """Starts work, and waits for its end: one post, and then what `wait` says, until it is so.

        wait is the library's field: {"rest_type": ..., "data_json": {"jobNo": {"pointer": "/result/jobNo"}},
        "until": [{"pointer": "/result/status", "in": [...]}], ...}; by default as the emulated control center has it, see
        _WAIT. result holds started, reply and resume. After a failure
        of the part "wait", run(resume=error.resume) goes on waiting, in another process too, and starts nothing.
        """
        return self._send(_run_fields(path, data, wait, fields))

    def pages(self, path: str, data: Optional[Json] = None, **names: Any) -> Any:
        """Gathers all pages into one reply. names: page, size, items, total, as in the library's field `pages`; the usual ones
        are tried by default, see _PAGES."""
        return self._send(_pages_fields(path, data, names))

    def diagnose(self, rest_type: Optional[str] = None, data: Optional[Json] = None, **fields: Any) -> Json:
        """What is wrong between here and the control center, and whose turn it is; report() makes a text of it.

        Changes nothing. With rest_type a signed get is made; with get_token=True a token may be asked for, which can end
        another's."""
        return _ask("rpa_diagnose", self._diagnosis_fields(_diagnosed(rest_type, data, fields)))

    def raw(self, function: str, **fields: Any) -> Any:
        """Calls "get_token", "refresh_token", "call", "sign" or "diagnose" with exactly these fields beside the common
        ones, and returns whatever comes, an error too, without raising. Neither the kept token nor the keys are added."""
        return _ask("rpa_" + function, dict(self._common, **fields))

    def _send(self, fields: Json) -> Any:
        return self._received(_ask("rpa_call", self._call_fields(fields)))


class AsyncClient(_Common):
    """Client for asyncio: the same parameters, and the same methods, to be awaited.

    Calls are made on threads, at most CALLS_AT_ONCE in a process; more of them wait their turn. A task that is cancelled
    stops waiting at once; a call that has begun goes on to its end in the background, as after Ctrl-C.
    """

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(self, *_: Any) -> None:
        self.close()

    @classmethod
    def from_settings(cls, path: Optional[str] = None, **more: Any) -> "AsyncClient":
        """A client by rpa_openapi.json, see settings(). more: what is given here counts instead."""
        fields, sources = _settings(path)
        return cls(**dict(_as_options(fields), **more))._settled(more, sources)

    async def login(self, accesskey: str, secretkey: str) -> Json:
        """Gets tokens and keeps them, if the reply's code is 0. Calls then use them, and not the client's own keys."""
        return self._keep(await _later(_ask, "rpa_get_token", self._request(accesskey=accesskey, secretkey=secretkey)))

    async def refresh(self) -> Json:
        """Trades the refresh token for new tokens and keeps them, if the reply's code is 0."""
        return self._keep(await _later(_ask, "rpa_refresh_token", self._request(refreshtoken=self._tokens[1])))

    async def get(self, path: str, data: Optional[Json] = None, **fields: Any) -> Any:
        return await self._send(dict(fields, mode="get", rest_type=path, data_json=data))

    async def post(self, path: str, data: Optional[Json] = None, **fields: Any) -> Any:
        return await self._send(dict(fields, mode="post", rest_type=path, data_json=data))

    async def put(self, path: str, data: Optional[Json] = None, **fields: Any) -> Any:
        return await self._send(dict(fields, mode="put", rest_type=path, data_json=data))

    async def delete(self, path: str, data: Optional[Json] = None, **fields: Any) -> Any:
        return await self._send(dict(fields, mode="delete", rest_type=path, data_json=data))

    async def run(self, path: Optional[str] = None, data: Optional[Json] = None, wait: Optional[Json] = None, **fields: Any) -> Any:
        """Client.run(), to be awaited."""
        return await self._send(_run_fields(path, data, wait, fields))

    async def pages(self, path: str, data: Optional[Json] = None, **names: Any) -> Any:
        """Client.pages(), to be awaited."""
        return await self._send(_pages_fields(path, data, names))

    async def diagnose(self, rest_type: Optional[str] = None, data: Optional[Json] = None, **fields: Any) -> Json:
        """Client.diagnose(), to be awaited."""
        return await _later(_ask, "rpa_diagnose", self._diagnosis_fields(_diagnosed(rest_type, data, fields)))

    async def raw(self, function: str, **fields: Any) -> Any:
        """Client.raw(), to be awaited."""
        return await _later(_ask, "rpa_" + function, dict(self._common, **fields))

    async def _send(self, fields: Json) -> Any:
        return self._received(await _later(_ask, "rpa_call", self._call_fields(fields)))


# As the emulated control center has it, and, for pages, others. The vendor publishes none of these names: see /doc.html of
# the control center. Of several pointers the first that leads to a list, or to a number, counts.
_WAIT = {
    "rest_type": "/oapi/v1/job/get",
    "data_json": {"jobNo": {"pointer": "/result/jobNo"}},
    "until": [{"pointer": "/result/status", "in": ["finished", "success"]}],
    "fail": [{"pointer": "/result/status", "in": ["stopped", "failed"]}],
}  # type: Json
_PAGES = {
    "page": "pageNum",
    "size": "pageSize",
    "items": ["/result/rows", "/result/list", "/result/records", "/result/data", "/result"],
    "total": ["/result/total", "/total"],
}  # type: Json


def _run_fields(path: Optional[str], data: Optional[Json], wait: Optional[Json], fields: Json) -> Json:
    if fields.get("resume"):
        # It holds what to ask and until when; what wait gives here counts instead. What starts work does not belong.
        return dict({name: fields[name] for name in fields if name != "mode"}, wait=wait or {})
    return dict({"mode": "post"}, **dict(fields, rest_type=path, data_json=data, wait=_WAIT if wait is None else wait))


def _pages_fields(path: str, data: Optional[Json], names: Json) -> Json:
    pages = dict(_PAGES, **{name: names.pop(name) for name in _PAGES if name in names})
    return dict({"mode": "get", "pages": pages}, **dict(names, rest_type=path, data_json=data))


def _diagnosed(rest_type: Optional[str], data: Optional[Json], fields: Json) -> Json:
    call = {} if rest_type is None else {"mode": "get", "rest_type": rest_type, "data_json": data}  # type: Json
    return dict(call, **fields)


def _setting_names(sources: Dict[str, str], given: Iterable[str] = ()) -> Dict[str, str]:
    """The settings that fields come from, but for those that were given otherwise."""
    settled = {field: source.split(" (")[0] for field, source in sources.items() if source.startswith("RPA_")}
    return {field: name for field, name in settled.items() if field.split(".")[-1] not in given}


def _in_words_of(error: Json, names: Dict[str, str]) -> None:
    """Puts the caller's own names into the next step, where the library has its fields between these brackets."""
    if isinstance(error.get("hint"), str):
        error["hint"] = re.sub("「([^「」]*)」", lambda found: "「" + names.get(found.group(1), found.group(1)) + "」", error["hint"])


def _given(**fields: Any) -> Json:
    return {name: value for name, value in fields.items() if value is not None}


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
    if function not in _FUNCTIONS + _LATER_FUNCTIONS:
        raise ValueError("no such function: {}".format(function))
    if not hasattr(library, function):
        raise OSError("{} is version {}, which has no {}: take a newer one".format(library._name, version(), function))
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


# --- Calls of asyncio -------------------------------------------------------------------------------------------------

CALLS_AT_ONCE = 32

_threads = None  # type: Optional[_Threads]


async def _later(work: Any, *arguments: Any) -> Any:
    """What work(*arguments) returns, on another thread: ctypes lets go of Python's lock during a call."""
    global _threads
    threads = _threads
    if threads is None or threads.process != os.getpid():
        threads = _threads = _Threads()
    loop = asyncio.get_event_loop()
    future = loop.create_future()
    threads.give(_Job(loop, future, work, arguments))
    return await future


class _Job:
    def __init__(self, loop: Any, future: Any, work: Any, arguments: Tuple[Any, ...]) -> None:
        self.loop, self.future, self.work, self.arguments = loop, future, work, arguments

    def do(self) -> None:
        if self.future.cancelled():
            return
        try:
            result, error = self.work(*self.arguments), None
        except BaseException as raised:
            result, error = None, raised
        try:
            self.loop.call_soon_threadsafe(self.end, result, error)
        except RuntimeError:
            pass  # the loop is closed: nobody waits any more

    def end(self, result: Any, error: Optional[BaseException]) -> None:
        if self.future.done():
            return
        if error is None:
            self.future.set_result(result)
        else:
            self.future.set_exception(error)


class _Threads:
    """Threads that end when there was no call for a second. As daemons they hold no process back."""

    IDLE_SECONDS = 1

    def __init__(self) -> None:
        self.process, self.changed = os.getpid(), threading.Condition()
        self.jobs = collections.deque()  # type: Any
        self.count = self.idle = 0

    def give(self, job: _Job) -> None:
        with self.changed:
            self.jobs.append(job)
            if len(self.jobs) > self.idle and self.count < CALLS_AT_ONCE:
                try:
                    threading.Thread(target=self.work, daemon=True).start()
                    self.count += 1
                except RuntimeError:  # no further thread can be started
                    if self.count == 0:
                        self.jobs.pop()
                        raise
            self.changed.notify()

    def work(self) -> None:
        while True:
            with self.changed:
                self.idle += 1
                self.changed.wait_for(lambda: self.jobs, self.IDLE_SECONDS)
                self.idle -= 1
                if not self.jobs:
                    self.count -= 1
                    return
                job = self.jobs.popleft()
            job.do()
            del job  # it holds keys


# --- Loading ----------------------------------------------------------------------------------------------------------

_lock = threading.Lock()
_loaded = None  # type: Optional[ctypes.CDLL]


def _library() -> ctypes.CDLL:
    """The library: loaded at the first call, once, and never unloaded."""
    global _loaded
    with _lock:
        if _loaded is None:
            _loaded = _find()
        return _loaded


_modern = None  # type: Optional[bool]


def _is_modern() -> bool:
    """Whether the library knows `meta`."""
    global _modern
    if _modern is None:
        found = re.match(r"(\d+)\.(\d+)", version())
        _modern = found is not None and (int(found.group(1)), int(found.group(2))) >= (0, 2)
        if _modern:
            # One from before the release of 0.2.0 may not. Without a host nothing is sent.
            _modern = _dict(_dict(_ask("rpa_call", {"meta": True})).get("error")).get("field") != "meta"
    return _modern


def _bits() -> int:
    return struct.calcsize("P") * 8


def _find() -> ctypes.CDLL:
    named = os.environ.get("RPA_OPENAPI_LIBRARY")
    if named:
        return _load(os.path.abspath(named))
    if os.name == "nt":
        stem, end = "rpa_openapi", ".dll"
    else:
        stem, end = "librpa_openapi", ".dylib" if sys.platform == "darwin" else ".so"
    machine = "x64" if _bits() == 64 else "x86"
    tried = []  # type: List[str]
    # By absolute path, so that no other of its name is loaded.
    for name in (stem + "_" + machine + end, os.path.join(machine, stem + end), stem + end):
        path = os.path.join(_folder(), name)
        if not os.path.isfile(path):
            tried.append("{} is not there".format(path))
        elif _bits_of(path) in (None, _bits()):
            return _load(path)
        else:
            tried.append("{} is {}-bit".format(path, _bits_of(path)))
    for name in _system_names(stem + end):
        try:
            library = ctypes.CDLL(name)
        except OSError:
            tried.append("{} is not among the system's libraries".format(name))
        else:
            return _prepared(library, name)
    message = "the library rpa_openapi was not found; this Python is {}-bit, and needs one that is. Tried: {}"
    raise OSError(message.format(_bits(), "; ".join(tried)))


def _system_names(name: str) -> List[str]:
    """Names for the system's own search. On Windows that could take a DLL from the current folder: there it is the
    folder of the program, and Windows' own."""
    if os.name != "nt":
        return [name] if sys.platform == "darwin" else [name, name + ".0.2"]
    folders = [os.path.dirname(sys.executable or ""), os.path.join(os.environ.get("SystemRoot", ""), "System32")]
    return [os.path.join(folder, name) for folder in folders if os.path.isabs(folder)]


def _folder() -> str:
    return os.path.dirname(os.path.abspath(__file__))


def _load(path: str) -> ctypes.CDLL:
    try:
        bits = _bits_of(path)
        library = ctypes.CDLL(path)
    except OSError as error:
        bits = bits if os.path.isfile(path) else None
        own = "" if bits in (None, _bits()) else " It is {}-bit.".format(bits)
        message = "{} cannot be loaded; this Python is {}-bit, and needs a library that is.{} ({})"
        raise OSError(message.format(path, _bits(), own, error)) from None
    return _prepared(library, path)


def _bits_of(path: str) -> Optional[int]:
    """The bitness that a library's file has in its head; None where it cannot be seen."""
    try:
        with open(path, "rb") as file:
            head = file.read(4096)
    except OSError:
        return None
    if head[:4] == b"\x7fELF" and len(head) > 4:
        return {1: 32, 2: 64}.get(head[4])
    if head[:2] == b"MZ" and len(head) >= 0x40:
        begin = struct.unpack_from("<I", head, 0x3C)[0]
        if head[begin : begin + 4] == b"PE\0\0" and len(head) >= begin + 6:
            return {0x14C: 32, 0x8664: 64, 0xAA64: 64}.get(struct.unpack_from("<H", head, begin + 4)[0])
    return None


def _prepared(library: ctypes.CDLL, path: str) -> ctypes.CDLL:
    missing = [name for name in _FUNCTIONS + ("rpa_free", "rpa_version") if not hasattr(library, name)]
    if missing:
        message = "{} is not the library rpa_openapi, or an older one: it lacks {}; this Python is {}-bit"
        raise OSError(message.format(path, ", ".join(missing), _bits()))
    for name in _FUNCTIONS + _LATER_FUNCTIONS:
        if hasattr(library, name):
            function = getattr(library, name)
            function.argtypes = [ctypes.c_char_p]
            function.restype = ctypes.c_void_p  # not c_char_p: that is a copy, and rpa_free needs the pointer
    library.rpa_free.argtypes = [ctypes.c_void_p]
    library.rpa_free.restype = None
    library.rpa_version.argtypes = []
    library.rpa_version.restype = ctypes.c_char_p  # static, and never freed
    return library


# --- rpa_openapi.json -------------------------------------------------------------------------------------------------
#
# The settings' file that GlobalFun.py reads, too: {"RPA_HOST": "https://10.0.0.5", "RPA_ACCESSKEY": "...", ...}.

_FIELDS = {
    "RPA_HOST": "host",
    "RPA_ACCESSKEY": "accesskey",
    "RPA_SECRETKEY": "secretkey",
    "RPA_APPKEY": "appkey",
    "RPA_GENERATION": "generation",
    "RPA_TOKEN_STORE": "token_store",
    "RPA_TOKEN_TTL_MS": "token_ttl_ms",
    "RPA_TOKEN_REFUSED": "token_refused",
    "RPA_SIGNATURE_REFUSED": "signature_refused",
    "RPA_CORRECT_CLOCK": "correct_clock",
    "RPA_CERT_SHA256": "tls.pin_sha256",
    "RPA_CA_FILE": "tls.ca_file",
    "RPA_VERIFY": "tls.verify",
    "RPA_PROXY": "proxy",
    "RPA_TIMEOUT_MS": "timeout_ms",
    "RPA_CONNECT_TIMEOUT_MS": "connect_timeout_ms",
    "RPA_RETRY_MODE": "retry_mode",
    "RPA_ENCODING": "encoding",
    "RPA_QUERY": "query",
    "RPA_EMPTY_OK": "empty_ok",
    "RPA_LOG": "log",
    "RPA_LOG_FOLDER": "log",
    "RPA_WAIT": "wait",
    "RPA_PAGES": "pages",
    "RPA_OPTIONS": "",
}
_FILE = "rpa_openapi.json"


def settings(path: Optional[str] = None) -> Json:
    """The request fields that a settings' file stands for. Without a path it is the first one there is of rpa_openapi.json
    in the current folder, in that of this module, and in the machine's (%PROGRAMDATA%\\isrpa_openapi, /etc/isrpa_openapi).
    {} where there is none. Values that `protect` has made are taken out of their protection."""
    fields, _ = _settings(path)
    return fields


def _machine_folder() -> str:
    if os.name == "nt":
        return os.path.join(os.environ.get("PROGRAMDATA") or "C:\\ProgramData", "isrpa_openapi")
    return "/etc/isrpa_openapi"


def _settings(path: Optional[str]) -> Tuple[Json, Dict[str, str]]:
    """The fields, and for each where it came from."""
    if path is None:
        # One file alone: a file in the current folder must not get hold of keys that stand elsewhere.
        folders = [os.getcwd(), _folder(), _machine_folder()]
        found = [os.path.join(folder, _FILE) for folder in folders if os.path.isfile(os.path.join(folder, _FILE))]
        if not found:
            return {}, {}
        path = found[0]
    path = os.path.abspath(path)
    given = _read_settings(path)
    fields, sources = {}, {}  # type: Json, Dict[str, str]
    for name, value in given.items():
        if _protected(value):
            try:
                value = unprotect(value["dpapi"])
            except (OSError, ValueError) as error:
                raise ValueError("{} of {}: {}".format(name, path, error)) from None
        field = _FIELDS[name]
        sources[field] = "{} ({})".format(name, path)
        _put(fields, name, value, os.path.dirname(path))
    return fields, sources


def _put(fields: Json, name: str, value: Any, folder: str) -> None:
    field = _FIELDS[name]
    if name == "RPA_OPTIONS":
        fields.update(value if isinstance(value, dict) else {})
    elif name in ("RPA_WAIT", "RPA_PAGES"):
        pass  # of single calls
    elif name in ("RPA_LOG", "RPA_LOG_FOLDER"):
        if value not in (None, "", "none"):
            log = fields.setdefault("log", {})
            log["level" if name == "RPA_LOG" else "folder"] = value
    elif value in (None, "") or name == "RPA_TOKEN_TTL_MS" and value == 0:
        pass
    elif name == "RPA_PROXY":
        if str(value).lower() != "system":
            fields["proxy"] = None if str(value).lower() == "none" else value
    elif name == "RPA_TOKEN_STORE":
        fields["token_store"] = _token_store(str(value), folder)
    elif field.startswith("tls."):
        if name == "RPA_CA_FILE":
            value = os.path.join(folder, os.path.expandvars(os.path.expanduser(str(value))))
        fields.setdefault("tls", {})[field[4:]] = value
    else:
        fields[field] = value


def _token_store(place: str, folder: str) -> Any:
    word = place.strip().lower()
    if word == "memory":
        return "memory"
    if word.startswith(("redis://", "rediss://")):
        return {"redis": place.strip()}
    if word == "file":
        own = os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME", "")
        if not os.path.isabs(own) and os.name != "nt":
            own = os.path.join(os.path.expanduser("~"), ".cache")
        return {"file": os.path.join(own if os.path.isabs(own) else folder, "rpa_openapi", "token.json")}
    return {"file": os.path.join(folder, os.path.expandvars(os.path.expanduser(place.strip())))}


def _as_options(fields: Json) -> Json:
    """Fields as parameters of Client."""
    options = dict(fields)
    options.update(options.pop("tls", None) or {})
    if "log" in options and "folder" not in options["log"]:
        del options["log"]  # a level alone: GlobalFun.py has a folder of its own
    return options


def _read_settings(path: str) -> Json:
    """The file's object, its names checked. Nothing of what it holds is quoted: that can be a key."""
    with open(path, "rb") as file:
        raw = file.read(1 << 20)
    try:
        given = json.loads(_decoded(raw))
    except ValueError as error:
        place = " at line {}, column {}".format(error.lineno, error.colno) if hasattr(error, "lineno") else ""
        reason = getattr(error, "msg", "neither UTF-8 nor GBK")
        raise ValueError("{} is not well-formed JSON: {}{}".format(path, reason, place)) from None
    if not isinstance(given, dict):
        raise ValueError("{} must hold a JSON object, as {{\"RPA_HOST\": \"https://10.0.0.5\"}}".format(path))
    for name in given:
        if name not in _FIELDS:
            import difflib

            near = difflib.get_close_matches(str(name).upper(), _FIELDS, 1)
            meant = "; did you mean {}?".format(near[0]) if near else ""
            raise ValueError("{} has an unknown setting {}{}".format(path, _plain(name), meant))
    return given


def _decoded(raw: bytes) -> str:
    """As Notepad saves: UTF-8 with or without a mark, "Unicode", or ANSI, which is GBK on a Chinese Windows."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("gb18030")


# --- Protection by Windows --------------------------------------------------------------------------------------------


def _protected(value: Any) -> bool:
    return isinstance(value, dict) and list(value) == ["dpapi"] and isinstance(value["dpapi"], str)


def protect(text: str, machine: bool = False) -> str:
    """The text, encrypted by Windows for this user (or whoever works on this machine), as Base64."""
    import base64

    return base64.b64encode(_dpapi("CryptProtectData", text.encode("utf-8"), 0x4 if machine else 0)).decode("ascii")


def unprotect(text: str) -> str:
    """What protect() was given. OSError where Windows cannot: another user, another machine, or no Windows at all."""
    import base64

    return _dpapi("CryptUnprotectData", base64.b64decode(text, validate=True), 0).decode("utf-8")


def _dpapi(function: str, data: bytes, flags: int) -> bytes:
    if os.name != "nt":
        raise OSError("values that are protected by DPAPI can be made and read on Windows alone")

    class Blob(ctypes.Structure):
        _fields_ = [("size", ctypes.c_uint32), ("data", ctypes.c_void_p)]

    windll = getattr(ctypes, "WinDLL")
    work, free = getattr(windll("crypt32", use_last_error=True), function), windll("kernel32").LocalFree
    pointer, void = ctypes.POINTER(Blob), ctypes.c_void_p
    work.argtypes, work.restype = [pointer, void, void, void, void, ctypes.c_uint32, pointer], ctypes.c_int
    free.argtypes, free.restype = [void], void
    buffer = ctypes.create_string_buffer(data, len(data))
    before, after = Blob(len(data), ctypes.cast(buffer, void)), Blob(0, None)
    # 1: no window is shown.
    if not work(ctypes.byref(before), None, None, None, None, flags | 1, ctypes.byref(after)):
        number = getattr(ctypes, "get_last_error")()
        what = "protect this value" if function == "CryptProtectData" else "read this protected value: it was protected by another user, or on another machine"
        raise OSError("Windows cannot {} (error {})".format(what, number))
    try:
        return ctypes.string_at(after.data, after.size)
    finally:
        ctypes.memset(after.data, 0, after.size)
        ctypes.memset(buffer, 0, len(data))
        free(after.data)


# --- A diagnosis as text ----------------------------------------------------------------------------------------------

_WORDS = {
    "title": ("iS-RPA控制中心调用诊断", "Diagnosis of calls to the iS-RPA control center"),
    "verdict": ("结论", "Verdict"),
    "setting": ("要改的设置", "Setting to change"),
    "turn": ("该由谁处理", "Whose turn it is"),
    "you": ("您自己", "yours"),
    "network": ("网络管理员", "the network's administrator"),
    "control_center": ("控制中心的管理员", "the control center's administrator"),
    "checks": ("检查", "Checks"),
    "ok": ("正常", "ok"),
    "warning": ("注意", "warning"),
    "fail": ("失败", "FAIL"),
    "skipped": ("跳过", "skipped"),
    "settings": ("设置", "Settings"),
    "from": ("来自", "from"),
    "machine": ("机器", "Machine"),
    "library": ("动态库", "Library"),
    "ms": ("毫秒", "ms"),
    "none": ("没有诊断结果", "there is no diagnosis"),
}  # fmt: skip


def report(reply: Json, lang: str = "zh") -> str:
    """A diagnosis as text in Chinese ("zh") or English ("en"), ready to be sent to a colleague. Holds no secret."""
    word = {name: pair[lang != "zh"] for name, pair in _WORDS.items()}
    result = reply.get("result") if isinstance(reply, dict) else None
    if not isinstance(result, dict) or not isinstance(result.get("verdict"), dict):
        told = _dict(reply).get("msg") if lang == "zh" else _dict(_dict(reply).get("error")).get("detail")
        return _plain("{}: {}".format(word["none"], told or reply))

    def said(part: Any) -> str:
        return str(_dict(part).get(lang) or _dict(part).get("zh") or _dict(part).get("en") or "")

    verdict = result["verdict"]
    lines = [word["title"], "", "{}: {}".format(word["verdict"], said(verdict))]
    if verdict.get("setting"):
        lines.append("{}: {}".format(word["setting"], verdict["setting"]))
    if verdict.get("turn"):
        lines.append("{}: {}".format(word["turn"], word.get(str(verdict["turn"]), verdict["turn"])))
    lines += ["", word["checks"]]
    for check in map(_dict, _list(result.get("checks"))):
        status = str(check.get("status"))
        told = said(check) or said(check.get("because"))
        ms = "" if status == "skipped" or check.get("ms") is None else " ({} {})".format(check["ms"], word["ms"])
        lines.append("  [{}] {}: {}{}".format(word.get(status, status), check.get("name"), told, ms))
        if status in ("warning", "fail") and check.get("facts"):
            lines.append("         " + _short(check["facts"]))
    lines += ["", word["settings"]]
    for setting in map(_dict, _list(result.get("settings"))):
        if setting.get("field") == "settings_from":
            continue  # it stands behind each of them
        value = json.dumps(setting.get("value"), ensure_ascii=False)
        lines.append("  {} = {}  {} {}".format(setting.get("field"), value, word["from"], setting.get("from")))
        for odd in _list(setting.get("odd")):
            lines.append("      [{}] {}".format(word["warning"], said(odd)))
    for name in ("machine", "library"):
        lines += ["", word[name]]
        for fact, value in _dict(result.get(name)).items():
            lines.append("  {}: {}".format(fact, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)))
    return "\n".join(map(_plain, lines))


def _dict(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> List[Any]:
    return value if isinstance(value, list) else []


def _short(value: Any, most: int = 1500) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= most else text[:most] + "..."


def _plain(text: Any) -> str:
    """Without what would steer a console: others' words stand in logs and diagnoses."""
    shown = (sign if sign.isprintable() else repr(sign)[1:-1] for sign in str(text))
    return "".join(shown)


# --- Logs, summed up --------------------------------------------------------------------------------------------------

_LONGEST_LINE = 1 << 20
_MOST_NAMES = 10000
_MOST_POSTS = 1000
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:?\d\d)?$")


def summary(paths: Iterable[str]) -> Json:
    """What the log files of these folders (with all below them) and files say together, .gz ones too.

    Reads line by line, any number of files. Lines that are no log lines are counted, and so are files that cannot be read.
    """
    found = _Summary()
    for path in paths:
        found.read(str(path))
    return found.result()


class _Tally:
    """How often each of these was met, and when first and last. Beyond a limit new names are counted together."""

    def __init__(self) -> None:
        self.rows = {}  # type: Dict[Any, Json]

    def add(self, name: Any, time: Tuple[float, str], failed: bool = False) -> Json:
        if name not in self.rows and len(self.rows) >= _MOST_NAMES:
            name = tuple("(others)" for _ in name) if isinstance(name, tuple) else "(others)"
        row = self.rows.setdefault(name, {"count": 0, "failures": 0, "first": time, "last": time})
        row["count"] += 1
        row["failures"] += failed
        row["first"], row["last"] = min(row["first"], time), max(row["last"], time)
        return row

    def result(self, *names: str) -> List[Json]:
        rows = []
        for name, row in sorted(self.rows.items(), key=lambda item: (-item[1]["count"], str(item[0]))):
            parts = name if isinstance(name, tuple) else (name,)
            rows.append(dict(zip(names, parts), **dict(row, first=row["first"][1], last=row["last"][1])))
        return rows


class _Summary:
    def __init__(self) -> None:
        self.files = self.lines = self.broken = self.calls = self.failures = self.unknown = 0
        self.unreadable = []  # type: List[Json]
        self.kinds, self.targets, self.versions, self.events = _Tally(), _Tally(), _Tally(), _Tally()
        self.warnings, self.robots, self.hours, self.levels = _Tally(), _Tally(), _Tally(), _Tally()
        self.posts = []  # type: List[Json]
        self.seen = set()  # type: Any

    def read(self, path: str) -> None:
        if not os.path.isdir(path):
            self.file(path)
            return
        for folder, folders, files in os.walk(path, onerror=self.note):
            folders.sort()
            for name in sorted(files):
                if name.endswith((".jsonl", ".jsonl.gz")):
                    self.file(os.path.join(folder, name))

    def note(self, error: OSError) -> None:
        self.unreadable.append({"file": str(error.filename), "why": type(error).__name__})

    def file(self, path: str) -> None:
        real = os.path.realpath(path)
        if real in self.seen:
            return  # named twice
        self.seen.add(real)
        import gzip
        import zlib

        try:
            with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
                self.files += 1
                self.all_lines(file, path)
        except (OSError, EOFError, zlib.error) as error:
            self.unreadable.append({"file": path, "why": type(error).__name__})

    def all_lines(self, file: Any, path: str) -> None:
        number = 0
        while True:
            line = file.readline(_LONGEST_LINE)
            if not line:
                return
            number += 1
            if not line.endswith(b"\n") and len(line) == _LONGEST_LINE:
                while line and not line.endswith(b"\n"):
                    line = file.readline(_LONGEST_LINE)
                self.lines, self.broken = self.lines + 1, self.broken + 1
                continue
            if not line.strip():
                continue
            self.lines += 1
            try:
                entry = json.loads(line.decode("utf-8"))
                time = _when(entry["time"])
                event = str(entry["event"])
            except (ValueError, KeyError, TypeError, RecursionError):
                self.broken += 1
                continue
            self.entry(entry, event, time, path, number)

    def entry(self, entry: Json, event: str, time: Tuple[float, str], path: str, number: int) -> None:
        robot = _text(entry.get("machine")), _text(entry.get("user"))
        version = _text(entry.get("version"))
        if event != "call":
            self.events.add(event, time)
        else:
            kind, code, status = entry.get("kind"), entry.get("code"), entry.get("http_status")
            outcome = "ok"
            if kind is not None:
                outcome = _text(kind)
            elif code not in (0, None):
                outcome = "code " + _text(code)
            elif isinstance(status, int) and status >= 400:
                outcome = "http {}".format(status)
            failed = outcome != "ok"
            self.calls += 1
            self.failures += failed
            self.kinds.add(outcome, time, failed)
            self.targets.add(_address(entry.get("target")), time, failed)
            self.hours.add(time[1][:13].replace(" ", "T"), time, failed)
            for warning in _list(entry.get("warnings")):
                self.warnings.add(_text(_dict(warning).get("kind") or warning), time)
            if _text(entry.get("mode")).lower() == "post" and entry.get("delivered") == "unknown":
                self.unknown += 1
                if len(self.posts) < _MOST_POSTS:
                    names = ("time", "id", "machine", "user", "pid", "kind", "attempts")
                    post = {name: entry.get(name) for name in names}
                    self.posts.append(dict(post, target=_address(entry.get("target")), file=path, line=number))
        if version != "-":
            self.versions.add(version, time)
        row = self.robots.add(robot, time, event == "call" and failed)
        if version != "-" and time >= row.get("at", time):
            row["at"], row["version"] = time, version

    def result(self) -> Json:
        robots = self.robots.result("machine", "user")
        by_version = collections.Counter(row.get("version", "-") for row in robots)
        for row in robots:
            row.pop("at", None)
        hours = [dict(row, calls=row.pop("count")) for row in self.hours.result("hour")]
        spans = [row for tally in (self.robots,) for row in tally.rows.values()]
        return {
            "files": self.files,
            "lines": self.lines,
            "broken_lines": self.broken,
            "unreadable": self.unreadable,
            "calls": self.calls,
            "failures": self.failures,
            "first": min(row["first"] for row in spans)[1] if spans else None,
            "last": max(row["last"] for row in spans)[1] if spans else None,
            "kinds": self.kinds.result("kind"),
            "targets": self.targets.result("target"),
            "versions": [dict(row, robots=by_version.get(row["version"], 0)) for row in self.versions.result("version")],
            "events": self.events.result("event"),
            "warnings": self.warnings.result("kind"),
            "robots": robots,
            "hours": sorted(hours, key=lambda row: str(row["hour"])),
            "posts_delivered_unknown": self.unknown,
            "posts": sorted(self.posts, key=lambda post: str(post["time"])),
        }


def _text(value: Any) -> str:
    return "-" if value is None else str(value)[:300]


def _address(target: Any) -> str:
    if not isinstance(target, dict):
        return _text(target)
    port = "" if target.get("port") is None else ":{}".format(target["port"])
    return "{}://{}{}{}".format(target.get("scheme"), target.get("host"), port, target.get("path") or "")[:300]


def _when(text: Any) -> Tuple[float, str]:
    """A moment, to be compared, and as it was written, which is the robot's local time."""
    import calendar

    found = _TIME.match(text)
    if found is None:
        raise ValueError("no time")
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    if not (1970 <= year and 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 61):
        raise ValueError("no time")
    moment = float(calendar.timegm((year, month, day, hour, minute, second)))
    zone = found.group(8)
    if zone and zone != "Z":
        ahead = int(zone[1:3]) * 3600 + int(zone[-2:]) * 60
        moment += -ahead if zone[0] == "+" else ahead
    return moment + float("0." + (found.group(7) or "0")), text


_SUMMARY_WORDS = {
    "title": ("调用日志汇总", "Summary of call logs"),
    "head": (
        "{files}个文件,{lines}行(另有{broken_lines}行不能识别);调用{calls}次,失败{failures}次;{first} 至 {last}",
        "{files} files, {lines} lines ({broken_lines} of them broken); {calls} calls, {failures} failed; {first} to {last}",
    ),
    "empty": ("没有找到日志行", "no log lines were found"),
    "level": (
        "日志级别为warn或error的机器只记录失败的调用,成功的次数不在其中。",
        "Machines that log at warn or error write failed calls alone: successful ones are not counted.",
    ),
    "plot": ("每个时段的调用次数(蓝)和失败次数(红)", "Calls (blue) and failures (red) over time"),
    "posts": (
        "不知道控制中心是否收到的post,共{posts_delivered_unknown}个,请逐个到控制中心查询,不要直接重发",
        "Posts of which it is not known whether they arrived: {posts_delivered_unknown}. Look each up, do not just repeat it",
    ),
    "kinds": ("按结果", "By outcome"),
    "targets": ("按地址", "By target"),
    "versions": ("按动态库的版本", "By version of the library"),
    "robots": ("机器人", "Robots"),
    "events": ("事件", "Events"),
    "warnings": ("警告", "Warnings"),
    "hours": ("按小时", "By hour"),
    "unreadable": ("不能读取的文件", "Files that cannot be read"),
    "count": ("次数", "count"),
    "calls": ("调用", "calls"),
    "failures": ("失败", "failures"),
    "first": ("最早", "first"),
    "last": ("最近", "last"),
    "kind": ("结果", "outcome"),
    "target": ("地址", "target"),
    "version": ("版本", "version"),
    "machine": ("机器", "machine"),
    "user": ("用户", "user"),
    "event": ("事件", "event"),
    "hour": ("小时", "hour"),
    "time": ("时间", "time"),
    "id": ("编号", "id"),
    "file": ("文件", "file"),
    "line": ("行", "line"),
    "why": ("原因", "reason"),
    "more": ("……另有{}行", "... {} more"),
}  # fmt: skip

_TABLES = (
    ("posts", ("time", "machine", "user", "target", "kind", "id", "file", "line")),
    ("kinds", ("kind", "count", "first", "last")),
    ("targets", ("target", "count", "failures", "first", "last")),
    ("versions", ("version", "robots", "count", "last")),
    ("robots", ("machine", "user", "version", "count", "failures", "first", "last")),
    ("events", ("event", "count", "first", "last")),
    ("warnings", ("kind", "count", "first", "last")),
    ("hours", ("hour", "calls", "failures")),
    ("unreadable", ("file", "why")),
)


def _summary_head(found: Json, word: Dict[str, str]) -> List[str]:
    lines = [word["head"].format(**found) if found["first"] else word["empty"]]
    if found["calls"] and found["calls"] == found["failures"]:
        lines.append(word["level"])
    return lines


def _summary_text(found: Json, lang: str, most: int = 40) -> str:
    word = {name: pair[lang != "zh"] for name, pair in _SUMMARY_WORDS.items()}
    lines = [word["title"], ""] + _summary_head(found, word)
    for table, columns in _TABLES:
        rows = found[table]
        if not rows:
            continue
        lines += ["", word[table].format(**found)]
        shown = rows[-most:] if table == "hours" else rows[:most]
        cells = [[word[name] for name in columns]] + [[_text(row.get(name)) for name in columns] for row in shown]
        cells = [[_plain(cell) for cell in row] for row in cells]
        widths = [max(_width(row[place]) for row in cells) for place in range(len(columns))]
        for row in cells:
            padded = (cell + " " * (width - _width(cell)) for cell, width in zip(row, widths))
            lines.append("  " + "  ".join(padded).rstrip())
        if len(rows) > most:
            lines.append("  " + word["more"].format(len(rows) - most))
    return "\n".join(lines)


def _width(text: str) -> int:
    import unicodedata

    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


_PAGE = """<!DOCTYPE html>
<html lang="{lang}"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<style>
body {{ font: 14px/1.5 sans-serif; margin: 2em auto; max-width: 76em; padding: 0 1em; color: #222; }}
table {{ border-collapse: collapse; }} th, td {{ border: 1px solid #ccc; padding: .15em .6em; text-align: left; overflow-wrap: anywhere; }}
th {{ background: #f2f2f2; }} .calls {{ fill: #4a7ebb; }} .failures {{ fill: #c0392b; }} text {{ font-size: 11px; fill: #555; }}
svg {{ width: 100%; height: auto; }} .look {{ color: #c0392b; }}
</style></head><body><h1>{title}</h1>{body}</body></html>
"""


def _summary_page(found: Json, lang: str, most: int = 500) -> str:
    """One HTML file without any script or outside resource. What came from logs is escaped."""
    from html import escape

    word = {name: pair[lang != "zh"] for name, pair in _SUMMARY_WORDS.items()}
    body = ["<p>{}</p>".format(escape(line)) for line in _summary_head(found, word)]
    if found["hours"]:
        body += ["<h2>{}</h2>".format(escape(word["plot"])), _plot(found["hours"])]
    for table, columns in _TABLES:
        rows = found[table]
        if not rows or table == "hours":
            continue
        mark = ' class="look"' if table == "posts" else ""
        body.append("<h2{}>{}</h2><table><tr>".format(mark, escape(word[table].format(**found))))
        body += ["<th>{}</th>".format(escape(word[name])) for name in columns]
        body.append("</tr>")
        for row in rows[:most]:
            cells = (escape(_plain(_text(row.get(name)))) for name in columns)
            body.append("<tr>{}</tr>".format("".join("<td>{}</td>".format(cell) for cell in cells)))
        body.append("</table>")
        if len(rows) > most:
            body.append("<p>{}</p>".format(escape(word["more"].format(len(rows) - most))))
    return _PAGE.format(lang="zh-CN" if lang == "zh" else "en", title=escape(word["title"]), body="\n".join(body))


def _plot(hours: List[Json]) -> str:
    """Bars of equal spans of time, hours or more, so that a day fits as well as a year."""
    import calendar
    import time
    from html import escape

    def number(hour: str) -> int:
        year, month, day, of_day = re.split("[-T]", hour)
        return calendar.timegm((int(year), int(month), int(day), int(of_day), 0, 0)) // 3600

    counts = [(number(row["hour"]), row["calls"], row["failures"]) for row in hours if row["hour"] != "(others)"]
    begin, end = min(counts)[0], max(counts)[0] + 1
    span = next((span for span in (1, 3, 6, 12, 24, 168, 720, 8760) if (end - begin) / span <= 240), (end - begin) // 240 + 1)
    begin -= begin % span if span <= 24 else 0
    bars = {}  # type: Dict[int, List[int]]
    for hour, calls, failures in counts:
        bar = bars.setdefault((hour - begin) // span, [0, 0])
        bar[0], bar[1] = bar[0] + calls, bar[1] + failures
    width, height, left = 960.0, 220.0, 50.0
    each = width / max((end - begin + span - 1) // span, 1)
    top = max(bar[0] for bar in bars.values())
    shapes = []
    for place, (calls, failures) in sorted(bars.items()):
        label = time.strftime("%Y-%m-%d %H:00", time.gmtime(max(begin + place * span, 0) * 3600))
        for name, count in (("calls", calls), ("failures", failures)):
            if count:
                tall = max(count * height / top, 1.0)
                shape = '<rect class="{}" x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}"><title>{}</title></rect>'
                tip = escape("{}: {} / {}".format(label, failures, calls))
                shapes.append(shape.format(name, left + place * each, 10 + height - tall, max(each * 0.9, 0.5), tall, tip))
    for count, y in ((top, 14), (0, 14 + height)):
        shapes.append('<text x="{:.0f}" y="{:.0f}" text-anchor="end">{}</text>'.format(left - 6, y, count))
    for hour, x, anchor in ((begin, left, "start"), (end, left + width, "end")):
        label = time.strftime("%Y-%m-%d %H:00", time.gmtime(max(hour, 0) * 3600))
        shapes.append('<text x="{:.0f}" y="{:.0f}" text-anchor="{}">{}</text>'.format(x, height + 28, anchor, label))
    return '<svg viewBox="0 0 1020 260" role="img">{}</svg>'.format("".join(shapes))


# --- The command line -------------------------------------------------------------------------------------------------

_HELP = """Where settings come from, the first that has one: --set, --host; environment variables of the settings' names
(RPA_HOST, RPA_ACCESSKEY, RPA_SECRETKEY, ...); --request FILE; the settings' file (--settings FILE, else the first
rpa_openapi.json in the current folder, that of this module, and the machine's). Keys that are nowhere are asked for, where
somebody sits at the console. The exit status is 0 where all is well, 1 where not, 2 where it could not be tried."""


def main(arguments: Optional[List[str]] = None) -> int:
    """The command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    lang = options.lang or ("zh" if _speaks_chinese() else "en")
    try:
        return options.work(options, lang)
    except (OSError, ValueError) as error:
        _show(_plain(error), sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> Any:
    import argparse

    parser = argparse.ArgumentParser(
        prog="isrpa_openapi",
        description="Calls the OpenAPI of an iS-RPA control center.",
        epilog=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="COMMAND", dest="command")
    commands.required = True

    def command(name: str, work: Any, text: str) -> Any:
        made = commands.add_parser(
            name, help=text, description=text, epilog=_HELP, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        made.set_defaults(work=work)
        made.add_argument("--lang", choices=("zh", "en"), help="the language; by default Chinese where the console has it")
        return made

    def request(made: Any) -> None:
        made.add_argument("--host", help="https://name-or-ip[:port]")
        made.add_argument("--settings", metavar="FILE", help="a settings' file")
        made.add_argument("--request", metavar="FILE", help="a file with a request of the library; - reads standard input")
        made.add_argument(
            "--set", action="append", default=[], metavar="FIELD=VALUE", help="a field of the request, as tls.verify=false"
        )

    made = command("diagnose", _run_diagnose, "Says what is wrong between here and the control center. Changes nothing.")
    request(made)
    made.add_argument("--json", action="store_true", help="the whole reply")
    made.add_argument("rest_type", nargs="?", help="an API's path, to make a signed get")
    for name, work, text in (
        ("call", _run_call, "Makes one call and shows the reply."),
        ("sign", _run_sign, "Shows how a call is signed, and does not send it. The output holds token and signature."),
    ):
        made = command(name, work, text)
        request(made)
        made.add_argument("mode", help="get, post, put or delete")
        made.add_argument("rest_type", help="the API's path, as /oapi/v1/job/list")
        made.add_argument("data", nargs="?", help="the parameters: a JSON object, @FILE, or - for standard input")
    made = command("summary", _run_summary, "Sums up the log files of folders and files.")
    made.add_argument("paths", nargs="+", metavar="FOLDER", help="folders, with all below them, or files")
    made.add_argument("--json", action="store_true", help="as JSON")
    made.add_argument("--html", metavar="FILE", help="writes a page with a plot, too")
    made = command("protect", _run_protect, "Encrypts a value for rpa_openapi.json by Windows' DPAPI.")
    made.add_argument("--machine", action="store_true", help="for whoever works on this machine, and not for this user alone")
    made.add_argument("--settings", metavar="FILE", help="encrypts the keys within this file")
    return parser


def _run_diagnose(options: Any, lang: str) -> int:
    request, sources = _given_request(options)
    if options.rest_type:
        request.update(rest_type=options.rest_type, mode="get")
    if sources:
        request["settings_from"] = sources
    reply = diagnose(request)
    _show(_json(reply) if options.json else report(reply, lang))
    verdict = _dict(_dict(_dict(reply).get("result")).get("verdict"))
    return 0 if verdict.get("ok") is True else 1


def _run_call(options: Any, lang: str) -> int:
    request, sources = _call_request(options)
    return _show_reply(call(request), lang, sources)


def _run_sign(options: Any, lang: str) -> int:
    request, sources = _call_request(options)
    return _show_reply(sign(request), lang, sources)


def _show_reply(reply: Any, lang: str, sources: Dict[str, str]) -> int:
    error = _dict(_dict(reply).get("error"))
    _in_words_of(error, _setting_names(sources))
    _show(_json(reply))
    if "kind" in error and "delivered" in error:
        _show(_plain(reply.get("msg") if lang == "zh" else error.get("detail")), sys.stderr)
    return 0 if _dict(reply).get("code") == 0 else 1


def _call_request(options: Any) -> Tuple[Json, Dict[str, str]]:
    request, sources = _given_request(options)
    request.update(mode=options.mode, rest_type=options.rest_type)
    if request.get("generation") == "9":
        request["action"] = request.pop("rest_type")
    if options.data is not None:
        text = options.data
        if text == "-" or text.startswith("@"):
            text = _read_text(text if text == "-" else text[1:])
        request["data_json"] = text
    if "accesstoken" not in request and "appkey" not in request and request.get("generation") != "9":
        for field in ("accesskey", "secretkey"):
            if not request.get(field) and sys.stdin is not None and sys.stdin.isatty():
                import getpass

                request[field] = getpass.getpass(field + ": ")
    return request, sources


def _given_request(options: Any) -> Tuple[Json, Dict[str, str]]:
    """The request of all places together, and where each field came from."""
    fields, sources = _settings(options.settings)
    fields = {name: value for name, value in fields.items() if name != "log" or "folder" in value}
    if options.request:
        given = json.loads(_read_text(options.request))
        if not isinstance(given, dict):
            raise ValueError("{} must hold a JSON object".format(options.request))
        fields.update(given)
        sources.update({str(name): options.request for name in given})
    for name, field in _FIELDS.items():
        value = os.environ.get(name)
        if value and name not in ("RPA_WAIT", "RPA_PAGES", "RPA_LOG", "RPA_LOG_FOLDER"):
            _put(fields, name, _value(name, value), os.getcwd())
            sources[field] = "{} (environment)".format(name)
    for text in options.set:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError("--set takes FIELD=VALUE, as --set timeout_ms=5000")
        place, *below = name.split(".", 1)
        if below:
            fields[place] = dict(_dict(fields.get(place)), **{below[0]: _value(name, value)})
        else:
            fields[name] = _value(name, value)
        sources[name] = "--set"
    if options.host:
        fields["host"] = options.host
        sources["host"] = "--host"
    return fields, {name: source for name, source in sources.items() if name}


def _value(name: str, text: str) -> Any:
    """JSON where it is meant as such; keys and addresses are texts, whatever they look like."""
    if name.lower().replace("rpa_", "") in ("accesskey", "secretkey", "appkey", "accesstoken", "host", "cert_sha256", "generation"):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return {"True": True, "False": False, "None": None}.get(text, text)


def _read_text(path: str) -> str:
    if path == "-":
        return _decoded(getattr(sys.stdin, "buffer").read())
    with open(path, "rb") as file:
        return _decoded(file.read())


def _run_summary(options: Any, lang: str) -> int:
    missing = [path for path in options.paths if not os.path.exists(path)]
    if missing:
        raise OSError("there is no {}".format(", ".join(missing)))
    found = summary(options.paths)
    if options.html:
        with open(options.html, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(_summary_page(found, lang))
    _show(_json(found) if options.json else _summary_text(found, lang))
    return 0


def _run_protect(options: Any, _: str) -> int:
    protect("", options.machine)  # before anything is asked for: is this Windows?
    if not options.settings:
        import getpass

        is_typed = sys.stdin is not None and sys.stdin.isatty()
        text = getpass.getpass("value: ") if is_typed else _read_text("-").rstrip("\r\n")
        _show(json.dumps({"dpapi": protect(text, options.machine)}))
        return 0
    given = _read_settings(options.settings)
    changed = 0
    for name in ("RPA_ACCESSKEY", "RPA_SECRETKEY", "RPA_APPKEY", "RPA_TOKEN_STORE", "RPA_PROXY"):
        value = given.get(name)
        # An address holds a secret only where it holds a password.
        if isinstance(value, str) and value and (name.endswith("KEY") or "@" in value):
            given[name] = {"dpapi": protect(value, options.machine)}
            changed += 1
    new = options.settings + ".new"
    with open(new, "w", encoding="utf-8", newline="\n") as file:
        file.write(json.dumps(given, ensure_ascii=False, indent=2) + "\n")
    os.replace(new, options.settings)
    _show("{}: {} values are protected now".format(_plain(options.settings), changed))
    return 0


def _speaks_chinese() -> bool:
    try:
        "中文".encode(_encoding(sys.stdout))
        return True
    except UnicodeError:
        return False


def _encoding(stream: Any) -> str:
    """That of the console or file; unknown names, as of old consoles, count as ASCII."""
    name = getattr(stream, "encoding", None) or "ascii"
    try:
        "".encode(name)
    except LookupError:
        return "ascii"
    return name


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=not _encoding(sys.stdout).lower().startswith("utf"))


def _show(text: str, stream: Any = None) -> None:
    """Prints, whatever the console can show. Without one, as under pythonw.exe, nothing happens."""
    stream = sys.stdout if stream is None else stream
    if stream is None:
        return
    encoding = _encoding(stream)
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    stream.flush()


if __name__ == "__main__":
    sys.exit(main())
