#!/usr/bin/env python3
"""A client of the control center, written from its protocol alone, to hold the library against.

It reads calls from stdin and answers each on stdout, one JSON object a line, until stdin ends. A call is

    {"base": "http://127.0.0.1:8080", "token": "...", "mode": "get", "path": "/oapi/v1/echo", "data_json": "{\\"a\\": 1}"}

with data_json the raw text of the parameters, and optionally

    "timestamp": 1606694400000      in place of the present time
    "raw_query": true               the params are pasted into the URL, as the vendor's client does
    "ca_file": "center.pem"         the certificate to trust over https
    "generation": "10.3"            in place of 2020.4: then token is an appkey; of "9" it is nothing, and path an action

and its answer is what the server replied, and what was signed when

    {"status": 200, "reply": "...", "timestamp": 1606694400000, "signature": "..."}

or {"error": "..."} if there was no reply.
"""

import base64
import hashlib
import hmac
import http.client
import json
import ssl
import sys
import time
from urllib.parse import quote, quote_plus, urlencode, urlsplit

TIMEOUT_SECONDS = 30
CONTENT_TYPES = {
    "post": "application/x-www-form-urlencoded;charset=utf-8",
    "put": "application/json;charset=utf-8",
    "delete": "application/json;charset=utf-8",
}


def encoded_query(pairs):
    """Each key and value encoded on its own, so that the server decodes what was signed."""
    return "&".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in pairs)


def pasted_query(params):
    """The params as they are, less what no HTTP client sends of a URL: it ends at a #, and what a URL cannot hold is
    encoded, by the rule of `requests`. All that has a meaning in a URL keeps it, % included."""
    return quote(params.partition("#")[0], safe="!$%&'()*+,/:;=?@[]~")


def hmac_of(key, encoded):
    digest = hmac.new(key.encode(), encoded.encode(), hashlib.sha256).hexdigest()
    return base64.b64encode(digest.encode()).decode()


def sign(text, token, timestamp, rule=quote):
    return hmac_of(token, rule(f"{text}&token={token}&timestamp={timestamp}"))


def java_quote(text):
    """URLEncoder.encode, then + as %20 and * as %2A."""
    return quote_plus(text, safe="*").replace("~", "%7E").replace("+", "%20").replace("*", "%2A")


def send(call, method, target, body, headers):
    base = urlsplit(call["base"])
    if base.scheme == "https":
        context = ssl.create_default_context(cafile=call.get("ca_file"))
        connection = http.client.HTTPSConnection(base.netloc, timeout=TIMEOUT_SECONDS, context=context)
    else:
        connection = http.client.HTTPConnection(base.netloc, timeout=TIMEOUT_SECONDS)
    try:
        connection.request(method, base.path + target, body, headers)
        response = connection.getresponse()
        return response.status, response.read().decode("utf-8")
    finally:
        connection.close()


def answer_10_3(call, data, timestamp):
    mode, key, target = call["mode"], call["token"], call["path"]
    pairs = sorted(data.items())
    body = json.dumps(data, sort_keys=True, separators=(",", ":")) if mode == "put" else None
    signed = "&".join(f"{name}={value}" for name, value in pairs) if body is None else body
    signature = hmac_of(key, java_quote(f"{signed}&appkey={key}&timestamp={timestamp}"))
    headers = {"appkey": key, "timestamp": str(timestamp), "signature": signature}
    if mode in ("get", "put"):
        headers["content-type"] = "application/json; charset=UTF-8"
    if body is None and pairs:
        target += "?" + encoded_query(pairs)
    status, reply = send(call, mode.upper(), target, body, headers)
    return {"status": status, "reply": reply, "timestamp": timestamp, "signature": signature}


def answer_9(call, data, timestamp):
    param = json.dumps(data, sort_keys=True, separators=(",", ":"))
    form = {"action": call["path"], "param": param, "timestamp": timestamp // 1000}
    signature = hmac_of("isearch", quote("&".join(f"{name}={value}" for name, value in form.items())))
    form.update(sign=signature, token="")
    headers = {"content-type": "application/x-www-form-urlencoded;charset=utf-8"}
    status, reply = send(call, "POST", "/rapi/rcall.action", urlencode(form), headers)
    return {"status": status, "reply": reply, "timestamp": timestamp, "signature": signature}


def answer(call):
    mode, token = call["mode"], call["token"]
    timestamp = call.get("timestamp", int(time.time() * 1000))
    data = {key: str(value) for key, value in json.loads(call["data_json"]).items()}
    generation = call.get("generation", "2020.4")
    if generation in ("10.3", "9"):
        return (answer_9 if generation == "9" else answer_10_3)(call, data, timestamp)
    pairs = sorted(data.items())
    params = "&".join(f"{key}={value}" for key, value in pairs)
    body = None if mode == "get" else json.dumps(data, sort_keys=True)

    rule = java_quote if generation == "2020.5" else quote
    signature = sign(params if mode == "get" else body, token, timestamp, rule)
    headers = {"accesstoken": token, "timestamp": str(timestamp), "signature": signature}
    if mode in CONTENT_TYPES:
        headers["content-type"] = CONTENT_TYPES[mode]

    target = call["path"]
    if mode in ("get", "post") and pairs:
        target += "?" + (pasted_query(params) if call.get("raw_query") else encoded_query(pairs))
    body_bytes = None if body is None else body.encode("ascii")
    status, reply = send(call, mode.upper(), target, body_bytes, headers)
    return {"status": status, "reply": reply, "timestamp": timestamp, "signature": signature}


def main():
    for line in sys.stdin.buffer:
        try:
            reply = answer(json.loads(line))
        except Exception as error:  # The next call is to be answered all the same.
            reply = {"error": repr(error)}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
