"""Calls the emulator in each generation, written from the protocol alone with Python's standard library.

python3 generations.py BINARY [MEGABYTES]. Says `ok` and what was done; fails by an exception.
"""
import base64
import hashlib
import hmac
import http.client
import json
import socket
import subprocess
import sys
import time
import urllib.parse


class Center:
    """An emulator with these options, on a port of its own."""

    def __init__(self, *options):
        command = [sys.argv[1], "--port", "0", "--until-stdin-closes", *options]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.facts = json.loads(self.process.stdout.readline())
        self.address = self.facts["base"].split("//")[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait(10) == 0

    def send(self, method, path, body=None, headers=()):
        """Status, headers, body; the body that came where the connection broke."""
        connection = http.client.HTTPConnection(self.address, timeout=60)
        try:
            connection.request(method, path, body, dict(headers))
            reply = connection.getresponse()
            try:
                return reply.status, reply.headers, reply.read()
            except http.client.IncompleteRead as broken:
                return reply.status, reply.headers, broken
        finally:
            connection.close()

    def json(self, *request, **more):
        status, _, body = self.send(*request, **more)
        return status, json.loads(body)

    def emulator(self, name, change=None):
        headers = {"Content-Type": "application/json"}
        method, body = ("GET", None) if change is None else ("POST", json.dumps(change))
        status, reply = self.json(method, "/_emulator/" + name, body, headers=headers)
        assert status == 200, reply
        return reply

    def token(self):
        query = urllib.parse.urlencode({"accessKey": self.facts["accesskey"], "secretKey": self.facts["secretkey"]})
        return self.json("GET", "/oapi/v1/token?" + query)[1]["result"]["accessToken"]


def python_rule(text):
    return urllib.parse.quote(text)


def java_rule(text):
    return urllib.parse.quote_plus(text, safe="*").replace("+", "%20").replace("*", "%2A").replace("~", "%7E")


def signature(key, source, rule):
    digest = hmac.new(key.encode(), rule(source).encode(), hashlib.sha256).hexdigest()
    return base64.b64encode(digest.encode()).decode()


def params(data):
    return "&".join(f"{key}={data[key]}" for key in sorted(data))


def query(data):
    return urllib.parse.urlencode(sorted(data.items()), quote_via=urllib.parse.quote)


def now():
    return str(int(time.time() * 1000))


def stamped(token, content, rule):
    timestamp = now()
    source = f"{content}&token={token}&timestamp={timestamp}"
    return {"accesstoken": token, "timestamp": timestamp, "signature": signature(token, source, rule)}


def get(center, token, path, data, rule):
    return center.json("GET", f"{path}?{query(data)}", headers=stamped(token, params(data), rule))


ODD = {"procCode": "P001", "note": "月结 2020/11/30 ~ & = + % 😀 *", "empty": ""}


def v2020_5():
    with Center("--generation", "2020.5") as center:
        token = center.token()
        status, reply = get(center, token, "/oapi/v1/echo", ODD, java_rule)
        assert status == 200 and dict(reply["result"]["query"]) == ODD, reply
        assert get(center, token, "/oapi/v1/echo", ODD, python_rule)[0] == 403
        body = json.dumps(dict(ODD, robotNo="Administrator@0A1B2C3D4E5F"), sort_keys=True)
        for kind in ("application/json", "application/x-www-form-urlencoded;charset=utf-8"):
            headers = dict(stamped(token, body, java_rule), **{"Content-Type": kind})
            status, reply = center.json("POST", "/oapi/v1/job/create", body, headers=headers)
            assert status == 200 and reply["code"] == 0, reply
        status, headers, body = center.send("GET", "/doc.html")
        assert status == 200 and headers["Content-Type"].startswith("text/html")
        counts = center.emulator("counts")
        assert counts["by_path"]["GET /oapi/v1/echo"] == 2 and counts["refused_signatures"] == 1, counts


def either_and_looks():
    look = {"http_status": 200, "code": 1001, "msg": "验签失败"}
    with Center("--encoding", "either", "--refuse-signature", json.dumps(look)) as center:
        token = center.token()
        for rule in (python_rule, java_rule):
            assert get(center, token, "/oapi/v1/echo", ODD, rule)[0] == 200
        center.emulator("settings", {"encoding": "java"})
        expected = {"code": 1001, "msg": "验签失败", "result": None}
        assert get(center, token, "/oapi/v1/echo", ODD, python_rule) == (200, expected)
        center.emulator("settings", {"refuse_signature": None})
        assert get(center, token, "/oapi/v1/echo", ODD, python_rule)[0] == 403
        assert get(center, token, "/oapi/v1/echo", ODD, java_rule)[0] == 200
        center.emulator("settings", {"expire_tokens": True})
        assert get(center, token, "/oapi/v1/echo", ODD, java_rule)[1]["msg"] == "token已过期"


def v10_3():
    with Center("--generation", "10.3") as center:
        key = center.facts["appkey"]

        def headers(content, kind):
            timestamp = now()
            source = f"{content}&appkey={key}&timestamp={timestamp}"
            sent = {"appkey": key, "timestamp": timestamp, "signature": signature(key, source, java_rule)}
            return dict(sent, **({"Content-Type": kind} if kind else {}))

        kind = "application/json; charset=UTF-8"
        status, reply = center.json("GET", "/oapi/v1/echo?" + query(ODD), headers=headers(params(ODD), kind))
        assert status == 200 and dict(reply["result"]["query"]) == ODD, reply
        status, reply = center.json("POST", "/oapi/v1/echo?" + query(ODD), headers=headers(params(ODD), None))
        assert status == 200 and dict(reply["result"]["query"]) == ODD, reply
        assert center.json("DELETE", "/oapi/v1/echo?" + query(ODD), headers=headers(params(ODD), None))[0] == 200
        body = json.dumps(ODD, ensure_ascii=False, separators=(",", ":"))
        status, reply = center.json("PUT", "/oapi/v1/echo", body.encode(), headers=headers(body, kind))
        assert status == 200 and reply["result"]["body"] == body, reply
        assert center.json("GET", "/oapi/v1/echo", headers=headers("", kind))[0] == 200
        assert center.json("GET", "/oapi/v1/echo?a=1", headers=headers("a=2", kind))[0] == 403
        assert center.json("GET", "/oapi/v1/token")[0] == 404


def v9():
    with Center("--generation", "9") as center:

        def call(action, param, key="isearch"):
            text = json.dumps(param, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            timestamp = str(int(time.time()))
            sign = signature(key, f"action={action}&param={text}&timestamp={timestamp}", python_rule)
            form = {"action": action, "param": text, "timestamp": timestamp, "sign": sign, "token": ""}
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            return center.json("POST", "/rapi/rcall.action", urllib.parse.urlencode(form), headers=headers)

        status, reply = call("get-process", {"proc_code": ""})
        assert reply["code"] == 0 and reply["result"][0]["proc_code"] == "P001", reply
        status, reply = call("start-job", {"proc_code": "P001", "note": "月结 & 100%"})
        job = {"job_no": reply["result"]["job_no"]}
        assert call("get-job-status", job)[1]["result"]["job_status"] in ("waiting", "running")
        assert call("stop-job", job)[1]["code"] == 0 and call("del-job", job)[1]["code"] == 0
        for action in ("get-robots", "get-queues", "get-jobs", "get-process-schedule", "get-vars"):
            assert isinstance(call(action, {})[1]["result"], list), action
        assert call("set-var", {"var_name": "年", "var_value": 2020})[1]["code"] == 0
        assert call("get-vars", {})[1]["result"] == [{"var_name": "年", "var_value": 2020}]
        assert call("echo", {"a": "+ &=%"})[1]["result"]["param"] == '{"a":"+ &=%"}'
        assert call("none", {})[1]["code"] == 108
        assert call("get-process", {}, key="other")[0] == 403
        assert center.json("GET", "/oapi/v1/echo")[0] == 404
        assert center.emulator("counts")["by_path"]["start-job"] == 1


def multipart(name, content, disposition="filename=\"{}\""):
    head = f'--b\r\nContent-Disposition: form-data; name="file"; {disposition.format(name)}\r\nContent-Type: text/plain\r\n\r\n'
    field = '\r\n--b\r\nContent-Disposition: form-data; name="说明"\r\n\r\n月结\r\n--b--\r\n'
    return head.encode() + content + field.encode()


def files():
    with Center("--generation", "2020.5") as center:
        token = center.token()

        def upload(data, body, kind="multipart/form-data; boundary=b"):
            headers = dict(stamped(token, params(data), java_rule), **{"Content-Type": kind})
            return center.json("POST", "/oapi/v1/file/upload?" + query(data), body, headers=headers)

        content = bytes(range(256)) * 1000
        for disposition in ('filename="{}"', "filename=\"x\"; filename*=UTF-8''" + urllib.parse.quote("月结 1.xlsx")):
            status, reply = upload(ODD, multipart("月结 1.xlsx", content, disposition))
            file = reply["result"]["files"][0]
            assert (file["name"], file["bytes"], file["sha256"]) == ("月结 1.xlsx", len(content), hashlib.sha256(content).hexdigest())
            assert reply["result"]["fields"] == {"说明": "月结"} and reply["result"]["params"] == ODD, reply
        assert upload({}, b"--b--")[0] == 400
        assert upload({}, multipart("a", content)[:-4])[0] == 400
        assert upload({}, content, "text/plain")[0] == 415
        try:
            upload({"cutAt": "1000"}, multipart("a", content))
            raise AssertionError("an upload that is cut has no reply")
        except (http.client.RemoteDisconnected, ConnectionError):
            pass
        counts = center.emulator("counts")
        assert (counts["uploaded_files"], counts["uploaded_bytes"]) == (2, 2 * len(content)), counts

        def download(data):
            path = "/oapi/v1/file/download?" + query(data)
            return center.send("GET", path, headers=stamped(token, params(data), java_rule))

        status, headers, body = download({"fileId": file["fileId"]})
        assert body == content and headers["Content-Type"] == "text/plain"
        assert urllib.parse.quote("月结 1.xlsx") in headers["Content-Disposition"]
        wanted = bytes(n % 251 for n in range(300_000))
        status, headers, body = download({"size": "300000", "digest": "Digest", "nameForm": "raw", "name": "报表.xlsx"})
        assert body == wanted and headers["Content-Length"] == "300000"
        assert headers["Digest"] == "SHA-256=" + base64.b64encode(hashlib.sha256(wanted).digest()).decode()
        assert "报表.xlsx" in headers["Content-Disposition"].encode("latin-1").decode()
        status, headers, body = download({"size": "300000", "cutAt": "100000"})
        assert isinstance(body, http.client.IncompleteRead) and len(body.partial) == 100_000
        status, headers, body = download({"size": "5", "chunked": "yes"})
        assert body == wanted[:5] and headers["Content-Length"] is None


def most_memory(center):
    """The most that the emulator ever held, in MB; None where the system does not tell."""
    try:
        with open(f"/proc/{center.facts['pid']}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM"))
    except OSError:
        return None


def large_files(megabytes=int(sys.argv[2]) if len(sys.argv) > 2 else 128):
    """What is large is read and sent as it comes: memory does not grow with it."""
    with Center("--generation", "2020.5") as center:
        token, piece = center.token(), bytes(range(256)) * 4096
        start, end = multipart("大文件.bin", b"").split(b"\r\n\r\n", 1)
        start, wanted = start + b"\r\n\r\n", hashlib.sha256()

        def body():
            yield start
            for _ in range(megabytes):
                wanted.update(piece)
                yield piece
            yield end

        headers = dict(stamped(token, "", java_rule), **{"Content-Type": "multipart/form-data; boundary=b"})
        headers["Content-Length"] = str(len(start) + megabytes * len(piece) + len(end))
        status, reply = center.json("POST", "/oapi/v1/file/upload", body(), headers=headers)
        file = reply["result"]["files"][0]
        assert (file["bytes"], file["sha256"]) == (megabytes * len(piece), wanted.hexdigest()), reply
        data = {"size": str(megabytes << 20)}
        path = "/oapi/v1/file/download?" + query(data)
        connection = http.client.HTTPConnection(center.address, timeout=60)
        connection.request("GET", path, None, stamped(token, params(data), java_rule))
        reply, size = connection.getresponse(), 0
        while block := reply.read(1 << 20):
            size += len(block)
        connection.close()
        assert size == megabytes << 20
        memory = most_memory(center)
        assert memory is None or memory < 64, f"{memory} MB for {megabytes} MB"


def slow_browsers():
    """Browsers that do not read, or go away, hold up no request and fill no memory."""
    with Center() as center:
        host, port = center.address.split(":")
        lookers = [socket.create_connection((host, int(port))) for _ in range(8)]
        for looker in lookers:
            looker.sendall(f"GET /_emulator/events HTTP/1.1\r\nHost: {center.address}\r\n\r\n".encode())
        token = center.token()
        body = json.dumps({"note": "月" * 8000})
        for n in range(400):
            if n == 200:
                lookers.pop().close()
            headers = dict(stamped(token, body, python_rule), **{"Content-Type": "application/json"})
            status, _, _ = center.send("PUT", "/oapi/v1/echo", body, headers=headers)
            assert status == 200
        memory = most_memory(center)
        assert memory is None or memory < 128, f"{memory} MB"
        for looker in lookers:
            looker.close()


def foreign_secrets():
    """A key or token that is not the emulator's may be a real one, sent here by mistake: the page does not show it."""
    secrets = ["Kq7Zr2Wx9Lm4Tn8Vb3", "密钥-5Hd8Jf2Kw7Pq", "Tz6Yb1Nc5Xv0Qw3Er"]
    key, chinese, token = secrets
    with Center() as center:
        keys = {"accessKey": key, "secretKey": chinese}
        center.send("GET", "/oapi/v1/token?" + urllib.parse.urlencode(keys))
        center.send("GET", "/oapi/v1/token?secret%4Bey=" + urllib.parse.quote(chinese))
        for text in (json.dumps(keys), json.dumps(keys, ensure_ascii=False), json.dumps({"a": [keys]}), '{"secretKey": "' + key):
            center.send("POST", "/oapi/v1/token", text.encode(), {"Content-Type": "application/json"})
        center.send("POST", "/oapi/v1/token", urllib.parse.urlencode(keys))
        center.send("GET", "/oapi/v1/echo", headers={"accesstoken": token, "timestamp": now(), "signature": "x"})
        basic = base64.b64encode(f"user:{token}".encode()).decode()
        center.send("GET", "/oapi/v1/echo", headers={"Authorization": "Basic " + basic, "Cookie": "session=" + token})
        host, port = center.address.split(":")
        with socket.create_connection((host, int(port))) as looker:
            looker.settimeout(30)
            looker.sendall(f"GET /_emulator/events HTTP/1.1\r\nHost: {center.address}\r\n\r\n".encode())
            seen = b""
            while b"id: 9\n" not in seen:
                seen += looker.recv(65536)
            seen += looker.recv(65536) if not seen.endswith(b"\n\n\r\n") else b""
        seen = seen.decode("utf-8", "replace") + json.dumps(center.emulator("state"))
        for secret in secrets:
            raw = base64.b64encode(secret.encode()).decode().rstrip("=")
            for form in (secret, urllib.parse.quote(secret), json.dumps(secret)[1:-1], raw, basic):
                assert form[:10] not in seen, f"{form} is shown"
        assert f"***{key[-4:]} (18)" in seen


for part in (v2020_5, either_and_looks, v10_3, v9, files, large_files, slow_browsers, foreign_secrets):
    part()
    print("ok", part.__name__)
