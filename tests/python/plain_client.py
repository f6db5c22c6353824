#!/usr/bin/env python3
"""The three functions that flows call, in plain Python, written from the protocol alone; and a comparison of
examples/robot/GlobalFun.py with them.

    plain_client.py <path of GlobalFun.py> <base URL of a control center>

makes the same calls both ways. The control center is the emulator, started with --job-millis 0, so that a job's state
does not depend on when it is asked for. On stdout comes one JSON object:

    {"calls": 300, "succeeded": 280, "differences": ["..."]}

The functions differ from the vendor's in what is broken there: they percent-encode the query, once. Like it they never
verify TLS, and send anything again that failed.
"""

import base64
import collections
import datetime
import decimal
import enum
import fractions
import hashlib
import hmac
import http.client
import importlib.util
import json
import pathlib
import random
import re
import ssl
import sys
import time
import urllib.parse
import uuid

TIMEOUT_SECONDS = 30
SEED = 20204
RANDOM_CALLS = 80

CONTENT_TYPES = {
    "post": "application/x-www-form-urlencoded;charset=utf-8",
    "put": "application/json;charset=utf-8",
    "delete": "application/json;charset=utf-8",
}
WRONG_MODE = "fail,mode错误,只能为get、put、post或delete!"


def quote(text, kept):
    """As Python 3.7 and later quote. Python 3.6 has another rule for ~, which the protocol does not mean."""
    return urllib.parse.quote(text, safe=kept)


# --- The three functions ----------------------------------------------------------------------------------------------


def rpa_rest_2020_4(host="", rest_type="", data_json=None, mode="", port=443, accesstoken=None, retry=2):
    mode = mode.lower()
    if mode not in ("get", "post", "put", "delete"):
        return failure(42, WRONG_MODE)
    try:
        data = {key: value if isinstance(value, str) else str(value) for key, value in (data_json or {}).items()}
        pairs = sorted(data.items())
        params = "&".join("{}={}".format(key, value) for key, value in pairs)
        query = "&".join("{}={}".format(quote(str(key), "~"), quote(value, "~")) for key, value in pairs)
        body = json.dumps(data, sort_keys=True)
    except Exception:
        return failure(41, "fail,转换URL参数失败!")

    def attempt():
        timestamp = str(int(time.time() * 1000))
        source = "{}&token={}&timestamp={}".format(params if mode == "get" else body, accesstoken, timestamp)
        digest = hmac.new(accesstoken.encode(), quote(source, "/~").encode(), hashlib.sha256).hexdigest()
        signature = base64.b64encode(digest.encode()).decode()
        headers = {"accesstoken": accesstoken, "timestamp": timestamp, "signature": signature}
        if mode in CONTENT_TYPES:
            headers["content-type"] = CONTENT_TYPES[mode]
        target = rest_type + ("?" + query if query and mode in ("get", "post") else "")
        return send(host, port, mode.upper(), target, None if mode == "get" else body.encode(), headers)

    return attempts(attempt, retry, failure(40, "fail,发送API失败!"))


def get_token(host="", port="", accesskey="", secretkey="", retry=2):
    query = "accessKey={}&secretKey={}".format(quote(accesskey, "~"), quote(secretkey, "~"))
    return token(host, port, query, retry, failure(44, "fail,获取token失败"))


def refresh_token(host="", port="", refleshtoken="", retry=2):
    query = "refreshToken=" + quote(refleshtoken, "~")
    return token(host, port, query, retry, failure(44, "fail,刷新token失败"))


def token(host, port, query, retry, failed):
    return attempts(lambda: send(host, port, "GET", "/oapi/v1/token?" + query, None, {}), retry, failed)


def attempts(attempt, retry, failed):
    for _ in range(retry):
        try:
            return attempt()
        except Exception:
            continue
    return failed


def send(host, port, method, target, body, headers):
    base = urllib.parse.urlsplit(host if port in (443, "") else "{}:{}".format(host, port))
    if base.scheme == "https":
        context = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection(base.netloc, timeout=TIMEOUT_SECONDS, context=context)
    else:
        connection = http.client.HTTPConnection(base.netloc, timeout=TIMEOUT_SECONDS)
    try:
        connection.request(method, base.path + target, body, headers)
        return json.loads(connection.getresponse().read().decode("utf-8"))
    finally:
        connection.close()


def failure(code, msg):
    return {"code": code, "msg": msg, "result": None}


# --- What is called ---------------------------------------------------------------------------------------------------


class Colour(enum.Enum):
    RED = "红"


class Level(enum.IntEnum):
    HIGH = 3


class Marked(str):
    pass


class Invoice:
    def __init__(self, number):
        self.number = number

    def __str__(self):
        return "发票 " + self.number


class Opaque:
    pass


Point = collections.namedtuple("Point", "x y")
EAST = datetime.timezone(datetime.timedelta(hours=8))
WHEN = datetime.datetime(2020, 11, 30, 17, 36, 17)

VALUES = [
    "P001", "", " ", " a b ", "月结 2020/11/30 ~ 完成", "𠮷😀", "a&b=c#d+e%f", "100%", "%41", "%E4", "+", "it's", '"', "\\",
    "\\u0041", "\n", "\r\n", "\t", "\x00", "\x1f\x7f\x85\xa0\u2028\ufeff\ufffd", "None", "a" * 2000, Marked("标记"),
    0, -1, 20, 2 ** 53 + 1, -(2 ** 63) - 1, 10 ** 400, True, False, None,
    0.0, -0.0, 0.1, 1.0, 1e15, 1e16, 1e-5, 5e-324, 1.7976931348623157e308, float("nan"), float("inf"), -float("inf"), 1j,
    [], [1, "a", None], ["it's", 'a "b"', "中文", "\n", "\x85", "\ud83d"], [[1.0, [True]], {}], (), (1,), (1, "二"), range(3),
    {}, {"k": "it's"}, {"键": [1, {"x": None}]}, {1: 2, None: 3}, collections.OrderedDict([("b", 1), ("a", 2)]),
    set(), {"一"}, frozenset([1]), b"", b"\x00a\xff'", bytearray(b"ab"),
    WHEN, WHEN.replace(microsecond=5, tzinfo=EAST), WHEN.date(), WHEN.time(), datetime.timedelta(days=1, seconds=2), EAST,
    decimal.Decimal("1.10"), decimal.Decimal("1E+20"), decimal.Decimal("NaN"), fractions.Fraction(1, 3),
    [decimal.Decimal("1.10"), WHEN], {"日期": WHEN.date(), "金额": decimal.Decimal("100.00")}, {"b": b"\xe4", "s": {1}},
    uuid.UUID(int=7), pathlib.PurePosixPath("/a/月结"), Colour.RED, Level.HIGH, [Colour.RED, Level.HIGH], Point(1, "y"),
    Invoice("007"), Opaque(), [Opaque], ValueError("月结"), re.compile("a"), print,
]

FACTS = {"kind", "detail", "field", "http_status", "attempts", "delivered", "elapsed_ms"}
KEYS_OF_EMULATOR = ("demo-access-key", "demo-secret-key")
KEYS = ["k", "procCode", "a b", "&", "a=b", "#", "+", "%", "键", "😀", "", "~", "/", "'", '"', "\n"]

MODES = ["get", "post", "put", "delete", "GET", "Post"]


class Comparison:
    def __init__(self, robot, base):
        self.robot, self.base = robot, base
        self.calls, self.succeeded, self.differences = 0, 0, []
        self.token = self.both("get_token", base, "", *KEYS_OF_EMULATOR)[0]["result"]["accessToken"]

    def both(self, function, *arguments, **named):
        """Makes one call both ways, and notes what differs. Returns both replies."""
        return self.compare((function, arguments, named), (function, arguments, named))

    def compare(self, ours, theirs):
        """The same for two calls that differ by nature."""
        replies = []
        for module, (function, arguments, named) in ((self.robot, ours), (sys.modules[__name__], theirs)):
            replies.append(getattr(module, function)(*arguments, **named))
        self.calls += 1
        self.succeeded += isinstance(replies[0], dict) and replies[0].get("code") == 0
        if not same(*replies):
            call = "{}{}{}".format(ours[0], tuple(hide(argument) for argument in ours[1]), ours[2])
            self.differences.append("{}\n  GlobalFun: {!r}\n  plain:     {!r}".format(call, *replies))
        return replies

    def call(self, path, data, mode, **named):
        return self.both("rpa_rest_2020_4", self.base, path, data, mode, accesstoken=self.token, **named)

    def echo(self, data, mode):
        self.call("/oapi/v1/echo", data, mode)

    def job(self, params, changes):
        """A job of each, from its beginning to its end."""
        def send(path, mode, *data):
            calls = [("rpa_rest_2020_4", (self.base, path, one, mode), {"accesstoken": self.token}) for one in data]
            return self.compare(*calls)

        create = dict(params, procCode="P001", robotNo="Administrator@0A1B2C3D4E5F")
        numbers = [reply["result"]["jobNo"] for reply in send("/oapi/v1/job/create", "post", create, create)]
        of_each = [{"jobNo": number} for number in numbers]
        send("/oapi/v1/job/get", "get", *of_each)
        send("/oapi/v1/job/update", "put", *(dict(job, **changes) for job in of_each))
        send("/oapi/v1/job/get", "get", *of_each)
        send("/oapi/v1/job/stop", "put", *of_each)  # it has ended: 105
        send("/oapi/v1/job/delete", "delete", *of_each)
        send("/oapi/v1/job/get", "get", *of_each)  # 103


def same(ours, theirs):
    if isinstance(ours, dict) and isinstance(ours.get("msg"), str) and ours["msg"].startswith("fail,"):
        # The code and the msg of the protocol, with more words after the msg, and perhaps the library's facts.
        envelope = {name: value for name, value in ours.items() if name != "error"}
        facts = set(ours.get("error", FACTS))
        return ours["msg"].startswith(theirs["msg"]) and dict(envelope, msg=theirs["msg"]) == theirs and FACTS <= facts
    return normal(ours) == normal(theirs)


def normal(reply):
    """The reply less what differs by nature: random numbers by their shape, times, and the headers of another client."""
    if isinstance(reply, dict):
        reply = {name: normal(value) for name, value in reply.items()}
        for name in ("jobNo", "accessToken", "refreshToken"):
            if name in reply:
                reply[name] = re.sub("[0-9a-f]", "x", reply[name])
        for name in ("createTime", "startTime", "endTime"):
            if name in reply:
                reply[name] = type(reply[name]).__name__
        if "rawQuery" in reply:
            del reply["headers"]
    elif isinstance(reply, list):
        reply = [normal(value) for value in reply]
    return reply


def hide(argument):
    text = repr(argument)
    return text if len(text) < 300 else text[:300] + "..."


def everything(comparison):
    for mode in MODES[:4]:
        for value in VALUES:
            if "\ud83d" in str(value) and mode in ("get", "post"):
                continue  # half of a pair, which no URL can hold
            comparison.echo({"k": value}, mode)
        for key in KEYS:
            comparison.echo({key: "v", "z": 1}, mode)
        for data in (None, {}, {1: "a", 2.5: "b", 9: "c"}, collections.OrderedDict([("z", 1), ("a", 2), ("m", 3)])):
            comparison.echo(data, mode)
        comparison.echo({("t",): 1}, mode)  # no key of JSON
        comparison.echo({"a": 1, 2: 3}, mode)  # keys that cannot be sorted

    generator = random.Random(SEED)
    usual = [value for value in VALUES if "\ud83d" not in str(value)]
    for number in range(RANDOM_CALLS):
        keys = generator.sample(KEYS, generator.randint(2, 8))
        comparison.echo({key: generator.choice(usual) for key in keys}, MODES[number % len(MODES)])

    for value in usual[::7]:
        comparison.job({"note": "月结 & 100% 完成", "value": value}, {"note": value, "键": "改"})

    refusals(comparison)
    failures(comparison)


def refusals(comparison):
    """What the server answers: its own errors, and replies of every kind of JSON."""
    call, base, token = comparison.call, comparison.base, comparison.token
    for path in ("/oapi/v1/process/list", "/oapi/v1/robot/list", "/oapi/v1/nothing", "/oapi/v1/job/create"):
        call(path, None, "get")
    call("/oapi/v1/job/create", {"procCode": "P999", "robotNo": "x"}, "post")
    call("/oapi/v1/job/create", {"procCode": "P001", "robotNo": "x"}, "post")
    call("/oapi/v1/job/create", {}, "post")
    for mode, path in (("get", "get"), ("put", "stop"), ("delete", "delete")):
        call("/oapi/v1/job/" + path, {"jobNo": "没有"}, mode)
    call("/oapi/v1/job/list", {"pageSize": "x"}, "get")
    comparison.both("rpa_rest_2020_4", base, "/oapi/v1/echo", {}, "get", accesstoken="0" * 32)
    comparison.both("rpa_rest_2020_4", base, "/oapi/v1/echo", {"a": 1}, "post", accesstoken="x")
    replies = ["[]", "[1, \"二\"]", "0", "true", "null", '"月结"', "{}", '{"a": 1e400}', '{"code": 7}', " {\"a\":\n1} "]
    for body in replies:
        for status in (200, 201, 400, 500, 503):
            call("/oapi/v1/reply", {"status": status, "body": body}, "get", retry=1)
        call("/oapi/v1/reply", {"body": body}, "post")
    comparison.both("get_token", base, "", "demo-access-key", "wrong")
    comparison.both("get_token", base, 443, "a&b=c", "+%41 月")
    comparison.both("refresh_token", base, "", "unknown")
    tokens = [reply["result"]["refreshToken"] for reply in comparison.both("get_token", base, "", *KEYS_OF_EMULATOR)]
    comparison.compare(*(("refresh_token", (base, "", token), {}) for token in tokens))
    host, port = base.rsplit(":", 1)
    for given in (port, int(port)):
        comparison.both("get_token", host, given, *KEYS_OF_EMULATOR)
        comparison.both("rpa_rest_2020_4", host, "/oapi/v1/echo", {"a": 1}, "put", given, token)


def failures(comparison):
    """What the server does not answer."""
    call, base, token = comparison.call, comparison.base, comparison.token
    for mode in ("", "head", "patch", " get", "获取"):
        call("/oapi/v1/echo", {"a": 1}, mode)
    for body in ("", "<html>", "月结", "{"):
        call("/oapi/v1/reply", {"body": body}, "get", retry=1)
        call("/oapi/v1/reply", {"body": body}, "post", retry=1)
    nobody = base.split(":")[0] + "://127.0.0.1:1"
    for mode in MODES[:4]:
        comparison.both("rpa_rest_2020_4", nobody, "/oapi/v1/echo", {}, mode, accesstoken=token, retry=1)
    comparison.both("get_token", nobody, "", "a", "b", retry=1)
    comparison.both("refresh_token", nobody, "", "a", retry=1)


def main():
    path, base = sys.argv[1:]
    spec = importlib.util.spec_from_file_location("GlobalFun", path)
    robot = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(robot)
    comparison = Comparison(robot, base)
    everything(comparison)
    print(json.dumps({name: getattr(comparison, name) for name in ("calls", "succeeded", "differences")}))


if __name__ == "__main__":
    main()
