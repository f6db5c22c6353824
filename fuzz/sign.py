"""Signs what it reads, a JSON object a line, as the protocol says it in Python's own words."""

import base64
import hashlib
import hmac
import json
import sys
from urllib.parse import quote

sys.setrecursionlimit(100_000)
if hasattr(sys, "set_int_max_str_digits"):
    sys.set_int_max_str_digits(0)


def java(text):
    return quote(text, safe="-_.").replace("~", "%7E")


def answer(asked):
    data = {key: str(value) for key, value in json.loads(asked["data"]).items()}
    params = "&".join(f"{key}={data[key]}" for key in sorted(data))
    body = json.dumps(data, sort_keys=True)
    is_get = asked["mode"] == "get"
    if asked["mode"] in ("get", "post"):
        params.encode()  # A query has no lone surrogates.
    token = asked["token"]
    source = f"{params if is_get else body}&token={token}&timestamp={asked['timestamp']}"
    encoded = (java if asked["java"] else quote)(source)
    digest = hmac.new(token.encode(), encoded.encode(), hashlib.sha256).hexdigest()
    signature = base64.b64encode(digest.encode()).decode()
    return {"source": source, "encoded": encoded, "signature": signature, "body": None if is_get else body}


for line in sys.stdin:
    try:
        reply = answer(json.loads(line))
    except UnicodeEncodeError as error:
        reply = {"error": str(error)}
    print(json.dumps(reply), flush=True)
