# -*- coding: utf-8 -*-
"""A robot script as the designer generates it: the global functions lie beside it, and are loaded by path.

    python.exe 月结.py <base URL> <port>

It is run from a folder whose name holds Chinese characters and a space, against the emulator of the control center. The
exit status is 0 only if everything is as it should be.
"""

import _thread
import datetime
import decimal
import importlib.util
import os
import sys
import threading
import time

_folder = os.path.dirname(os.path.abspath(__file__))
_spec = importlib.util.spec_from_file_location('GlobalFun', os.path.join(_folder, 'GlobalFun.py'))
GlobalFun = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(GlobalFun)


class Flow:
    def __init__(self, host, port):
        self.host = host
        self.port = port
        self.access_token = None
        self.refresh_token = None

    def rest(self, rest_type, data_json, mode):
        return GlobalFun.rpa_rest_2020_4(host=self.host, rest_type=rest_type, data_json=data_json, mode=mode,
                                         port=self.port, accesstoken=self.access_token)

    def step_1_get_token(self):
        reply = GlobalFun.get_token(host=self.host, port=self.port, accesskey='demo-access-key',
                                    secretkey='demo-secret-key')
        assert reply['code'] == 0, ascii(reply)
        self.access_token = reply['result']['accessToken']
        self.refresh_token = reply['result']['refreshToken']

    def step_2_start_job(self):
        data = {
            'procCode': 'P001',
            'robotNo': 'Administrator@0A1B2C3D4E5F',
            '备注': '月结 2020/11/30 ~ 完成 & 100% + #1 😀',
            'rows': ['张三', 1, None, True],
            'day': datetime.date(2020, 11, 30),
            'amount': decimal.Decimal('12.50'),
        }
        before = repr(data)
        reply = self.rest('/oapi/v1/job/create', data, 'post')
        assert reply['code'] == 0, ascii(reply)
        assert repr(data) == before, 'the dict of the flow was changed'
        job = self.rest('/oapi/v1/job/get', {'jobNo': reply['result']['jobNo']}, 'get')
        wanted = {
            '备注': '月结 2020/11/30 ~ 完成 & 100% + #1 😀',
            'rows': "['张三', 1, None, True]",
            'day': '2020-11-30',
            'amount': '12.50',
        }
        assert job['code'] == 0 and job['result']['params'] == wanted, ascii(job)

    def step_3_refresh_token(self):
        reply = GlobalFun.refresh_token(host=self.host, port=self.port, refleshtoken=self.refresh_token)
        assert reply['code'] == 0, ascii(reply)
        assert reply['result']['accessToken'] != self.access_token, 'the same token once more'
        self.access_token = reply['result']['accessToken']
        echo = self.rest('/oapi/v1/echo', {'备注': '完成'}, 'PUT')
        assert echo['code'] == 0, ascii(echo)

    def step_4_a_mistake(self):
        reply = self.rest('/oapi/v1/echo', None, 'patch')
        assert (reply['code'], reply['msg'][:12]) == (42, 'fail,mode错误,'), ascii(reply)
        reply = GlobalFun.get_token(host='http://127.0.0.1:1')
        assert reply['error']['delivered'] == 'no' and reply['error']['detail'].isascii(), ascii(reply)

    def step_5_by_keys(self):
        GlobalFun.RPA_HOST = '%s:%s' % (self.host, self.port)
        GlobalFun.RPA_ACCESSKEY = 'demo-access-key'
        GlobalFun.RPA_SECRETKEY = 'demo-secret-key'
        for _ in range(2):
            reply = GlobalFun.rpa_api('/oapi/v1/echo', {'备注': '完成'}, 'post')
            assert reply['code'] == 0, ascii(reply)
        folder = os.path.join(os.environ['LOCALAPPDATA'], 'rpa_openapi')
        assert os.path.getsize(os.path.join(folder, 'token.json')) > 100, os.listdir(folder)
        assert not os.path.exists(os.path.join(folder, 'token.json.new')), os.listdir(folder)

    def step_6_interrupted(self):
        begun = time.time()
        threading.Timer(0.3, _thread.interrupt_main).start()
        try:
            reply = self.rest('/oapi/v1/reply', {'delayMillis': 20000, 'body': '1'}, 'post')
            raise AssertionError(ascii(reply))
        except KeyboardInterrupt:
            assert time.time() - begun < 15, time.time() - begun
        assert self.rest('/oapi/v1/echo', {}, 'get')['code'] == 0


def main(host, port):
    assert any(ord(character) > 127 for character in _folder) and ' ' in _folder, ascii(_folder)
    flow = Flow(host, port)
    flow.step_1_get_token()
    flow.step_2_start_job()
    flow.step_3_refresh_token()
    flow.step_4_a_mistake()
    flow.step_5_by_keys()
    flow.step_6_interrupted()
    print('robot: all as it should be, Python %s' % sys.version.split()[0])


if __name__ == '__main__':
    main(*sys.argv[1:])
