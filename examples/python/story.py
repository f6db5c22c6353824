# -*- coding: utf-8 -*-
"""The short story of a robot's job, told through isrpa_openapi.py:

    python story.py https://127.0.0.1:8443 FINGERPRINT [ACCESS_KEY SECRET_KEY]

The server is the emulator of the control center, and FINGERPRINT its certificate's, or - for plain http. The exit status
is 0 only if every step was as it should be.
"""

import io
import sys
from typing import Any, List

import isrpa_openapi

NOTE = "月结 & 100% 完成"


def expect(right: bool, what: str, reply: Any) -> None:
    if not right:
        sys.exit("not as it should be: {}: {}".format(what, reply))


def part(reply: Any, *names: str) -> Any:
    """A part of a reply, and None where there is none: a server may answer JSON without a code, or no object at all."""
    for name in names:
        reply = reply.get(name) if isinstance(reply, dict) else None
    return reply


def tell(base: str, fingerprint: str, accesskey: str, secretkey: str) -> None:
    print("version " + isrpa_openapi.version())

    # The control center of this story is on this machine or near it: no proxy.
    pin = None if fingerprint == "-" else fingerprint
    client = isrpa_openapi.Client(base, pin_sha256=pin, proxy=None)

    reply = client.login(accesskey, secretkey)
    expect(part(reply, "code") == 0, "the token", part(reply, "msg"))
    print("token: ok")

    job = {"procCode": "P001", "robotNo": "Administrator@0A1B2C3D4E5F", "note": NOTE}
    reply = client.post("/oapi/v1/job/create", job)
    expect(part(reply, "code") == 0, "the new job", reply)
    print("job started: ok")

    reply = client.get("/oapi/v1/job/get", {"jobNo": part(reply, "result", "jobNo")})
    expect(part(reply, "code") == 0 and part(reply, "result", "params", "note") == NOTE, "the job", reply)
    print("job read back: " + NOTE)

    old = client.token
    reply = client.refresh()
    expect(part(reply, "code") == 0 and client.token != old, "the refreshed token", part(reply, "msg"))
    print("token refreshed: ok")

    # The field is misspelt: nothing is sent.
    reply = client.raw("call", rest_type="/oapi/v1/job/list", mode="get", acesstoken=client.token)
    error = reply.get("error") or {}
    expect(error.get("kind") == "argument" and error.get("field") == "acesstoken", "the refusal", reply)
    print("refused on purpose: {} {}".format(error["kind"], error["field"]))


def main(arguments: List[str]) -> None:
    if len(arguments) not in (2, 4):
        sys.exit(__doc__)
    keys = arguments[2:] or ["demo-access-key", "demo-secret-key"]
    try:
        tell(arguments[0], arguments[1], *keys)
    except isrpa_openapi.RpaError as error:
        sys.exit("not as it should be: {}".format(error))


if __name__ == "__main__":
    # A console of Chinese Windows, and a pipe there, would be GBK.
    for name in ("stdout", "stderr"):
        setattr(sys, name, io.TextIOWrapper(getattr(sys, name).buffer, encoding="utf-8", line_buffering=True))
    main(sys.argv[1:])
