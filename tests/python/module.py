# -*- coding: utf-8 -*-
"""Units of isrpa_openapi.py that need neither a control center nor the real library; run by tests/python_host.rs.

    python3 tests/python/module.py <folder of isrpa_openapi.py>
"""

import asyncio
import contextlib
import gzip
import html.parser
import io
import json
import os
import pickle
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from unittest import mock

FOLDER = os.path.abspath(sys.argv[1])
sys.path.insert(0, FOLDER)
import isrpa_openapi  # noqa: E402


def entry(time="2026-11-25T12:00:00.000+08:00", event="call", **more):
    fields = {"time": time, "event": event, "machine": "PC1", "user": "u", "version": "0.2.0", "mode": "get", "kind": None,
              "code": 0, "delivered": "yes", "target": {"scheme": "https", "host": "h", "port": 443, "path": "/x"}}
    if event != "call":
        fields = {name: fields[name] for name in ("time", "event", "machine", "user", "version")}
    return dict(fields, **more)


class InFolder(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="isrpa 日志 ")
        self.addCleanup(__import__("shutil").rmtree, self.folder)

    def write(self, name, *lines, opened=open):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with opened(path, "wb") as file:
            for line in lines:
                line = json.dumps(line, ensure_ascii=False) if isinstance(line, dict) else line
                file.write((line.encode("utf-8") if isinstance(line, str) else line) + b"\n")
        return path


def command(*arguments, encoding="utf-8", folder=None, given="", **variables):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RPA_", "PYTHON"))}
    environment.update(variables, PYTHONIOENCODING=encoding, PYTHONDONTWRITEBYTECODE="1")
    program = [sys.executable, os.path.join(FOLDER, "isrpa_openapi.py")]
    done = subprocess.run(program + list(arguments), input=given.encode("utf-8"), env=environment, cwd=folder or FOLDER,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return done.returncode, done.stdout, done.stderr.decode("utf-8", "replace")


class Summaries(InFolder):
    def test_counts_by_kind_target_version_hour_and_robot(self):
        self.write("a/rpa_openapi-2026-11-25.jsonl", entry(), entry("2026-11-25T12:59:59+08:00", code=403),
                   entry("2026-11-25T13:00:00+08:00", kind="tls", code=40, delivered="no", version="0.1.0", machine="PC2"),
                   entry("2026-11-25T13:00:01+08:00", event="eviction"))
        self.write("b/x.jsonl.gz", entry("2026-11-24T23:00:00Z", target="https://h:443/y", warnings=[{"kind": "clock"}]),
                   opened=gzip.open)
        self.write("b/other.txt", "not read")
        gateway = isrpa_openapi.summary([self.write("c.jsonl", entry(code=None, http_status=502))])
        self.assertEqual((gateway["failures"], gateway["kinds"][0]["kind"]), (1, "http 502"))
        os.remove(os.path.join(self.folder, "c.jsonl"))
        found = isrpa_openapi.summary([self.folder])
        self.assertEqual((found["files"], found["lines"], found["broken_lines"], found["unreadable"]), (2, 5, 0, []))
        self.assertEqual((found["calls"], found["failures"]), (4, 2))
        self.assertEqual(found["first"], "2026-11-24T23:00:00Z")
        self.assertEqual(found["last"], "2026-11-25T13:00:01+08:00")
        self.assertEqual({row["kind"]: row["count"] for row in found["kinds"]}, {"ok": 2, "code 403": 1, "tls": 1})
        self.assertEqual({row["target"]: (row["count"], row["failures"]) for row in found["targets"]},
                         {"https://h:443/x": (3, 2), "https://h:443/y": (1, 0)})
        self.assertEqual([(row["hour"], row["calls"], row["failures"]) for row in found["hours"]],
                         [("2026-11-24T23", 1, 0), ("2026-11-25T12", 2, 1), ("2026-11-25T13", 1, 1)])
        self.assertEqual([(row["event"], row["count"]) for row in found["events"]], [("eviction", 1)])
        self.assertEqual([(row["kind"], row["count"]) for row in found["warnings"]], [("clock", 1)])
        self.assertEqual({row["version"]: row["robots"] for row in found["versions"]}, {"0.2.0": 1, "0.1.0": 1})
        self.assertEqual({row["machine"]: (row["version"], row["failures"]) for row in found["robots"]},
                         {"PC1": ("0.2.0", 1), "PC2": ("0.1.0", 1)})

    def test_a_robot_counts_for_its_newest_version_whatever_the_order_of_the_files(self):
        self.write("1.jsonl", entry("2026-11-25T12:00:00+08:00", version="0.2.0"))
        self.write("2.jsonl", entry("2026-11-25T11:00:00+08:00", version="0.1.0"), entry("2026-11-25T04:30:00Z", version="0.3.0"))
        versions = isrpa_openapi.summary([self.folder])["versions"]
        self.assertEqual({row["version"]: row["robots"] for row in versions}, {"0.1.0": 0, "0.2.0": 0, "0.3.0": 1})

    def test_posts_of_which_nobody_knows_are_listed(self):
        unknown = dict(mode="post", delivered="unknown", kind="timeout", code=40)
        path = self.write("x.jsonl", entry(**unknown), entry(mode="get", delivered="unknown"), entry(mode="post"),
                          entry("2026-11-25T09:00:00+08:00", id="i9", **unknown))
        found = isrpa_openapi.summary([path])
        self.assertEqual(found["posts_delivered_unknown"], 2)
        self.assertEqual([(post["id"], post["line"], post["file"]) for post in found["posts"]], [("i9", 4, path), (None, 1, path)])

    def test_broken_lines_are_counted_and_cost_nothing_else(self):
        broken = ["{", "[]", "7", "null", '"x"', "{}", '{"time": 1, "event": "call"}', b"\xff\xfe{}", "[" * 50000,
                  '{"time": "2026-13-25T12:00:00Z", "event": "call"}', '{"time": "9999", "event": "call"}',
                  '{"time": "0001-01-01T00:00:00Z", "event": "call"}', "x" * (3 << 20),
                  json.dumps(entry())[:-20]]
        odd = [entry(target=[1], kind={"a": 1}, code=[1], version=7, machine={"m": 1}, user=[1], mode=1, delivered={}, warnings="x"),
               entry(target={"scheme": 1}, warnings=[1, None, {}, {"kind": []}], event="call"), "", "  "]
        path = self.write("x.jsonl", entry(), *(broken + odd + [entry()]))
        found = isrpa_openapi.summary([path, path])
        self.assertEqual((found["lines"], found["broken_lines"], found["calls"]), (len(broken) + 4, len(broken), 4))
        json.dumps(found)
        isrpa_openapi._summary_text(found, "zh")
        isrpa_openapi._summary_page(found, "zh")

    def test_files_that_cannot_be_read_are_named(self):
        self.write("cut.jsonl.gz", b"\x1f\x8b\x08\x00garbage")
        whole = gzip.compress(json.dumps(entry()).encode() + b"\n" + os.urandom(50000))
        self.write("half.jsonl.gz", whole[:20000])
        self.write("no.jsonl.gz", "no gzip")
        found = isrpa_openapi.summary([self.folder, os.path.join(self.folder, "nowhere")])
        self.assertEqual(len(found["unreadable"]), 4, found["unreadable"])

    def test_a_page_holds_nothing_that_runs(self):
        hostile = '</script><img src=x onerror="alert(1)">\'&\u202e\x1b[31m'
        rows = [entry(kind=hostile, code=40, machine=hostile, user=hostile, version=hostile, mode="post", delivered="unknown",
                      id=hostile, target=hostile, warnings=[{"kind": hostile}]), entry(event=hostile)]
        found = isrpa_openapi.summary([self.write("x.jsonl", *rows)])

        class Tags(html.parser.HTMLParser):
            def handle_starttag(self, tag, attributes):
                tags.add(tag)
                names.update(name for name, _ in attributes)

        for lang in ("zh", "en"):
            tags, names = set(), set()
            page = isrpa_openapi._summary_page(found, lang)
            Tags().feed(page)
            self.assertLessEqual(tags, set("html head meta title style body h1 h2 p table tr th td svg rect text".split()))
            self.assertFalse([name for name in names if name.startswith("on") or name in ("src", "href")], names)
            self.assertNotIn("\u202e", page)
            self.assertNotIn("\x1b", page)
            self.assertNotIn("http", page.replace("http-equiv", ""))
            text = isrpa_openapi._summary_text(found, lang)
            self.assertFalse([sign for sign in text if not sign.isprintable() and sign != "\n"])

    def test_the_plot_has_room_for_an_hour_and_for_years(self):
        for times in (["2026-11-25T12"], ["2026-11-25T12", "2026-11-26T11"], ["2020-01-01T00", "2026-11-25T12"], ["1970-01-01T00", "9999-12-31T23"]):
            rows = [entry(hour + ":00:00Z", code=code) for hour in times for code in (0, 1)]
            found = isrpa_openapi.summary([self.write("x.jsonl", *rows)])
            plot = isrpa_openapi._plot(found["hours"])
            self.assertEqual(plot.count('class="calls"'), len(times), plot)
            self.assertEqual(plot.count('class="failures"'), len(times), plot)
            self.assertNotIn("nan", plot)

    def test_many_names_do_not_fill_the_memory(self):
        with mock.patch.object(isrpa_openapi, "_MOST_NAMES", 10):
            found = isrpa_openapi.summary([self.write("x.jsonl", *[entry(target="/{}".format(n)) for n in range(100)])])
        self.assertEqual(len(found["targets"]), 11)
        self.assertEqual(sum(row["count"] for row in found["targets"]), 100)

    def test_the_command_prints_text_json_and_a_page(self):
        self.write("x.jsonl", entry(mode="post", delivered="unknown", kind="timeout", code=40, machine="财务-01"), "broken")
        page = os.path.join(self.folder, "页.html")
        status, out, err = command("summary", self.folder, "--html", page)
        text = out.decode("utf-8")
        self.assertEqual((status, err), (0, ""))
        for part in ("1个文件,2行(另有1行不能识别)", "不知道控制中心是否收到的post,共1个", "财务-01"):
            self.assertIn(part, text)
        with open(page, encoding="utf-8") as file:
            self.assertIn("<svg", file.read())
        status, out, _ = command("summary", self.folder, "--json")
        self.assertEqual((status, json.loads(out.decode("utf-8"))["calls"]), (0, 1))
        status, _, err = command("summary", os.path.join(self.folder, "nowhere"))
        self.assertEqual(status, 2)
        self.assertIn("nowhere", err)


class Consoles(InFolder):
    def test_text_is_printed_on_any_console(self):
        self.write("x.jsonl", entry(machine="财务-01 \U0001f600"))
        for encoding in ("utf-8", "gbk", "cp936", "cp437", "ascii", "latin-1"):
            status, out, err = command("summary", self.folder, encoding=encoding)
            self.assertEqual((status, err), (0, ""), encoding)
            head = "调用日志汇总" if encoding in ("utf-8", "gbk", "cp936") else "Summary of call logs"
            self.assertTrue(out.decode(encoding).startswith(head), encoding)
            status, out, _ = command("summary", "--json", self.folder, encoding=encoding)
            self.assertEqual(json.loads(out.decode(encoding))["robots"][0]["machine"], "财务-01 \U0001f600")
            status, out, err = command("summary", "--lang", "zh", self.folder, encoding=encoding)
            self.assertEqual((status, err), (0, ""), encoding)
            self.assertEqual(command("diagnose", "--help", encoding=encoding)[0], 0)

    def test_without_a_console_nothing_happens(self):
        with mock.patch.object(sys, "stdout", None), mock.patch.object(sys, "stderr", None):
            self.assertEqual(isrpa_openapi.main(["summary", self.folder]), 0)
            self.assertEqual(isrpa_openapi.main(["summary", self.folder + "x"]), 2)


class Reports(unittest.TestCase):
    REPLY = {"code": 0, "msg": "success", "result": {
        "verdict": {"ok": False, "zh": "证书不受信任", "en": "not trusted", "check": "tls", "setting": "tls.pin_sha256", "turn": "control_center"},
        "library": {"version": "0.2.0"}, "machine": {"name": "\x1b[2J"},
        "settings": [{"field": "host", "value": "https://h", "from": "--host", "odd": [{"zh": "空格", "en": "a blank"}]}],
        "checks": [{"name": "tls", "status": "fail", "ms": 9, "facts": {"issuer": "CN=x"}, "zh": "自签名", "en": "self-signed"},
                   {"name": "http", "status": "skipped", "because": {"zh": "没有连接", "en": "no connection"}, "ms": 0}]}}

    def test_a_report_is_in_either_language(self):
        chinese = isrpa_openapi.report(self.REPLY)
        for part in ("结论: 证书不受信任\n要改的设置: tls.pin_sha256\n该由谁处理: 控制中心的管理员", "[失败] tls: 自签名 (9 毫秒)", "CN=x",
                     "[跳过] http: 没有连接", "[注意] 空格", "name: \\x1b[2J"):
            self.assertIn(part, chinese)
        english = isrpa_openapi.report(self.REPLY, "en")
        for part in ("Verdict: not trusted", "[FAIL] tls: self-signed (9 ms)", "[skipped] http: no connection", "[warning] a blank"):
            self.assertIn(part, english)

    def test_whatever_comes_there_is_a_text(self):
        for reply in (None, 7, [], {}, {"msg": "fail", "error": {"detail": "d"}}, {"result": 1}, {"result": {"verdict": {}}},
                      {"result": {"verdict": {}, "checks": [1, {}], "settings": {"a": 1}, "machine": []}}):
            for lang in ("zh", "en"):
                self.assertTrue(isrpa_openapi.report(reply, lang))


class Settings(InFolder):
    ALL = {"RPA_HOST": "https://h", "RPA_ACCESSKEY": "ak", "RPA_SECRETKEY": "sk", "RPA_TOKEN_STORE": "memory", "RPA_CERT_SHA256": ["ab"],
           "RPA_CA_FILE": "ca.pem", "RPA_VERIFY": True, "RPA_PROXY": "none", "RPA_TIMEOUT_MS": 5, "RPA_TOKEN_TTL_MS": 0,
           "RPA_LOG": "info", "RPA_WAIT": {"rest_type": "/x"}, "RPA_OPTIONS": {"retry": 3}}

    def test_a_file_becomes_fields(self):
        path = self.write("rpa_openapi.json", json.dumps(self.ALL))
        fields = isrpa_openapi.settings(path)
        tls = {"pin_sha256": ["ab"], "ca_file": os.path.join(self.folder, "ca.pem"), "verify": True}
        self.assertEqual(fields, {"host": "https://h", "accesskey": "ak", "secretkey": "sk", "token_store": "memory", "tls": tls,
                                  "proxy": None, "timeout_ms": 5, "log": {"level": "info"}, "retry": 3})
        client = isrpa_openapi.Client.from_settings(path, timeout_ms=7)
        self.assertEqual(client._common, {"host": "https://h", "tls": tls, "proxy": None, "timeout_ms": 7, "connect_timeout_ms": 10000, "retry": 3})

    def test_hints_are_told_in_the_callers_own_words(self):
        hint = "请填「tls.ca_file」或「tls.pin_sha256」,检查「host」"
        error = {"kind": "tls", "detail": "d", "delivered": "no", "hint": hint}

        def told(client):
            with self.assertRaises(isrpa_openapi.RpaError) as raised:
                client._received({"code": 40, "error": dict(error)})
            return raised.exception.hint

        self.assertEqual(told(isrpa_openapi.Client("h")), "请填「ca_file」或「pin_sha256」,检查「host」")
        path = self.write("rpa_openapi.json", json.dumps(self.ALL))
        self.assertEqual(told(isrpa_openapi.Client.from_settings(path)), "请填「RPA_CA_FILE」或「RPA_CERT_SHA256」,检查「RPA_HOST」")
        own = isrpa_openapi.AsyncClient.from_settings(path, host="h", ca_file="x.pem")
        self.assertEqual(told(own), "请填「ca_file」或「RPA_CERT_SHA256」,检查「host」")

    def test_one_file_alone_counts(self):
        for name in ("here", "machine"):
            self.write(name + "/rpa_openapi.json", json.dumps({"RPA_HOST": name}))
        here, machine = os.path.join(self.folder, "here"), os.path.join(self.folder, "machine")
        with mock.patch.object(isrpa_openapi, "_machine_folder", lambda: machine), mock.patch.object(isrpa_openapi, "_folder", lambda: self.folder):
            with mock.patch.object(os, "getcwd", lambda: here):
                self.assertEqual(isrpa_openapi.settings(), {"host": "here"})
            self.assertEqual(isrpa_openapi.settings(), {"host": "machine"})
        with mock.patch.object(isrpa_openapi, "_machine_folder", lambda: self.folder), mock.patch.object(os, "getcwd", lambda: self.folder):
            self.assertEqual(isrpa_openapi.settings(), {})

    def test_each_encoding_of_notepad_is_read(self):
        text = '{"RPA_CA_FILE": "证书.pem"}'
        for encoding in ("utf-8", "utf-8-sig", "gbk", "utf-16"):
            path = self.write("rpa_openapi.json", text.encode(encoding))
            if encoding == "utf-16":
                with open(path, "wb") as file:
                    file.write(text.encode(encoding))
            self.assertTrue(isrpa_openapi.settings(path)["tls"]["ca_file"].endswith("证书.pem"), encoding)

    def test_what_is_wrong_is_told_without_secrets(self):
        for text, part in (('{"RPA_SECRETKEY": "a-secret",}', "not well-formed JSON"), ('["a-secret"]', "must hold a JSON object"),
                           ('{"RPA_SECRET_KEY": "a-secret"}', "did you mean RPA_SECRETKEY?"), ('{"x": "a-secret"}', "unknown setting x"),
                           ('{"RPA_SECRETKEY": {"dpapi": "YWJj"}}', "RPA_SECRETKEY of"), ("", "not well-formed")):
            path = self.write("rpa_openapi.json", text)
            with self.assertRaises(ValueError) as raised:
                isrpa_openapi.settings(path)
            self.assertIn(part, str(raised.exception))
            self.assertIn(path, str(raised.exception))
            self.assertNotIn("a-secret", str(raised.exception))

    @unittest.skipIf(os.name == "nt", "this is Windows")
    def test_protection_is_windows_own(self):
        status, out, err = command("protect", given="a-secret")
        self.assertEqual((status, out), (2, b""))
        self.assertIn("on Windows alone", err)

    @unittest.skipIf(os.name != "nt", "this is not Windows")
    def test_what_is_protected_is_read_again(self):
        for machine in (False, True):
            self.assertEqual(isrpa_openapi.unprotect(isrpa_openapi.protect("密钥 a-secret", machine)), "密钥 a-secret")
        path = self.write("rpa_openapi.json", json.dumps({"RPA_HOST": "https://h", "RPA_SECRETKEY": "密钥"}))
        self.assertEqual(isrpa_openapi.main(["protect", "--settings", path]), 0)
        with open(path, encoding="utf-8") as file:
            self.assertNotIn("密钥", file.read())
        self.assertEqual(isrpa_openapi.settings(path), {"host": "https://h", "secretkey": "密钥"})
        with self.assertRaises(OSError):
            isrpa_openapi.unprotect("YWJj")


class Values(unittest.TestCase):
    def test_errors_and_warnings_can_be_pickled(self):
        error = isrpa_openapi.RpaError({"code": 40, "msg": "m", "error": {"kind": "tls", "detail": "d", "hint": "h", "ms": {"dns": 1}, "new": 1}})
        again = pickle.loads(pickle.dumps(error))
        self.assertEqual((str(again), again.code, again.msg, again.hint, again.ms, again.peer, again.error["new"]),
                         ("tls: d", 40, "m", "h", {"dns": 1}, None, 1))
        again = pickle.loads(pickle.dumps(isrpa_openapi.RpaWarning("clock", "en", "zh")))
        self.assertEqual((str(again), again.kind, again.zh), ("en", "clock", "zh"))

    def test_a_closed_client_makes_no_call(self):
        with isrpa_openapi.Client("http://h", accesskey="a", secretkey="b") as client:
            pass
        self.assertEqual((client._keys, client.token), ({}, None))
        for work in (lambda: client.get("/x"), lambda: client.diagnose(), lambda: client.login("a", "b")):
            self.assertRaises(ValueError, work)


def finished(coroutine):
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()


class Asynchronous(unittest.TestCase):
    def test_calls_run_at_once_and_no_more_than_the_limit(self):
        running, most, lock = [0], [0], threading.Lock()

        def work(number):
            with lock:
                running[0] += 1
                most[0] = max(most[0], running[0])
            time.sleep(0.02)
            with lock:
                running[0] -= 1
            return number

        async def many():
            return await asyncio.gather(*[isrpa_openapi._later(work, number) for number in range(40)])

        with mock.patch.object(isrpa_openapi, "CALLS_AT_ONCE", 5), mock.patch.object(isrpa_openapi, "_threads", None):
            self.assertEqual(finished(many()), list(range(40)))
        self.assertTrue(1 < most[0] <= 5, most)

    def test_errors_come_through_and_a_cancelled_wait_ends_at_once(self):
        begun, ended = threading.Event(), threading.Event()

        def slow():
            begun.set()
            ended.wait(20)

        async def cancelled():
            task = asyncio.ensure_future(isrpa_openapi._later(slow))
            while not begun.is_set():
                await asyncio.sleep(0.01)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                return "cancelled"

        async def failing():
            await isrpa_openapi._later(int, "x")

        self.assertRaises(ValueError, finished, failing())
        stderr = io.StringIO()
        with contextlib.redirect_stderr(stderr):
            self.assertEqual(finished(cancelled()), "cancelled")
            ended.set()  # the loop is closed by now
            time.sleep(0.1)
        self.assertEqual(stderr.getvalue(), "")

    def test_idle_threads_end(self):
        with mock.patch.object(isrpa_openapi._Threads, "IDLE_SECONDS", 0.05), mock.patch.object(isrpa_openapi, "_threads", None):
            finished(isrpa_openapi._later(int, "1"))
            threads = isrpa_openapi._threads
            for _ in range(200):
                if threads.count == 0:
                    break
                time.sleep(0.05)
            self.assertEqual(threads.count, 0)
            self.assertEqual(finished(isrpa_openapi._later(int, "2")), 2)

    @unittest.skipUnless(hasattr(os, "fork"), "there is no fork")
    def test_a_forked_process_has_threads_of_its_own(self):
        finished(isrpa_openapi._later(int, "1"))
        time.sleep(1.2)  # from 3.12 on a fork beside threads is warned of
        child = os.fork()
        if child == 0:
            os._exit(finished(isrpa_openapi._later(int, "7")))
        self.assertEqual(os.waitpid(child, 0)[1] >> 8, 7)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
