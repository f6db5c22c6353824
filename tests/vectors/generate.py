#!/usr/bin/env python3
"""Makes the signing vectors beside this file.

    python3 generate.py            writes the *.txt files anew
    python3 generate.py --check    writes nothing; names each file that would change, and then exits with 1

What is expected comes from Python's own json, str(), repr(), urllib.parse.quote and hmac, used as the vendor's client
uses them. The output is the same on every CPython from 3.8 on: the texts hold only code points that are printable, or
not, in all of them, no integer has more than 4300 digits, and every random choice rests on getrandbits alone.

A file is a list of cases with a blank line between them; a line that begins with # is a remark. A case is

    case: a name, unique in its file
    mode, rest_type, data_json, data_as, values, encoding, token, timestamp: what is asked for
    source, encoded, signature, query, body, content_type: what must come of it, stage by stage

with a JSON literal on each line after the first. Those of another generation than 2020.4 have a line generation, those of
generation 9 an action in place of mode and rest_type; values and encoding are null where the request names none. data_json is the raw text of the parameters, since spellings matter
in it; data_as says whether it goes into the request as an object or as a text. `refused: "argument"` in place of
the stages says that the call cannot be made.
"""

import base64
import hashlib
import hmac
import json
import random
import re
import sys
import urllib.parse
from pathlib import Path

HERE = Path(__file__).resolve().parent

TOKEN = "9f2c4b7e1d5a48c0b3e6a7d812f45c90"
TIMESTAMP = 1606694400000
MODES = ["get", "post", "put", "delete"]
CONTENT_TYPES = {
    "get": None,
    "post": "application/x-www-form-urlencoded;charset=utf-8",
    "put": "application/json;charset=utf-8",
    "delete": "application/json;charset=utf-8",
}


# --- What the reference does -----------------------------------------------------------------------------------------


def python_fields(raw):
    """Top-level texts as they are, all else by str()."""
    return {key: value if isinstance(value, str) else str(value) for key, value in json.loads(raw).items()}


TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^ \t\n\r"{}\[\]:,]+')


def json_fields(raw):
    """Top-level texts as they are, all else as the JSON that was given, less the white space outside strings."""
    json.loads(raw)
    fields = {}
    tokens = TOKENS.findall(raw)[1:-1]
    at = 0
    while at < len(tokens):
        key, start, depth = tokens[at], at + 2, 0
        at = start
        while at < len(tokens) and (depth > 0 or tokens[at] != ","):
            depth += (tokens[at] in "{[") - (tokens[at] in "}]")
            at += 1
        value = "".join(tokens[start:at])
        fields[json.loads(key)] = json.loads(value) if value.startswith('"') else value
        at += 1
    return fields


class Number:
    """A number that keeps its spelling."""

    def __init__(self, spelling):
        self.spelling = spelling


def dump_native(value):
    """json.dumps(value, sort_keys=True), but for the spelling of numbers."""
    if isinstance(value, Number):
        return value.spelling
    if isinstance(value, dict):
        return "{" + ", ".join(json.dumps(key) + ": " + dump_native(value[key]) for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(dump_native, value)) + "]"
    return json.dumps(value)


def native_body(raw):
    body = dump_native(json.loads(raw, parse_int=Number, parse_float=Number))
    as_read = json.dumps(json.loads(raw), sort_keys=True)
    assert json.dumps(json.loads(body), sort_keys=True) == as_read, raw
    assert dump_native(json.loads(raw)) == as_read, raw
    return body


def quote_java(text):
    """The server's rule: java.net.URLEncoder, then + as %20 and * as %2A."""
    encoded = ""
    for byte in text.encode("utf-8"):
        char = chr(byte)
        if byte < 0x80 and (char.isalnum() or char in ".-*_"):
            encoded += char
        elif char == " ":
            encoded += "+"
        else:
            encoded += "%%%02X" % byte
    encoded = encoded.replace("+", "%20").replace("*", "%2A")
    # The same once more, from Python's own: it keeps a tilde, and a slash by default.
    assert encoded == urllib.parse.quote(text, safe="").replace("~", "%7E"), text
    return encoded


def dump_compact(value):
    """Compact JSON with sorted keys, each number as it was spelt."""
    if isinstance(value, dict):
        return "{" + ",".join(json.dumps(key) + ":" + dump_compact(value[key]) for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(dump_compact, value)) + "]"
    return dump_native(value)


def compact_body(raw, values):
    """The parameters as one compact JSON text."""
    if values in (None, "native"):
        return dump_compact(json.loads(raw, parse_int=Number, parse_float=Number))
    fields = python_fields(raw) if values == "python" else json_fields(raw)
    return json.dumps(fields, sort_keys=True, separators=(",", ":"))


def base64_of_hex(key, text):
    digest = hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
    return base64.b64encode(digest.encode()).decode()


def sign_10_3(mode, raw, values, encoding, appkey, timestamp):
    """Generation 10.3: everything but a put has its parameters in the query."""
    fields = python_fields(raw) if values == "python" else json_fields(raw)
    pairs = sorted(fields.items())
    body = query = None
    content_type = "application/json; charset=UTF-8" if mode in ("get", "put") else None
    if mode == "put":
        signed = body = compact_body(raw, values)
    else:
        signed = "&".join(f"{key}={value}" for key, value in pairs)
        if pairs:
            query = "&".join(
                urllib.parse.quote(key, safe="") + "=" + urllib.parse.quote(value, safe="") for key, value in pairs
            )
    source = f"{signed}&appkey={appkey}&timestamp={timestamp}"
    encoded = urllib.parse.quote(source) if encoding == "python" else quote_java(source)
    return {
        "source": source,
        "encoded": encoded,
        "signature": base64_of_hex(appkey, encoded),
        "query": query,
        "body": body,
        "content_type": content_type,
    }


def sign_9(action, raw, values, encoding, token, timestamp):
    """Generation 9: a form, signed by a key that is the same everywhere."""
    form = {"action": action, "param": compact_body(raw, values), "timestamp": str(timestamp // 1000)}
    source = "&".join(f"{name}={value}" for name, value in form.items())
    encoded = quote_java(source) if encoding == "java" else urllib.parse.quote(source)
    form.update(sign=base64_of_hex("isearch", encoded), token=token)
    return {
        "source": source,
        "encoded": encoded,
        "signature": form["sign"],
        "query": None,
        "body": urllib.parse.urlencode(form, quote_via=urllib.parse.quote, safe=""),
        "content_type": "application/x-www-form-urlencoded;charset=utf-8",
    }


def sign(mode, raw, values, encoding, token, timestamp):
    """The stages of a call, or None where the parameters cannot be sent."""
    mode = mode.lower()
    fields = python_fields(raw) if values == "python" else json_fields(raw)
    body = native_body(raw) if values == "native" else json.dumps(fields, sort_keys=True)
    pairs = sorted(fields.items())
    params = "&".join(f"{key}={value}" for key, value in pairs)
    source = (params if mode == "get" else body) + "&token=" + token + "&timestamp=" + str(timestamp)
    query = None
    try:
        encoded = urllib.parse.quote(source) if encoding == "python" else quote_java(source)
        if mode in ("get", "post") and pairs:
            query = "&".join(
                urllib.parse.quote(key, safe="") + "=" + urllib.parse.quote(value, safe="") for key, value in pairs
            )
    except UnicodeEncodeError:
        return None
    digest = hmac.new(token.encode(), encoded.encode(), hashlib.sha256).hexdigest()
    return {
        "source": source,
        "encoded": encoded,
        "signature": base64.b64encode(digest.encode()).decode(),
        "query": query,
        "body": None if mode == "get" else body,
        "content_type": CONTENT_TYPES[mode],
    }


# --- Files -----------------------------------------------------------------------------------------------------------


def literal(value):
    """A JSON literal on one line that a person can read: only what does not show as itself is escaped."""
    if not isinstance(value, str):
        return json.dumps(value)
    shown = (char if char.isprintable() and char not in '"\\' else json.dumps(char)[1:-1] for char in value)
    return '"' + "".join(shown) + '"'


class Vectors:
    """The cases of one file. A case without a mode takes the next of the four."""

    def __init__(self, name, about):
        self.name = name
        self.blocks = [f"# {about}\n# Made by generate.py: change it there.\n"]
        self.names = set()
        ALL.append(self)

    def add(
        self,
        name,
        raw,
        mode=None,
        values="python",
        encoding="python",
        data_as="object",
        rest_type="/oapi/v1/job/create",
        token=TOKEN,
        timestamp=TIMESTAMP,
        signature=None,
        not_an_object=False,
        generation=None,
        action=None,
    ):
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) and name not in self.names, (self.name, name)
        mode = mode or MODES[len(self.names) % 4]
        self.names.add(name)
        block = f"case: {name}\n"
        request = {
            "mode": mode,
            "rest_type": rest_type,
            "data_json": raw,
            "data_as": data_as,
            "values": values,
            "encoding": encoding,
            "token": token,
            "timestamp": timestamp,
        }
        if generation == "9":
            del request["mode"], request["rest_type"]
            request = {"generation": generation, "action": action, **request}
            stages = sign_9(action, raw, values, encoding, token, timestamp)
        elif generation == "10.3":
            request = {"generation": generation, **request}
            stages = sign_10_3(mode, raw, values, encoding, token, timestamp)
        elif generation == "2020.5":
            request = {"generation": generation, **request}
            stages = sign(mode, raw, values or "python", encoding or "java", token, timestamp)
        else:
            stages = None if not_an_object else sign(mode, raw, values, encoding, token, timestamp)
        assert signature is None or stages["signature"] == signature, (self.name, name)
        for key, value in {**request, **(stages or {"refused": "argument"})}.items():
            block += f"{key}: {literal(value)}\n"
        self.blocks.append(block)

    def add_in_modes(self, name, raw, modes=("get", "put"), **options):
        for mode in modes:
            self.add(f"{name}-{mode}", raw, mode=mode, **options)

    def text(self):
        return "\n".join(self.blocks)


ALL = []


class Chance:
    """Choices that are the same in every Python: of random.Random only getrandbits is used."""

    def __init__(self, seed):
        self.bits = random.Random(seed).getrandbits

    def below(self, limit):
        return self.bits(48) % limit

    def between(self, low, high):
        return low + self.below(high - low + 1)

    def pick(self, choices):
        return choices[self.below(len(choices))]

    def one_in(self, number):
        return self.below(number) == 0

    def digits(self, count):
        return str(self.between(1, 9)) + "".join(str(self.below(10)) for _ in range(count - 1))


# --- Numbers ---------------------------------------------------------------------------------------------------------


def known_answers():
    file = Vectors("known-answers", "The published answers; their signatures are asserted by the generator.")
    file.add(
        "get-with-paging",
        '{"procCode": "P001", "pageNum": 1, "pageSize": 20}',
        mode="get",
        rest_type="/oapi/v1/job/list",
        signature="MDdjYTc1YTUxNjdkMGFlNjQxYWFjNTA2MmUzMzc3MzRhNzg2NWY2ZTBhZjRlMDJlOThjODFkNjMyMTMwZDEwMw==",
    )
    file.add(
        "post-with-chinese",
        '{"robotNo": "Administrator@0A1B2C3D4E5F", "procCode": "P001", "note": "月结 2020/11/30 ~ 完成"}',
        mode="post",
        signature="YjBjZjU1NzczOGJmYjc2ZWU0OWYyMjBjYWZjYjUyMTM5OWNhZjM1ZjBiZDI3YTIxNDdmZmE4YjE3ZGJiYjg1Mw==",
    )
    file.add(
        "put-with-every-kind",
        '{"jobNo": "3f2b8c1e-5d64-4a97-9c0e-7b1a2d3e4f50", "enabled": true, "level": null, "ratio": 0.1, '
        '"big": 1e16, "list": [1, "a", null], "obj": {"k": "it\'s"}}',
        mode="put",
        rest_type="/oapi/v1/job/update",
        signature="YmZhNWE4YWQ5NDRkYjEwZDNkOTRkMjFlNmNlZGY4ZjNlNmIxNzBhNDgyYTAyNzJjM2VmNzg1NzRmMDQzYTU4ZQ==",
    )
    file.add(
        "delete-with-one-text",
        '{"jobNo": "3f2b8c1e-5d64-4a97-9c0e-7b1a2d3e4f50"}',
        mode="delete",
        rest_type="/oapi/v1/job/delete",
        signature="NjJkYTZiNzVkOGM3MTMxZDRlZGE2YjMyNzY1ZTQ0MThlOWJmNWU4MGMyNzBhZTJiN2YwY2NjYWFkYmFjNmRiNA==",
    )
    file.add(
        "get-with-nothing",
        "{}",
        mode="get",
        rest_type="/oapi/v1/robot/list",
        signature="NjdiNTY3YWRhYjNlMDgxOGYxMTc1ZmZmZmVhNGE1NTFmM2Y2ZmZjMDc1YmYxMjQwNjY5N2YxZmE4YTQzZTBjOA==",
    )


def integers():
    file = Vectors("integers", "Integers that fit into a machine word, and the first that do not.")
    for spelling in [
        "0", "-0", "1", "-1", "9", "10", "-10", "127", "-128", "65535", "2147483647", "-2147483648", "4294967295",
        "4294967296", "1606694400000", "9007199254740991", "9007199254740992", "9007199254740993",
        "-9007199254740993", "9223372036854775807", "-9223372036854775808", "9223372036854775808",
        "-9223372036854775809", "18446744073709551615", "18446744073709551616", "-18446744073709551616",
    ]:
        file.add("plus-" + spelling if spelling[0] != "-" else "minus" + spelling, '{"n": %s}' % spelling)
    file.add_in_modes("many", '{"a": 1, "b": -2, "c": 0, "d": -0, "e": 1234567890123456789}', modes=MODES)
    file.add_in_modes("in-list-and-object", '{"list": [0, -0, -1, 18446744073709551616], "obj": {"n": -0}}')


def big_integers():
    file = Vectors("big-integers", "Integers of any length.")
    chance = Chance("big integers")
    for count in [20, 39, 50, 100, 400, 1000, 4000, 4300]:
        file.add(f"random-{count}-digits", '{"n": %s}' % chance.digits(count))
    for count in [50, 400, 4000]:
        file.add(f"minus-{count}-digits", '{"n": -%s}' % chance.digits(count))
        file.add(f"all-nines-{count}-digits", '{"n": %s}' % ("9" * count))
        file.add(f"one-and-zeros-{count}-digits", '{"n": 1%s}' % ("0" * (count - 1)))
    nested = '{"list": [%s, -%s], "obj": {"n": %s}}' % (chance.digits(50), chance.digits(60), chance.digits(70))
    file.add_in_modes("nested", nested, modes=MODES)


FLOATS = [
    "1e16", "1E16", "1e+16", "1E400", "-1E400", "1e309", "1E-400", "-1E-400", "0.0", "-0.0", "0e0", "-0e0", "0E5",
    "-0.000", "0.1", "0.10", "-0.1", "0.2", "0.3", "1.0", "1.00", "1.10", "1.5", "100.0", "3.14159", "2.5e0", "5e-324",
    "4.9406564584124654e-324", "2e-324", "3e-324", "1e-5", "0.00001", "0.0001", "0.00012345", "0.000099999",
    "123456789012345680.0", "1234567890123456.7", "12345678901234567.8", "1e15", "1E15", "999999999999999.9",
    "9999999999999998.0", "9999999999999999.0", "9999999999999999.5", "1e17", "1e21", "1e22", "1e23", "1e-7", "1.5E-7",
    "1E+2", "1e2", "12e-1", "1E05", "1e-05", "100000000000000000000.0", "2.2250738585072014e-308",
    "2.2250738585072011e-308", "2.225073858507201e-308", "1.7976931348623157e308", "1.7976931348623158e308",
    "1.7976931348623159e308", "179769313486231580793728971405301e276", "9007199254740993.0", "9007199254740992.5",
    "0.1e1", "1000000000000000.0", "1e100", "1e-100", "1.0e10", "123e-20", "6.02214076e23", "4.35", "2.675", "0.57",
    "9.5367431640625e-7", "5.960464477539063e-8", "8.41e21", "2.0e-3", "9.109e-31", "5.0e-324",
]


def floats():
    file = Vectors("floats", "Floats as Python writes them, from every way to spell them.")
    for number, spelling in enumerate(FLOATS):
        name = spelling.lower().replace("-", "minus-").replace("+", "plus-").replace(".", "-")
        name = name if len(name) < 30 else name[:30] + "-and-so-on"
        file.add(f"{number:02}-{name}", '{"x": %s}' % spelling)
    every = ", ".join(FLOATS)
    file.add_in_modes("all-in-a-list", '{"list": [%s]}' % every)
    file.add_in_modes("nested", '{"obj": {"a": -0.0, "b": [1e16, 1E400, -1E400]}, "list": [{"x": 1e-7}]}', modes=MODES)


def decimal(numerator, exponent):
    """numerator * 2 ** exponent, written out to its last digit."""
    if exponent >= 0:
        return f"{numerator << exponent}.0"
    digits = str(numerator * 5**-exponent).rjust(1 - exponent, "0")
    return digits[:exponent] + "." + digits[exponent:]


def floats_shortest_ties():
    file = Vectors("floats-shortest-ties", "Doubles with two equally short, equally near spellings: repr takes the even one.")
    for index, number in enumerate(("8.3214874267578125", "1125899906842624.25", "-1125899906842624.75", "0.00030517578125")):
        file.add(f"tie-{index}", '{"x": %s}' % number)
    chance = Chance("ties")
    for index in range(40):
        # 2**50 and above, a quarter or three quarters: sixteen digits fall in the middle.
        whole = 2 ** 50 + chance.below(2 ** 50)
        file.add(f"quarter-{index}", '{"x": %d.%s}' % (whole, ("25", "75")[index % 2]))
    for exponent in (-1074, -1073, -1022, -44, -24, 23, 44, 52, 53, 60, 113, 1000):
        sign = "minus-" if exponent < 0 else ""
        file.add(f"power-of-two-{sign}{abs(exponent)}", '{"x": %r}' % (2.0 ** exponent))


def floats_halfway():
    file = Vectors("floats-halfway", "Decimals exactly between two doubles, and a hair to either side.")
    chance = Chance("halfway")
    for exponent in [-1074, -1022, -300, -120, -60, -53, -52, -20, -5, -1, 0, 1, 10, 60, 200, 900]:
        mantissa = chance.between(1, 2**40) if exponent == -1074 else 2**52 + chance.bits(52)
        halfway = decimal(2 * mantissa + 1, exponent - 1)
        name = f"exponent-{exponent}".replace("--", "-minus-")
        # Of two neighbours the even one must be taken: one case for each parity of the lower.
        file.add(f"{name}-exact", '{"x": %s}' % halfway)
        file.add(f"{name}-next", '{"x": %s}' % decimal(2 * mantissa + 3, exponent - 1))
        file.add(f"{name}-above", '{"x": %s1}' % halfway)
        if halfway.endswith(".0"):
            below = f"{int(halfway[:-2]) - 1}.999999999"
        else:
            below = f"{halfway[:-1]}{int(halfway[-1]) - 1}999999999"
        file.add(f"{name}-below", '{"x": %s}' % below)


def random_double(chance):
    """A finite double from a random bit pattern, every exponent as likely as any other."""
    exponent, fraction = chance.below(2047), chance.bits(52)
    mantissa, power = (fraction, -1074) if exponent == 0 else (2**52 + fraction, exponent - 1075)
    return float.fromhex(f"{hex(mantissa)}p{power}") * chance.pick([1, -1])


def spell_float(chance):
    kind = chance.below(6)
    if kind == 0:
        return repr(random_double(chance))
    if kind == 1:
        return "%.16e" % random_double(chance)
    if kind == 2:
        return "%.*E" % (chance.below(25), random_double(chance))
    if kind == 3:
        digits = chance.digits(30)
        point = chance.between(1, 29)
        return chance.pick(["", "-"]) + digits[:point] + "." + digits[point:]
    if kind == 4:
        return chance.pick(["0.", "-0."]) + "0" * chance.below(8) + chance.digits(30)
    exponent = chance.between(0, 330)
    sign = chance.pick(["", "+", "-"])
    return chance.digits(1) + "." + chance.digits(chance.between(1, 30)) + chance.pick("eE") + sign + str(exponent)


def random_floats():
    file = Vectors("random-floats", "Doubles from random bits, and decimals of up to 30 digits.")
    chance = Chance("floats")
    for number in range(60):
        spellings = [spell_float(chance) for _ in range(6)]
        top = ", ".join(f'"x{at}": {spelling}' for at, spelling in enumerate(spellings[:3]))
        file.add(f"random-{number:03}", '{%s, "list": [%s]}' % (top, ", ".join(spellings[3:])))


def true_false_null():
    file = Vectors("true-false-null", "True, False and None, on their own and nested.")
    for word in ["true", "false", "null"]:
        file.add_in_modes(word, '{"value": %s}' % word)
        file.add_in_modes(f"{word}-nested", '{"list": [%s], "obj": {"k": %s}}' % (word, word))
    file.add_in_modes("as-text", '{"a": "true", "b": "True", "c": "null", "d": "None", "e": ["True"]}')


# --- Texts -----------------------------------------------------------------------------------------------------------

RESERVED = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ "


def raw_text(text):
    """A JSON string with as few escapes as JSON allows."""
    return json.dumps(text, ensure_ascii=False)


def text_plain():
    file = Vectors("text-plain", "Texts that need little encoding; none is read as a number or as JSON.")
    file.add_in_modes("unreserved", '{"a": "AZaz09-_.~"}', modes=MODES)
    file.add("digits", '{"a": "0010", "b": "1e16", "c": "-0", "d": "1.10"}')
    file.add("json-in-text", r'{"a": "{\"k\": [1, 2]}", "b": "[]"}')
    file.add("python-in-text", r'''{"a": "{'k': None}", "b": "[True]"}''')
    file.add("slash", r'{"path": "/a/b", "escaped": "\/a\/b"}')
    file.add("spaces", '{"a": " ", "b": "  two  ", " c ": "x y"}')
    file.add_in_modes("long", '{"a": "%s"}' % ("0123456789abcdef" * 64))


def text_chinese():
    file = Vectors("text-chinese", "Chinese texts and keys.")
    file.add_in_modes("value", '{"note": "月结完成"}', modes=MODES)
    file.add_in_modes("key", '{"流程编号": "P001", "备注": "无"}', modes=MODES)
    file.add_in_modes("escaped", r'{"note": "\u6708\u7ed3\u5b8c\u6210", "\u5907\u6CE8": "\u65E0"}', modes=MODES)
    file.add_in_modes("nested", '{"参数": {"月份": "十一月", "列表": ["甲", "乙"]}, "list": ["丙"]}', modes=MODES)
    file.add_in_modes("punctuation", '{"a": "《月结》,“完成”。(全角)¥100", "b": ["「」、…—"]}')
    file.add_in_modes("ideographic-space", '{"a": "月\u3000结", "b": ["月\u3000结"]}')
    file.add("traditional", '{"a": "繁體中文", "b": ["臺灣"]}')
    file.add("rare-astral", '{"a": "𠮷野家", "b": ["𠮷"]}')
    file.add("java", '{"note": "2020/11/30 ~ 完成"}', encoding="java")


def text_other_scripts():
    file = Vectors("text-other-scripts", "Texts in other scripts, composed and decomposed: nothing is normalised.")
    texts = [
        ("latin", "café Ärger ¿qué?"), ("decomposed", "cafe\u0301 A\u0308rger"), ("greek", "Ελλάδα"),
        ("cyrillic", "Привет"), ("hebrew", "שלום"), ("arabic", "مرحبا"), ("thai", "สวัสดี"), ("hindi", "नमस्ते"),
        ("japanese", "こんにちは カタカナ"), ("korean", "안녕하세요"), ("signs", "§°±µ¶·×÷€™"),
    ]
    for name, text in texts:
        file.add(name, '{"a": %s, "list": [%s]}' % (raw_text(text), raw_text(text)))
        file.add(f"{name}-key", '{%s: 1, "obj": {%s: 1}}' % (raw_text(text), raw_text(text)))


def text_reserved_characters():
    file = Vectors("text-reserved-characters", "Characters that mean something in a URL, a query or a quoted text.")
    for char in RESERVED:
        file.add(f"value-{ord(char):02x}", '{"a": %s}' % raw_text(char * 2))
    for char in RESERVED:
        file.add(f"key-{ord(char):02x}", '{%s: "v"}' % raw_text(f"k{char}"), mode=MODES[ord(char) % 2])
    file.add_in_modes("all-in-value", '{"a": %s}' % raw_text(RESERVED), modes=MODES)
    file.add_in_modes("all-in-key", '{%s: 1}' % raw_text(RESERVED), modes=MODES)
    file.add_in_modes("all-nested", '{"list": [%s], "obj": {%s: 0}}' % ((raw_text(RESERVED),) * 2), modes=MODES)
    file.add_in_modes("looks-like-a-query", '{"a": "1&b=2&token=x&timestamp=0", "c": "%20+%2B"}', modes=MODES)
    file.add_in_modes("looks-like-a-url", '{"url": "https://a.example:8080/p?q=1&r=%E4%B8%AD#f"}', modes=MODES)
    file.add_in_modes("java-all", '{"a": %s}' % raw_text(RESERVED), modes=MODES, encoding="java")


def control_characters():
    file = Vectors("control-characters", "Control characters, U+0000 to U+001F and U+007F to U+009F.")
    low = "".join(map(chr, range(0x20)))
    high = "".join(map(chr, range(0x7F, 0xA0)))
    for code in [0x00, 0x01, 0x07, 0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x1B, 0x1F]:
        escape = r"\u%04x" % code
        file.add(f"top-level-{code:02x}", '{"a": "x%sy"}' % escape)
        file.add(f"nested-{code:02x}", '{"list": ["x%sy"]}' % escape, mode=MODES[code % 4])
    for code in [0x7F, 0x80, 0x85, 0x9F]:
        file.add(f"top-level-{code:02x}", '{"a": "x%sy"}' % chr(code))
        file.add(f"nested-{code:02x}", '{"list": ["x%sy"]}' % chr(code), mode=MODES[code % 4])
    file.add_in_modes("all-low", '{"a": %s}' % json.dumps(low), modes=MODES)
    file.add_in_modes("all-low-nested", '{"list": [%s]}' % json.dumps(low), modes=MODES)
    file.add_in_modes("all-high", '{"a": "%s"}' % high, modes=MODES)
    file.add_in_modes("all-high-nested", '{"list": ["%s"]}' % high, modes=MODES)
    file.add_in_modes("in-keys", r'{"a\tb": 1, "a\u0000": 2, "a\u007f": 3, "obj": {"\r\n": 4}}', modes=MODES)
    file.add_in_modes("short-escapes", r'{"a": "\b\f\n\r\t", "list": ["\b\f\n\r\t"]}')
    file.add_in_modes("line-breaks", r'{"a": "one\ntwo\r\nthree", "list": ["one\ntwo"]}', modes=MODES)


def escapes():
    file = Vectors("escapes", "One text in many spellings: escapes are read, and written anew.")
    file.add_in_modes("letters", r'{"\u0061": "\u0041\u005a", "list": ["\u0041"]}')
    file.add_in_modes("every-short-one", r'{"a": "\"\\\/\b\f\n\r\t", "list": ["\"\\\/\b\f\n\r\t"]}')
    file.add_in_modes("hex-case", r'{"a": "\u00E9\u00e9\uABCD\uabcd", "list": ["\u00E9"]}')
    file.add_in_modes("escaped-backslash-u", r'{"a": "\\u4e2d", "list": ["\\u4e2d", "\\\u4e2d"]}')
    file.add_in_modes("escaped-quote", r'{"a\"b": "\u0022", "list": ["\u0022\u0027\u005c"]}')


# --- Python's repr ---------------------------------------------------------------------------------------------------


def nested_lists():
    file = Vectors("nested-lists", "Lists by Python's repr.")
    file.add_in_modes("numbers", '{"list": [1, 2, 3]}', modes=MODES)
    file.add_in_modes("mixed", '{"list": [1, "a", null, true, false, 0.5, -1, [], {}]}', modes=MODES)
    file.add_in_modes("one", '{"list": [1]}')
    file.add_in_modes("texts", '{"list": ["a", "b", ""]}')
    file.add_in_modes("in-lists", '{"list": [[1, [2, [3, []]]], [], [[]]]}')
    file.add_in_modes("several", '{"b": [2], "a": [1], "c": [[3]]}')
    file.add_in_modes("of-objects", '{"list": [{"b": 1, "a": 2}, {}, {"k": [null]}]}')
    file.add_in_modes("deep", '{"list": %s1%s}' % ("[" * 100, "]" * 100))
    file.add_in_modes("long", '{"list": [%s]}' % ",".join(map(str, range(300))))


def nested_objects():
    file = Vectors("nested-objects", "Objects by Python's repr: keys stay in the order they came in.")
    file.add_in_modes("order", '{"obj": {"z": 1, "a": 2, "m": 3}}', modes=MODES)
    file.add_in_modes("mixed", '{"obj": {"t": true, "f": false, "n": null, "x": 1e16, "s": "a", "l": [1], "o": {}}}')
    file.add_in_modes("in-objects", '{"obj": {"b": {"d": {"f": 1, "e": 2}, "c": 3}, "a": 4}}', modes=MODES)
    file.add_in_modes("quoted-keys", r'''{"obj": {"it's": 1, "\"": 2, "'\"": 3, "\\": 4, "": 5}}''')
    file.add_in_modes("number-like-keys", '{"obj": {"10": 1, "9": 2, "1e1": 3}}')
    file.add_in_modes("deep", '{"obj": %s1%s}' % ('{"k": ' * 100, "}" * 100))
    file.add_in_modes("with-lists", '{"obj": {"b": [{"y": 1, "x": [2]}], "a": []}}')
    file.add_in_modes("like-a-job", '{"params": {"月份": "2020-11", "重试": 3, "收件人": ["a@b.example", "c@d.example"]}}')


def repr_quotes_and_backslashes():
    file = Vectors("repr-quotes-and-backslashes", "Which quote repr takes, and what it escapes.")
    texts = [
        ("none", "plain"), ("single", "it's"), ("double", 'say "hi"'), ("both", "it's \"hi\""), ("only-single", "'"),
        ("only-double", '"'), ("only-both", "'\""), ("two-singles", "''"), ("two-doubles", '""'), ("backslash", "\\"),
        ("two-backslashes", "\\\\"), ("backslash-n", "\\n"), ("path", "C:\\temp\\it's"), ("backslash-single", "\\'"),
        ("backslash-double", '\\"'), ("backslash-both", "\\'\""), ("typographic", "‘it’s’ “hi”"), ("backtick", "`"),
    ]
    for name, text in texts:
        file.add_in_modes(name, '{"list": [%s], "top": %s}' % ((raw_text(text),) * 2))
    file.add_in_modes("each-text-its-own", r'''{"list": ["'", "\"", "'\"", {"'": "\""}]}''', modes=MODES)


NON_PRINTABLE = [
    0xA0, 0xAD, 0x600, 0x61C, 0x6DD, 0x70F, 0x1680, 0x180E, 0x2000, 0x200A, 0x200B, 0x200D, 0x200F, 0x2028, 0x2029,
    0x202A, 0x202E, 0x202F, 0x205F, 0x2060, 0x2064, 0x2066, 0x206F, 0x3000, 0xE000, 0xF8FF, 0xFDD0, 0xFDEF, 0xFEFF,
    0xFFF9, 0xFFFB, 0xFFFE, 0xFFFF, 0x110BD, 0x1BCA0, 0x1D173, 0x1D17A, 0x1FFFE, 0x1FFFF, 0xE0001, 0xE0020, 0xE007F,
    0xF0000, 0xFFFFD, 0xFFFFE, 0x100000, 0x10FFFD, 0x10FFFF,
]
PRINTABLE = [
    0x20, 0x7E, 0xA1, 0xAC, 0xAE, 0xFF, 0x100, 0x300, 0x34F, 0x37F, 0x3A1, 0x5D0, 0x61E, 0x1160, 0x115F, 0x180B,
    0x2010, 0x2027, 0x2030, 0x205E, 0x20AC, 0x2800, 0x3001, 0x3164, 0x4E00, 0x9FA5, 0xAC00, 0xD7A3, 0xF900, 0xFE00,
    0xFE0F, 0xFF01, 0xFFA0, 0xFFFC, 0xFFFD, 0x10000, 0x1D400, 0x1F468, 0x1F600, 0x20000, 0x2A6D6, 0xE0100, 0xE01EF,
]


def repr_non_printable():
    file = Vectors("repr-non-printable", "Code points that repr escapes, and neighbours that it leaves alone.")
    for code in NON_PRINTABLE:
        assert not chr(code).isprintable(), hex(code)
        file.add(f"escaped-{code:04x}", '{"list": ["%s"]}' % chr(code))
    for code in PRINTABLE:
        assert chr(code).isprintable(), hex(code)
    for at in range(0, len(PRINTABLE), 5):
        chars = "".join(map(chr, PRINTABLE[at : at + 5]))
        file.add(f"kept-{PRINTABLE[at]:04x}", '{"list": ["%s"]}' % chars)
    every = "".join(map(chr, NON_PRINTABLE))
    file.add_in_modes("all-at-top-level", '{"a": "%s"}' % every, modes=MODES)
    file.add_in_modes("all-nested", '{"list": ["%s"], "obj": {"%s": 0}}' % (every, every), modes=MODES)
    kept = "".join(map(chr, PRINTABLE))
    file.add_in_modes("kept-nested", '{"list": ["%s"], "obj": {"%s": 0}}' % (kept, kept), modes=MODES)
    file.add_in_modes("hex-widths", '{"list": ["\x9f\xad\u0600\ufeff\U0001d173\U0010ffff"]}', modes=MODES)


def astral():
    file = Vectors("astral", "Code points above U+FFFF, raw and as surrogate pairs.")
    file.add_in_modes("emoji", '{"a": "😀👍", "list": ["😀👍"]}', modes=MODES)
    file.add_in_modes("emoji-escaped", r'{"a": "\ud83d\ude00\uD83D\uDC4D", "list": ["\ud83d\uDE00"]}', modes=MODES)
    file.add_in_modes("key", '{"😀": 1, "obj": {"👍": 2}}', modes=MODES)
    file.add_in_modes("joined", '{"a": "👨\u200d👩\u200d👧 ❤️", "list": ["👨\u200d👩\u200d👧 ❤️"]}')
    file.add_in_modes("first", '{"a": "\U00010000", "list": ["\U00010000"]}')
    file.add_in_modes("last", '{"a": "\U0010ffff", "list": ["\U0010ffff"]}')
    file.add_in_modes("last-escaped", r'{"a": "\udbff\udfff", "list": ["\udbff\udfff"]}')
    file.add_in_modes("music", '{"a": "𝄞", "list": ["𝄞", "𝒜"]}')
    file.add_in_modes("ideographs", '{"a": "𠀀𪛖", "list": ["𠀀"]}')
    file.add_in_modes("java", '{"a": "😀", "list": ["😀/~"]}', modes=MODES, encoding="java")


def lone_surrogates():
    file = Vectors("lone-surrogates", "Lone surrogates: no UTF-8 can hold them, so a query with one cannot be sent.")
    spellings = [
        ("high", r"\ud800"), ("low", r"\udc00"), ("last-high", r"\udbff"), ("last-low", r"\udfff"),
        ("upper-case", r"\uD83D"), ("reversed-pair", r"\ude00\ud83d"), ("high-before-pair", r"\ud83d\ud83d\ude00"),
        ("low-after-pair", r"\ud83d\ude00\ude00"), ("two-highs", r"\ud83d\ud83d"), ("before-letter", r"\ud83dx"),
        ("before-escape", r"\ud83d\u0041"), ("before-short-escape", r"\ud83d\n"), ("between-text", r"月\udc00结"),
        ("before-emoji", "\\ud83d😀"),
    ]
    for name, spelling in spellings:
        file.add_in_modes(f"{name}-value", '{"a": "%s"}' % spelling, modes=MODES)
        file.add_in_modes(f"{name}-in-list", '{"list": ["%s"]}' % spelling, modes=["get", "put"])
    file.add_in_modes("key", r'{"\ud800": 1}', modes=MODES)
    file.add_in_modes("nested-key", r'{"obj": {"\ud800": "\udc00"}}', modes=MODES)
    file.add_in_modes("key-order", r'{"\ud800": 1, "\uffff": 2, "\ud800\udc00": 3, "\udfff": 4, "a": 5}', modes=["put"])
    file.add_in_modes("duplicate-key", r'{"\ud800": 1, "\uD800": 2}', modes=["put"])
    for values in ["json", "native"]:
        file.add_in_modes(f"{values}-value", r'{"a": "\ud800"}', modes=MODES, values=values)
        file.add_in_modes(f"{values}-in-list", r'{"list": ["\uD800", "\ud83d\uDE00"]}', modes=MODES, values=values)
    file.add_in_modes("java-value", r'{"a": "\ud800"}', modes=MODES, encoding="java")
    file.add_in_modes("text-form-value", r'{"a": "\ud800"}', modes=MODES, data_as="text")


# --- Objects ---------------------------------------------------------------------------------------------------------


def duplicate_keys():
    file = Vectors("duplicate-keys", "The last of several values wins; a nested key keeps its first place.")
    cases = [
        ("two", '{"a": 1, "a": 2}'), ("three", '{"a": 1, "b": 2, "a": 3, "a": 4}'), ("kinds", '{"a": [1], "a": "x"}'),
        ("null-last", '{"a": 1, "a": null}'), ("spelt-apart", r'{"a": 1, "\u0061": 2}'),
        ("empty-key", '{"": 1, "": 2}'), ("nested", '{"obj": {"a": 1, "b": 2, "a": 3}}'),
        ("nested-order", '{"obj": {"z": 1, "a": 2, "m": 3, "z": 4, "a": 5}}'),
        ("nested-in-list", '{"list": [{"b": 1, "a": 2, "b": 3}]}'),
        ("nested-spelt-apart", r'{"obj": {"\u006b": 1, "j": 2, "k": 3}}'),
        ("objects", '{"o": {"a": 1}, "o": {"b": 2}}'), ("lost-surrogate", r'{"a": "\ud800", "a": "x"}'),
    ]
    for name, raw in cases:
        file.add_in_modes(name, raw)
    for values in ["json", "native"]:
        for name, raw in cases:
            file.add(f"{name}-{values}", raw, mode="post", values=values)


def empty():
    file = Vectors("empty", "Nothing at all, empty keys, empty values.")
    for values in ["python", "json", "native"]:
        file.add_in_modes(f"object-{values}", "{}", modes=MODES, values=values)
    file.add_in_modes("object-java", "{}", modes=MODES, encoding="java")
    file.add_in_modes("object-with-space", "{ \n }", modes=MODES)
    file.add_in_modes("object-in-text", "{}", modes=MODES, data_as="text")
    file.add_in_modes("key", '{"": "v"}', modes=MODES)
    file.add_in_modes("value", '{"k": ""}', modes=MODES)
    file.add_in_modes("key-and-value", '{"": ""}', modes=MODES)
    file.add_in_modes("values", '{"b": "", "a": "", "": ""}', modes=MODES)
    file.add_in_modes("list", '{"list": []}', modes=MODES)
    file.add_in_modes("nested", '{"obj": {}, "list": [[], {}, ""], "deep": {"": {"": []}}}', modes=MODES)


def key_order():
    file = Vectors("key-order", "Keys are sorted by code point, not by locale, length, number or UTF-16 unit.")
    cases = [
        ("letters", '{"b": 1, "a": 2, "c": 3}'), ("case", '{"a": 1, "B": 2, "A": 3, "b": 4, "_": 5}'),
        ("digits", '{"10": 1, "9": 2, "1": 3, "01": 4}'), ("prefixes", '{"ab": 1, "a": 2, "abc": 3, "": 4}'),
        ("separators", '{"a=": 1, "a": 2, "a&": 3, "a-b": 4, "a b": 5, "a~": 6}'),
        ("chinese", '{"乙": 1, "甲": 2, "丙": 3, "a": 4, "é": 5}'),
        ("astral-after-bmp", '{"😀": 1, "\uff5e": 2, "\ue000": 3, "中": 4}'),
        ("composed", '{"\u00e9": 1, "e\u0301": 2, "f": 3}'), ("control", r'{"b": 1, "\u0000": 2, "\t": 3, " ": 4}'),
        ("quotes", r'''{"'": 1, "\"": 2, "\\": 3, "/": 4}'''),
    ]
    for name, raw in cases:
        file.add_in_modes(name, raw)
    for name, raw in cases:
        file.add(f"{name}-nested-native", '{"z": %s, "a": [%s]}' % (raw, raw), values="native")
    many = ", ".join(f'"key{number * 37 % 101}": {number}' for number in range(101))
    file.add_in_modes("many", "{%s}" % many)


def white_space():
    file = Vectors("white-space", "White space in the JSON text, which counts for nothing outside strings.")
    cases = [
        ("none", '{"a":1,"b":[1,2,{"c":3}]}'), ("much", ' { "a" : 1 , "b" : [ 1 , 2 , { "c" : 3 } ] } '),
        ("lines", '{\n  "a": 1,\n  "b": [\n    1,\n    2\n  ]\n}\n'), ("tabs", '{\t"a":\t1,\t"b":\t[\t1\t]\t}'),
        ("windows-lines", '{\r\n"a": 1,\r\n"b": [\r\n1, 2]\r\n}'),
        ("in-strings", '{ "a b" : " x " , "l" : [ " y " ] }'),
        ("in-nested-keys", '{"o": { " k ":  1 , "\u3000" : 2 } }'), ("empties", '{ "a" : [ ] , "b" : { } , "c" : "" }'),
    ]
    for name, raw in cases:
        file.add_in_modes(name, raw)
        file.add(f"{name}-json", raw, mode="post", values="json")
        file.add(f"{name}-native", raw, mode="post", values="native")
        file.add(f"{name}-in-text", raw, data_as="text")


# --- Options ---------------------------------------------------------------------------------------------------------

AS_GIVEN = [
    ("words", '{"t": true, "f": false, "n": null}'),
    ("numbers", '{"a": 1, "b": -0, "c": 1e16, "d": 1E400, "e": 1.10, "f": 0.10, "g": -0.0, "h": 1E+02}'),
    ("numbers-in-list", '{"list": [1, -0, 1e16, 1E400, 1.10, -0.0, 1E+02, 5e-324]}'),
    ("big-integer", '{"n": %s}' % ("1234567890" * 40)),
    ("many-digits", '{"x": 0.1000000000000000055511151231257827021181583404541015625}'),
    ("text", '{"a": "x", "b": "中", "c": "1"}'),
    ("list", '{"list": [ 1, "a", null, [ true ] ]}'),
    ("object", '{"obj": {"z": 1, "a": {"y": 2, "b": 3}}}'),
    ("duplicates", '{"obj": {"z": 1, "a": 2, "z": 3}}'),
    ("escapes", r'{"list": ["\u4e2d", "中", "\/", "/", "\u0041", "\n", "\u000a", "\ud83d\uDE00", "😀"]}'),
    ("escapes-at-top-level", r'{"\u4e2d": "\u6587", "s": "\/\u0041"}'),
    ("quotes", r'''{"list": ["it's", "\"", "\\", "a b ", " , : "], "obj": {" k : ": "{}[],"}}'''),
    ("raw-controls", '{"list": ["\x7f\x85\u2028\ufeff"], "a": "\x7f\x85\u2028\ufeff"}'),
    ("reserved", '{"list": ["&=#+%?/~*"], "a": "&=#+%?/~*"}'),
    ("empties", '{"a": [ ], "b": { }, "c": "", "": [ [ ], { } ]}'),
    ("deep", '{"a": %s{"k": [ 1.50 ]}%s}' % ("[ " * 40, " ]" * 40)),
]


def values_json():
    file = Vectors("values-json", "values=json: what is not text becomes its own compact JSON, as given.")
    for name, raw in AS_GIVEN:
        file.add_in_modes(name, raw, modes=["get", "post", "put"], values="json")
    file.add("delete", AS_GIVEN[1][1], mode="delete", values="json")
    file.add("in-text", AS_GIVEN[6][1], mode="post", values="json", data_as="text")


def values_native():
    file = Vectors("values-native", "values=native: the body keeps kinds and digits; params hold compact JSON.")
    for name, raw in AS_GIVEN:
        file.add_in_modes(name, raw, modes=["get", "post", "put"], values="native")
    file.add("delete", AS_GIVEN[1][1], mode="delete", values="native")
    file.add("in-text", AS_GIVEN[6][1], mode="post", values="native", data_as="text")


def encoding_java():
    file = Vectors("encoding-java", "encoding=java: the signed text encodes / and ~ too; the query stays as it was.")
    cases = [
        ("slash", '{"a": "2020/11/30"}'), ("tilde", '{"a": "~"}'), ("star-and-plus", '{"a": "* + %2A %20"}'),
        ("space", '{"a": "a b  c"}'), ("unreserved", '{"a": "AZaz09-_."}'), ("chinese", '{"备注": "月结 / ~ 完成"}'),
        ("every-kind", '{"t": true, "n": null, "x": 1e16, "list": ["/", "~"], "obj": {"k": "it\'s"}}'),
    ]
    for name, raw in cases:
        file.add_in_modes(name, raw, modes=MODES, encoding="java")
    for values in ["json", "native"]:
        file.add_in_modes(f"every-kind-{values}", cases[-1][1], modes=MODES, values=values, encoding="java")
    high = "".join(chr(code) for code in range(0x80, 0x100))
    every = json.dumps(bytes(range(0x80)).decode() + high)
    file.add_in_modes("every-ascii-and-latin", '{"a": %s}' % every, encoding="java")


def text_form_data():
    file = Vectors("text-form-data", "data_json as a text that holds an object, which Python's json.loads reads.")
    cases = [
        ("simple", '{"procCode": "P001", "pageNum": 1}'),
        ("every-kind", '{"t": true, "f": false, "n": null, "x": 1e16, "l": [1.10], "o": {"k": -0}}'),
        ("escapes", r'{"a": "\u4e2d\n\"\\", "list": ["\ud83d\ude00", "\\"]}'), ("chinese", '{"备注": "月结 ~ 完成"}'),
        ("duplicates", '{"a": 1, "a": 2, "o": {"b": 1, "a": 2, "b": 3}}'), ("big-integer", '{"n": %s}' % ("7" * 50)),
        ("around", ' \r\n\t{"a": 1}\n '), ("raw-controls", '{"a": "\x7f\x85\u2028", "l": ["\x7f\x85\u2028"]}'),
        ("nan", '{"x": NaN}'), ("infinity", '{"x": Infinity}'), ("minus-infinity", '{"x": -Infinity}'),
        ("constants-nested", '{"list": [NaN, Infinity, -Infinity, 1E400], "obj": {"x": NaN}}'),
        ("constants-as-text", '{"a": "NaN", "list": ["Infinity"]}'),
    ]
    for name, raw in cases:
        file.add_in_modes(name, raw, modes=MODES, data_as="text")
    for name, raw in [
        ("list", '[{"a": 1}]'), ("number", "1"), ("cut-short", '{"a": 1'), ("followed", '{"a": 1} x'),
        ("two-objects", "{}{}"), ("single-quotes", "{'a': 1}"), ("trailing-comma", '{"a": 1,}'), ("word", "None"),
    ]:
        file.add(f"refused-{name}", raw, data_as="text", not_an_object=True)


def tokens_and_times():
    file = Vectors("tokens-and-times", "Other tokens, times, paths and spellings of the mode.")
    raw = '{"procCode": "P001", "n": 1}'
    file.add_in_modes("short-token", raw, token="t")
    file.add_in_modes("long-token", raw, token="0123456789abcdef" * 16)
    file.add_in_modes("token-with-every-sign", raw, modes=MODES, token="".join(map(chr, range(0x21, 0x7F))))
    file.add_in_modes("token-with-every-sign-java", raw, token="".join(map(chr, range(0x21, 0x7F))), encoding="java")
    file.add_in_modes("jwt", raw, token="eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl-_w")
    # A key longer than SHA-256's block is hashed first.
    for count in [63, 64, 65]:
        file.add(f"token-of-{count}", raw, token="k" * count)
    for timestamp in [1, 1606694400001, 1700000000000, 4102444800000]:
        file.add(f"time-{timestamp}", raw, timestamp=timestamp)
    for number, rest_type in enumerate(["/", "/oapi/v1/job/3f2b8c1e-5d64", "/a.b/c_d~e"]):
        file.add(f"path-{number}", raw, rest_type=rest_type)
    for mode in ["GET", "Get", "POST", "pOsT", "PUT", "DELETE"]:
        file.add(f"mode-{len(file.names):02}-{mode.lower()}", raw, mode=mode)


# --- Generations -----------------------------------------------------------------------------------------------------

GENERATION_CASES = [
    ("plain", '{"procCode": "P001", "pageNum": 1, "pageSize": 20}'),
    ("nothing", "{}"),
    ("chinese", '{"备注": "月结 2020/11/30 ~ 完成", "robotNo": "Administrator@0A1B2C3D4E5F"}'),
    ("every-kind", '{"t": true, "f": false, "n": null, "x": 1e16, "y": 1.10, "list": ["/", "~", 1], "obj": {"k": "it\'s", "b": [ ]}}'),
    ("reserved", '{"&=#+%": "&=#+%?/~*!\'()", "": " "}'),
    ("escapes", r'{"a": "\u4e2d\n\"\\", "list": ["\ud83d\ude00", "😀"]}'),
    ("order", '{"b": {"z": 1, "a": 2}, "a": 1, "B": 2, "_": 3}'),
    ("duplicates", '{"a": 1, "a": 2, "o": {"b": 1, "a": 2, "b": 3}}'),
]


def generation_2020_5():
    file = Vectors("generation-2020-5", "Generation 2020.5: as 2020.4, the encoding being java unless it is chosen.")
    for name, raw in GENERATION_CASES:
        file.add_in_modes(name, raw, modes=MODES, values=None, encoding=None, generation="2020.5")
    for encoding in ["python", "java"]:
        file.add_in_modes(f"chosen-{encoding}", GENERATION_CASES[2][1], values="json", encoding=encoding, generation="2020.5")


def generation_10_3():
    file = Vectors("generation-10-3", "Generation 10.3: an appkey, params in the query, compact JSON in a put.")
    for name, raw in GENERATION_CASES:
        file.add_in_modes(name, raw, modes=MODES, values=None, encoding=None, generation="10.3")
    for values in ["python", "json", "native"]:
        for encoding in ["python", "java"]:
            options = {"values": values, "encoding": encoding, "generation": "10.3"}
            file.add_in_modes(f"chosen-{values}-{encoding}", GENERATION_CASES[3][1], modes=MODES, **options)
    file.add_in_modes("appkey-with-every-sign", '{"a": 1}', token="".join(map(chr, range(0x21, 0x7F))), values=None, encoding=None, generation="10.3")


def generation_9():
    file = Vectors("generation-9", "Generation 9: the vendor's known answer, and others.")
    usual = {"mode": "post", "values": None, "encoding": None, "token": "", "generation": "9"}
    file.add(
        "known-answer",
        '{"proc_code": ""}',
        **{**usual, "timestamp": 1361431471000},
        action="get-process",
        signature="MDJkMWEyZTY2MWZhY2ZmNWE3OTQwNmQ0ZWMwYzNlZDE1YWNjZjY3MGI0MjM1NjZmMmMzYjIyZDY5Y2Y5OGYxYg==",
    )
    for name, raw in GENERATION_CASES:
        file.add(name, raw, **usual, action="start-job")
    for values in ["python", "json", "native"]:
        for encoding in ["python", "java"]:
            options = {**usual, "values": values, "encoding": encoding}
            file.add(f"chosen-{values}-{encoding}", GENERATION_CASES[3][1], **options, action="set-var")
    file.add("token", '{"a": 1}', **{**usual, "token": TOKEN}, action="get-vars")
    file.add("half-of-a-pair", r'{"a": "\ud800"}', **usual, action="get-vars")
    file.add("odd-action", '{"a": 1}', **usual, action="a&param=b")
    file.add("within-a-second", '{"a": 1}', **{**usual, "timestamp": 1606694400999}, action="get-jobs")


def random_generations():
    for generation, count in [("2020.5", 40), ("10.3", 60), ("9", 60)]:
        name = f"random-generation-{generation.replace('.', '-')}"
        file = Vectors(name, f"Random parameters, generation {generation}.")
        chance = Chance(name)
        for number in range(count):
            raw = spell_object(chance, lambda: spell_value(chance, 3))
            options = {"mode": "post", "token": ""} if generation == "9" else {"mode": chance.pick(MODES)}
            try:
                file.add(
                    f"random-{number:03}",
                    raw,
                    values=chance.pick([None, None, "python", "json", "native"]),
                    encoding=chance.pick([None, None, "python", "java"]),
                    generation=generation,
                    action="get-process" if generation == "9" else None,
                    **options,
                )
            except UnicodeEncodeError:
                # Half of a pair at the top: 2020.4's vectors have such.
                file.names.discard(f"random-{number:03}")


# --- Random ----------------------------------------------------------------------------------------------------------

ALPHABETS = [
    [(0x20, 0x7E)],
    [(0x61, 0x7A)],
    [(0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E)],
    [(0x22, 0x22), (0x27, 0x27), (0x5C, 0x5C), (0x61, 0x63)],
    [(0xA1, 0xFF), (0x3B1, 0x3C9), (0x410, 0x44F)],
    [(0x5D0, 0x5EA), (0x627, 0x63A), (0xE01, 0xE3A), (0x300, 0x36F)],
    [(0x4E00, 0x9FA5)],
    [(0x3041, 0x3096), (0xAC00, 0xD7A3), (0xFF01, 0xFF5E)],
    [(0x1F300, 0x1F5FF), (0x20000, 0x2A6D6), (0x1D400, 0x1D454)],
    [(0x00, 0x1F), (0x7F, 0x9F)],
    [(0xA0, 0xA0), (0x2000, 0x200F), (0x2028, 0x202F), (0x2060, 0x2064), (0x3000, 0x3000), (0xFEFF, 0xFEFF)],
    [(0xE000, 0xF8FF), (0xFDD0, 0xFDEF), (0xFFFE, 0xFFFF), (0xE0020, 0xE007F), (0xF0000, 0x10FFFF)],
]
SURROGATES = [(0xD800, 0xDFFF)]
SHORT_ESCAPES = {'"': r"\"", "\\": r"\\", "/": r"\/", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t"}


def spell_char(chance, char):
    code = ord(char)
    must = code < 0x20 or char in '"\\' or 0xD800 <= code < 0xE000
    if not must and not chance.one_in(6):
        return char
    if char in SHORT_ESCAPES and not chance.one_in(3):
        return SHORT_ESCAPES[char]
    units = [code] if code < 0x10000 else [0xD7C0 + (code >> 10), 0xDC00 + code % 0x400]
    form = chance.pick(["\\u%04x", "\\u%04x", "\\u%04X"])
    return "".join(form % unit for unit in units)


def spell_text(chance, surrogates):
    """A random JSON string, mixed from a few alphabets."""
    alphabets = [chance.pick(ALPHABETS) for _ in range(chance.between(1, 3))]
    spelt = ""
    for _ in range(chance.pick([0, 1, 1, 2, 3, 5, 8, 12, 20])):
        low, high = chance.pick(SURROGATES if surrogates and chance.one_in(12) else chance.pick(alphabets))
        spelt += spell_char(chance, chr(chance.between(low, high)))
    return '"' + spelt + '"'


def space(chance):
    return chance.pick(["", "", "", "", " ", " ", "\n", "\t", "\r\n", "   "])


def spaced(chance, spelt):
    return space(chance) + spelt + space(chance)


def spell_value(chance, depth):
    kind = chance.below(9 if depth > 0 else 7)
    if kind <= 1:
        return spell_text(chance, surrogates=True)
    if kind == 2:
        return chance.pick(["true", "false", "null", "0", "-0", "-0.0", "1e16", "1E400", "1.10"])
    if kind == 3:
        return chance.pick(["", "-"]) + chance.digits(chance.pick([1, 2, 4, 10, 19, 20, 40]))
    if kind <= 5:
        return spell_float(chance)
    if kind == 6:
        return chance.pick(["true", "false", "null"])
    items = [spaced(chance, spell_value(chance, depth - 1)) for _ in range(chance.below(5))]
    if kind == 7:
        return "[" + (",".join(items) or space(chance)) + "]"
    keys = [spaced(chance, spell_text(chance, surrogates=True)) for _ in items]
    if len(keys) > 2 and chance.one_in(3):
        keys[-1] = keys[0]
    return "{" + (",".join(map(":".join, zip(keys, items))) or space(chance)) + "}"


def spell_object(chance, value):
    fields = []
    for _ in range(chance.between(1, 6)):
        # Now and then a lone surrogate at the top, where a query cannot hold it.
        key = spell_text(chance, surrogates=chance.one_in(80))
        fields.append(spaced(chance, key) + ":" + spaced(chance, value()))
    return "{" + ",".join(fields) + "}"


def random_cases():
    for name, about, count, values in [
        ("random-python", "Random parameters, values=python.", 120, "python"),
        ("random-json", "Random parameters, values=json.", 50, "json"),
        ("random-native", "Random parameters, values=native.", 60, "native"),
        ("random-text", "Random texts from every alphabet, keys and values.", 60, "python"),
        ("random-nested", "Random lists and objects, values=python.", 60, "python"),
    ]:
        file = Vectors(name, about)
        chance = Chance(name)

        def value():
            if name == "random-text" or (name != "random-nested" and chance.one_in(4)):
                return spell_text(chance, surrogates=chance.one_in(60))
            spelt = spell_value(chance, 3)
            while spelt[0] == '"' or (name == "random-nested" and spelt[0] not in "[{"):
                spelt = spell_value(chance, 3)
            return spelt

        for number in range(count):
            file.add(
                f"random-{number:03}",
                spell_object(chance, value),
                mode=chance.pick(MODES),
                values=values,
                encoding=chance.pick(["python", "python", "python", "java"]),
                data_as=chance.pick(["object", "object", "text"]),
            )


def main():
    if sys.version_info < (3, 8):
        sys.exit("generate.py needs Python 3.8 or later")
    known_answers()
    integers()
    big_integers()
    floats()
    floats_shortest_ties()
    floats_halfway()
    random_floats()
    true_false_null()
    text_plain()
    text_chinese()
    text_other_scripts()
    text_reserved_characters()
    control_characters()
    escapes()
    nested_lists()
    nested_objects()
    repr_quotes_and_backslashes()
    repr_non_printable()
    astral()
    lone_surrogates()
    duplicate_keys()
    empty()
    key_order()
    white_space()
    values_json()
    values_native()
    encoding_java()
    text_form_data()
    tokens_and_times()
    generation_2020_5()
    generation_10_3()
    generation_9()
    random_cases()
    random_generations()

    if sys.argv[1:] == ["--check"]:
        wrong = []
        for file in ALL:
            path = HERE / f"{file.name}.txt"
            if not path.exists():
                wrong.append(f"{path.name} is missing")
            elif path.read_text(encoding="utf-8") != file.text():
                wrong.append(f"{path.name} differs from what generate.py writes")
        made = {file.name for file in ALL}
        for path in sorted(HERE.glob("*.txt")):
            if path.stem not in made:
                wrong.append(f"{path.name} is not made by generate.py")
        if wrong:
            sys.exit("\n".join(wrong))
        print(f"{len(ALL)} files are as generate.py writes them")
    elif not sys.argv[1:]:
        for file in ALL:
            (HERE / f"{file.name}.txt").write_bytes(file.text().encode("utf-8"))
            print(f"{file.name}.txt: {len(file.names)} cases")
        print(f"{sum(len(file.names) for file in ALL)} cases in {len(ALL)} files")
    else:
        sys.exit("usage: generate.py [--check]")


if __name__ == "__main__":
    main()
