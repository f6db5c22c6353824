"""The same call from Python: `vendor` (requests, a new connection each time, TLS unverified), `session` (one
requests.Session) or `library` (ctypes). Prints what the peers in C print."""

import ctypes
import json
import resource
import sys
import time

TOKEN = "9f2c4b7e1d5a48c0b3e6a7d812f45c90"
DATA = {"procName": "月结报表", "robotName": "财务部-机器人01", "pageNum": 1, "pageSize": 20}


def vendor_call(requests, get, verify):
    # What the library's callers need not import.
    import base64
    import hashlib
    import hmac
    from urllib.parse import quote

    def call(base, path):
        data = {key: str(value) for key, value in DATA.items()}
        params = "&".join(f"{key}={data[key]}" for key in sorted(data))
        timestamp = str(round(time.time() * 1000))
        source = quote(f"{params}&token={TOKEN}&timestamp={timestamp}")
        digest = hmac.new(TOKEN.encode("utf-8"), source.encode("utf-8"), digestmod=hashlib.sha256).hexdigest()
        signature = base64.b64encode(digest.encode("utf-8")).decode("utf-8")
        headers = {"accesstoken": TOKEN, "timestamp": timestamp, "signature": signature}
        return get(f"{base}{path}?{params}", headers=headers, verify=verify).json()

    return call


def library_call(library, ca):
    rpa = ctypes.cdll.LoadLibrary(library)
    rpa.rpa_call.restype = ctypes.c_void_p
    rpa.rpa_call.argtypes = [ctypes.c_char_p]
    rpa.rpa_free.restype = None
    rpa.rpa_free.argtypes = [ctypes.c_void_p]

    def call(base, path):
        request = {"host": base, "proxy": None, "rest_type": path, "mode": "get", "data_json": DATA, "accesstoken": TOKEN}
        if ca:
            request["tls"] = {"ca_file": ca}
        reply = rpa.rpa_call(json.dumps(request).encode("utf-8"))
        try:
            return json.loads(ctypes.string_at(reply).decode("utf-8"))
        finally:
            rpa.rpa_free(reply)

    return call


def main():
    kind, *rest = sys.argv[1:]
    task = dict(argument.split("=", 1) for argument in rest)
    base, path, ca = task["base"], task["path"], task.get("ca", "")
    if kind == "library":
        call = library_call(task["library"], ca)
    else:
        import requests
        import urllib3

        urllib3.disable_warnings()
        if kind == "vendor":
            call = vendor_call(requests, requests.get, False)
        else:
            session = requests.Session()
            session.trust_env = False
            call = vendor_call(requests, session.get, ca or False)
    for _ in range(int(task.get("warmup", 0))):
        call(base, path)
    took = []
    begun = time.perf_counter_ns()
    for _ in range(int(task["calls"])):
        started = time.perf_counter_ns()
        reply = call(base, path)
        took.append(time.perf_counter_ns() - started)
        assert reply["code"] == 0, reply
    wall = time.perf_counter_ns() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"resident 0 0 {peak}")
    print(f"wall {wall}")
    print("\n".join(map(str, took)))


if __name__ == "__main__":
    main()
