# -*- coding: utf-8 -*-
"""The DLL beside this file under Windows' own Python, by ctypes alone: tokens, and a job with Chinese parameters.

    python.exe host.py <base URL> <SHA-256 fingerprint of the server's certificate> <version>

The server is the emulator of the control center. The exit status is 0 only if everything is as it should be.
"""

import ctypes
import json
import os
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
CHINESE = {'note': '月结 2020/11/30 ~ 完成 & 100% + #1 😀', '备注': '《合同》第1页\n第2页', 'folder': 'C:\\机器人 脚本\\'}


def load():
    library = ctypes.CDLL(os.path.join(FOLDER, 'rpa_openapi.dll'))
    for name in ('rpa_get_token', 'rpa_refresh_token', 'rpa_call', 'rpa_sign'):
        function = getattr(library, name)
        function.argtypes = [ctypes.c_char_p]
        function.restype = ctypes.c_void_p  # as c_char_p the pointer would be lost, and could not be freed
    library.rpa_free.argtypes = [ctypes.c_void_p]
    library.rpa_free.restype = None
    library.rpa_version.argtypes = []
    library.rpa_version.restype = ctypes.c_char_p
    return library


def main(base, fingerprint, version):
    library = load()

    def ask(function, **fields):
        request = dict(fields, host=base, tls={'pin_sha256': fingerprint}, proxy=None)
        # Chinese characters go in as UTF-8, and not as \uXXXX.
        text = json.dumps(request, ensure_ascii=False).encode('utf-8')
        reply = getattr(library, function)(text)
        try:
            return json.loads(ctypes.string_at(reply).decode('utf-8'))
        finally:
            library.rpa_free(reply)

    def call(mode, path, **data):
        reply = ask('rpa_call', accesstoken=token, mode=mode, rest_type=path, data_json=data)
        assert reply['code'] == 0, ascii(reply)
        return reply['result']

    assert os.name == 'nt' and any(ord(character) > 127 for character in FOLDER), ascii(FOLDER)
    assert library.rpa_version().decode() == version, library.rpa_version()

    reply = ask('rpa_get_token', accesskey='demo-access-key', secretkey='demo-secret-key')
    assert reply['code'] == 0, ascii(reply)
    token = reply['result']['accessToken']
    job = call('post', '/oapi/v1/job/create', procCode='P001', robotNo='Administrator@0A1B2C3D4E5F', **CHINESE)
    found = call('get', '/oapi/v1/job/get', jobNo=job['jobNo'])
    assert found['params'] == CHINESE, ascii(found)
    # In a query, too.
    echo = call('get', '/oapi/v1/echo', **CHINESE)
    assert dict(echo['query']) == CHINESE, ascii(echo)

    refused = ask('rpa_call', accesstoken=token, mode='patch', rest_type='/oapi/v1/echo')
    assert (refused['code'], refused['msg'][:12]) == (42, 'fail,mode错误,'), ascii(refused)

    wrong = dict(host=base, tls={'pin_sha256': '00' * 32}, proxy=None, accesskey='a', secretkey='b')
    untrusted = json.loads(ctypes.string_at(library.rpa_get_token(json.dumps(wrong).encode())).decode('utf-8'))
    assert untrusted['error']['kind'] == 'tls' and '证书指纹不符' in untrusted['msg'], ascii(untrusted)
    print('host: all as it should be, Python %s, version %s' % (sys.version.split()[0], version))


if __name__ == '__main__':
    main(*sys.argv[1:])
