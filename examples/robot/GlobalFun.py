# -*- coding: utf-8 -*-
"""机器人的全局函数:通过rpa_openapi动态库调用控制中心的API。

用法:把本文件和rpa_openapi.dll放到机器人脚本所在的文件夹。

新的流程用rpa_api,一行就是一次调用。控制中心的地址和密钥填在下面的设置里,token由动态库取得、保存和更换:

    GlobalFun.rpa_api('/oapi/v1/job/create', {'procCode': 'P001', 'robotNo': 'Administrator@0A1B2C3D4E5F'}, 'post')

已有的流程不用修改。下面三个函数的名称、参数、默认值和返回值与流程现在调用的相同:

    GlobalFun.get_token(host, port, accesskey, secretkey)
    GlobalFun.refresh_token(host, port, refleshtoken)
    GlobalFun.rpa_rest_2020_4(host, rest_type, data_json, mode, port, accesstoken)

返回值是dict:控制中心有JSON应答时就是它的应答,否则是{"code": 40, "msg": "fail,……", "result": None, "error": {……}},
code和msg的开头与原来相同,msg后面多了原因和办法。不是控制中心自己的应答,就一定有"error",不论是网络、证书、参数、设置还是DLL的问题:

    kind         哪一类失败,如'connect'、'tls'、'argument'
    detail       英文说明,便于记日志和搜索
    field        有误的参数,没有时为None
    http_status  HTTP状态码,没有时为None
    attempts     尝试了几次
    delivered    控制中心是否可能已经收到请求:'no'没有收到,可以放心重新调用;'unknown'可能已收到;'yes'已收到
    elapsed_ms   用了多少毫秒
    hint         下一步怎么做;还有id(这次调用的编号,日志里也有)、time、target、peer、proxy、phase、ms等,见动态库的说明

出错时先做这一步,不改变控制中心的任何东西,打印一段可以直接发给同事的文字,其中没有密钥:

    GlobalFun.rpa_diagnose()

启动任务并等到它结束,也是一行,见rpa_run;把分页的结果合在一起,见rpa_pages。

调用成功但有问题的(如时钟不准、token保存不了、证书快要到期),用Python的warnings和名为rpa_openapi的logging告诉您,不影响返回值。
失败的调用记在用户自己文件夹的日志里,见设置RPA_LOG。

这些函数都不会抛出异常,只有一个例外:等待时按Ctrl+C,马上得到KeyboardInterrupt。这时调用还在后台继续,直到它自己结束
或进程退出;控制中心可能已经收到请求,post请先查询,不要直接重新调用。

需要Python 3.6或更高版本,32位、64位都可以,不需要安装别的库。DLL的位数必须与机器人的Python相同。两种DLL要放在一起时,
命名为rpa_openapi_x64.dll和rpa_openapi_x86.dll,或分别放进x64和x86文件夹。

项目中已有GlobalFun.py的,把本文件的全部内容粘贴到它的末尾即可:除get_token和refresh_token以外,这里的名称都以RPA_、rpa_或_rpa_开头。
"""

import base64
import ctypes
import difflib
import json
import logging
import os
import queue
import re
import struct
import sys
import threading
import time
import warnings

# ======================================== 设置(按需要修改) ========================================
#
# 每一项都可以写在文件rpa_openapi.json里,各个项目就不必各写一份,如{"RPA_HOST": "https://10.0.0.5", "RPA_SECRETKEY": "……"}。
# 先看这里:与默认值不同的,以这里的为准;再看本文件旁边的rpa_openapi.json;最后看%PROGRAMDATA%\isrpa_openapi\rpa_openapi.json
# (Linux上是/etc/isrpa_openapi/rpa_openapi.json)。密钥可以写成{"dpapi": "……"},由Windows加密,用
# python isrpa_openapi.py protect得到。

# 只有rpa_api用到的设置:控制中心的地址(如'https://10.0.0.5',端口不是443的写成'https://10.0.0.5:8443'),和它给的密钥。
# 不想把密钥写在这里的,可以从别处读取,如os.environ.get('RPA_SECRETKEY', '')。
RPA_HOST = ''
RPA_ACCESSKEY = ''
RPA_SECRETKEY = ''

# 控制中心是哪一代的:'2020.4';'2020.5'(2021.1也是);'10.3'只用一个RPA_APPKEY,没有上面的两个密钥;'9'(9及以前)没有密钥,
# 这时rpa_api的rest_type是动作的名称,如'get-process'。
RPA_GENERATION = '2020.4'
RPA_APPKEY = ''

# 只有rpa_api用到的设置:token保存在哪里,谁与谁共用。机器人每次运行都是新的进程,只保存在内存中就要每次重新取token。
# 'file'    一个文件,由本机上同一个用户的所有机器人共用,在该用户自己的文件夹里。内容是加密的
# 'memory'  只在这个进程的内存中
# 路径      另外指定这个文件,如r'D:\rpa\token.json',例如几个Windows用户的机器人要共用token时;相对路径从本文件所在的文件夹算起
# 'redis://用户:密码@主机:6379/0'(TLS用rediss://)  所有机器共用,只用密码的写成'redis://:密码@主机:6379/0'
# 有的控制中心每发一个新token,就使前一个失效。所以用同一个accesskey的要共用一处;别处(如用get_token的流程)请用另一个accesskey。
RPA_TOKEN_STORE = 'file'

# 只有rpa_api用到的设置:控制中心取token的应答没有写明有效期,而您知道的,在这里填写,单位毫秒。0表示不填:token被拒绝时更换。
RPA_TOKEN_TTL_MS = 0

# 只有rpa_api用到的设置:怎样看出控制中心拒绝了token。None按常见的:HTTP状态401,或code为401,或code不为0而msg中有token或令牌。
# 控制中心的应答与此不同的,在这里写明,如{'code': [10012]}或{'msg': ['登录失效']};没有写明的那一项仍按常见的。
RPA_TOKEN_REFUSED = None

# 只有rpa_api用到的设置:本机时钟与控制中心不同时,是否按控制中心的时钟修正时间戳。
RPA_CORRECT_CLOCK = True

# 控制中心的证书是自签名的、过期的或名称不符的,把它的SHA-256指纹填在这里(64位十六进制,可以带冒号):只接受这一张证书。
# 证书快要更换时,新旧两个指纹都填上,如['旧的指纹', '新的指纹']。
# 不知道指纹时可以先不填:调用失败后,返回值的msg里写有控制中心证书的指纹。请与管理员核对后再填。
RPA_CERT_SHA256 = ''

# 控制中心的证书由公司自己的CA签发的,把CA证书(PEM文件)的文件名填在这里,相对路径从本文件所在的文件夹算起。
# 路径中的反斜杠要写两个,或在引号前写r,如r'D:\rpa\ca.pem'。
RPA_CA_FILE = ''

# 是否检查控制中心的证书。警告:改成False后,任何人都可以冒充控制中心并取走密钥和token,只可在测试时短暂使用。
RPA_VERIFY = True

# 代理:'system'按系统设置;'none'不用代理;或代理的地址,如'http://10.0.0.1:3128'、'http://用户:密码@10.0.0.1:3128'。
RPA_PROXY = 'system'

# 时间限制,单位毫秒:一次调用(包括全部重试)的时间,和建立一个连接的时间,都是1到600000。
RPA_TIMEOUT_MS = 30000
RPA_CONNECT_TIMEOUT_MS = 10000

# 'safe':post请求可能已被控制中心收到的,不再发送第二次,以免同一个任务启动两次。
# 'always':任何失败都重试,post也一样,与原来的全局函数相同。
RPA_RETRY_MODE = 'safe'

# 签名时的百分号编码:'auto'自动:先按'python',与原来的全局函数相同;含有/或~而签名被拒时再按'java',并记住哪一种可用。
# 也可以固定为'python'或'java'。
RPA_ENCODING = 'auto'

# 怎样看出控制中心拒绝了签名,写法与RPA_TOKEN_REFUSED相同。None按常见的:code不为0而msg中有sign、签名或验签。
RPA_SIGNATURE_REFUSED = None

# post的参数写在哪里:'params'在网址和请求体里各写一份,与原来的全局函数相同;'none'只写在请求体里。
# 参数很长(控制中心返回HTTP 414)或不应出现在访问日志里时,改成'none'。
RPA_QUERY = 'params'

# 控制中心以空内容表示成功(如删除后返回HTTP 204)的,改成True:这时返回{"code": 0, "msg": "success", "result": None}。
RPA_EMPTY_OK = False

# rpa_run启动任务后怎样等到它结束:问哪个接口,带什么参数(可以取自启动任务的应答),哪个值表示结束了,哪个值表示失败。
# 默认值与随附的模拟控制中心一致。厂商没有公布这些名称,第一次使用前请在浏览器中打开 控制中心的地址/doc.html 核对。
RPA_WAIT = {'rest_type': '/oapi/v1/job/get', 'data_json': {'jobNo': {'pointer': '/result/jobNo'}}, 'until': [{'pointer': '/result/status', 'in': ['finished', 'success']}], 'fail': [{'pointer': '/result/status', 'in': ['stopped', 'failed']}], 'every_ms': 2000, 'timeout_ms': 3600000}

# rpa_pages用到的设置:页码和每页条数的参数叫什么,条目和总数在应答的哪里。写成列表的,取其中第一个有的;总数都没有的,取到不满的一页为止。
RPA_PAGES = {'page': 'pageNum', 'size': 'pageSize', 'items': ['/result/rows', '/result/list', '/result/records', '/result/data', '/result'], 'total': ['/result/total', '/total']}

# 日志:'warn'只记录失败的调用和警告;'info'记录每一次调用;'debug'还有每一次尝试;'error'只有失败的调用;'none'不要日志。
# 其中没有密钥、token、签名和参数。写在用户自己的文件夹(%LOCALAPPDATA%\rpa_openapi\log,Linux上是~/.local/state/rpa_openapi/log),
# 每天一个文件,保留14天;要写到别处的,填写RPA_LOG_FOLDER。日志写不了时不影响调用。
# 环境变量RPA_OPENAPI_LOG指定了文件夹而这两项没有修改的,按环境变量;修改了的(改成'none'也是),以这里的为准。
RPA_LOG = 'warn'
RPA_LOG_FOLDER = ''

# 动态库的其他字段,见它的说明,如{'headers': {'X-Gateway': 'a'}, 'max_response_bytes': 104857600, 'retry': 3}。
RPA_OPTIONS = {}

# ======================================== 流程调用的函数 ========================================


def rpa_api(rest_type, data_json=None, mode='get', **fields):
    """调用控制中心的一个API,地址、密钥和token的保存都按上面的设置。

    rest_type   API的路径,如'/oapi/v1/job/create'
    data_json   API的参数:dict,或内容为JSON对象的文本;没有参数时可以不给。不会被修改
    mode        get、post、put或delete,大小写都可以
    fields      动态库的其他字段,只对这一次有效:timeout_ms=60000;files={'file': '报表.xlsx'}上传文件;save_to='结果.xlsx'保存下载的
                文件。相对路径从本文件所在的文件夹算起
    """
    return _rpa_by_keys(rest_type, data_json, mode, fields)


def rpa_run(rest_type=None, data_json=None, wait=None, mode='post', **fields):
    """启动任务,并等到它结束。启动的请求只发一次;等待时断线不算失败,接着等。

    wait        怎样等,写法见设置RPA_WAIT;没有给的按设置RPA_WAIT

    返回值的result中,started是启动的应答,reply是最后一次查询的应答。失败时error['part']是'start'(没有启动成)或'wait'(已经启动,
    没有等到结束);这时用rpa_run(resume=reply['error']['resume'])接着等,不会再启动一次,换一个进程也可以。
    """
    def more(settings):
        if fields.get('resume'):
            # 问什么、等到什么都在resume里;另外给出的wait代替其中的,设置里的只有时间算数。
            if wait is not None:
                return {'wait': _rpa_dict('wait', 'wait', wait)}
            given = settings.get('RPA_WAIT')
            given = given if isinstance(given, dict) else {}
            return {'wait': {name: given[name] for name in ('every_ms', 'timeout_ms') if name in given}}
        name, how = ('wait', wait) if wait is not None else ('RPA_WAIT', settings.get('RPA_WAIT'))
        if not how:
            raise _RpaFailure('请填写设置RPA_WAIT,或在调用时给出wait:怎样看出任务结束了', 'fill in `RPA_WAIT`, or give `wait`: '
                              'how to see that the work is done', field='wait', begin=_RPA_WRONG_SETTINGS)
        return {'wait': _rpa_dict('wait', name, how)}
    return _rpa_by_keys(rest_type, data_json, mode, fields, more, ['wait'] if wait is not None else [])


def rpa_pages(rest_type, data_json=None, mode='get', pages=None, **fields):
    """取得全部各页,合在一个应答里:它是第一页的应答,其中的列表是所有页的条目。

    pages       各个名称,写法见设置RPA_PAGES;没有给的按设置RPA_PAGES
    """
    def more(settings):
        name, how = ('pages', pages) if pages is not None else ('RPA_PAGES', settings.get('RPA_PAGES'))
        return {'pages': _rpa_dict('pages', name, how)}
    return _rpa_by_keys(rest_type, data_json, mode, fields, more, ['pages'] if pages is not None else [])


def rpa_diagnose(rest_type=None, data_json=None, host=None, get_token=False):
    """检查从本机到控制中心的每一步,打印并返回一段中文,第一行说哪里有问题、要改什么、该由谁处理。可以直接发给同事,其中没有密钥。

    不启动任何任务,也不改变控制中心的任何东西。

    rest_type   另外用这个API做一次带签名的get,看签名是否正确
    data_json   它的参数
    host        没有填写设置RPA_HOST的(如只用get_token的流程),在这里给出控制中心的地址
    get_token   True:允许取一个token。有的控制中心每发一个新token,就使前一个失效
    """
    try:
        chinese, english = _rpa_diagnosis(rest_type, data_json, host, get_token)
    except Exception as error:
        failure = _rpa_program_error(error, 'unknown')
        chinese, english = '诊断没有完成:' + failure.cause, failure.error['detail']
    _rpa_print(chinese, english)
    return chinese


def rpa_rest_2020_4(host='', rest_type='', data_json=None, mode='', port=443, accesstoken=None, retry=2):
    """调用控制中心的一个API。

    host        控制中心的地址,如'https://10.0.0.5'或'https://10.0.0.5:8443'
    rest_type   API的路径,如'/oapi/v1/job/create'
    data_json   API的参数:dict,或内容为JSON对象的文本;没有参数时可以不给。不会被修改
    mode        get、put、post或delete,大小写都可以
    port        端口,数字或文本;443、空文本和None表示没有另给端口,以host中的为准
    accesstoken get_token返回的token
    retry       一共尝试几次,1到10
    """
    def fields(settings):
        request = _rpa_call(settings, rest_type, data_json, mode)
        request['accesstoken'] = _rpa_text(accesstoken)
        return request
    return _rpa_answer('rpa_call', host, port, retry, fields)


def get_token(host='', port='', accesskey='', secretkey='', retry=2):
    """用accesskey和secretkey取得token。"""
    def fields(_):
        return {'accesskey': _rpa_text(accesskey), 'secretkey': _rpa_text(secretkey)}
    return _rpa_answer('rpa_get_token', host, port, retry, fields)


def refresh_token(host='', port='', refleshtoken='', retry=2):
    """用refresh token换取新的token。"""
    def fields(_):
        return {'refleshtoken': _rpa_text(refleshtoken)}
    return _rpa_answer('rpa_refresh_token', host, port, retry, fields)


# ======================================== 以下不需要修改 ========================================

# 意外情况下的code和msg的开头。
_RPA_UNEXPECTED = {
    'rpa_call': (40, 'fail,意外情况:'),
    'rpa_get_token': (44, 'fail,获取token失败:'),
    'rpa_refresh_token': (44, 'fail,刷新token失败:'),
}
_RPA_WRONG_PARAMETERS = 'fail,转换URL参数失败!'
_RPA_WRONG_SETTINGS = 'fail,GlobalFun.py的设置有误!'

# 动态库的字段在这里叫什么。它的报错说的是字段,而读者能改的是设置。
_RPA_SETTINGS = {
    'generation': 'RPA_GENERATION',
    'signature_refused': 'RPA_SIGNATURE_REFUSED',
    'log': 'RPA_LOG',
    'log.level': 'RPA_LOG',
    'log.folder': 'RPA_LOG_FOLDER',
    'tls.pin_sha256': 'RPA_CERT_SHA256',
    'tls.ca_file': 'RPA_CA_FILE',
    'tls.verify': 'RPA_VERIFY',
    'proxy': 'RPA_PROXY',
    'timeout_ms': 'RPA_TIMEOUT_MS',
    'connect_timeout_ms': 'RPA_CONNECT_TIMEOUT_MS',
    'retry_mode': 'RPA_RETRY_MODE',
    'encoding': 'RPA_ENCODING',
    'query': 'RPA_QUERY',
    'empty_ok': 'RPA_EMPTY_OK',
    'headers': "RPA_OPTIONS['headers']",
    'keep_alive_ms': "RPA_OPTIONS['keep_alive_ms']",
    'max_response_bytes': "RPA_OPTIONS['max_response_bytes']",
}
# 对rpa_api来说,这些也是设置;对另外三个函数来说,它们是参数。
_RPA_SETTINGS_OF_API = dict(_RPA_SETTINGS, **{
    'host': 'RPA_HOST',
    'accesskey': 'RPA_ACCESSKEY',
    'secretkey': 'RPA_SECRETKEY',
    'appkey': 'RPA_APPKEY',
    'token_store': 'RPA_TOKEN_STORE',
    'token_ttl_ms': 'RPA_TOKEN_TTL_MS',
    'token_refused': 'RPA_TOKEN_REFUSED',
    'correct_clock': 'RPA_CORRECT_CLOCK',
    'wait': 'RPA_WAIT',
    'pages': 'RPA_PAGES',
})
# 上面各项设置的默认值:与它不同的,是这个项目自己的。
_RPA_DEFAULTS = {
    'RPA_HOST': '', 'RPA_ACCESSKEY': '', 'RPA_SECRETKEY': '', 'RPA_GENERATION': '2020.4', 'RPA_APPKEY': '',
    'RPA_TOKEN_STORE': 'file', 'RPA_TOKEN_TTL_MS': 0, 'RPA_TOKEN_REFUSED': None, 'RPA_CORRECT_CLOCK': True,
    'RPA_CERT_SHA256': '', 'RPA_CA_FILE': '', 'RPA_VERIFY': True, 'RPA_PROXY': 'system', 'RPA_TIMEOUT_MS': 30000,
    'RPA_CONNECT_TIMEOUT_MS': 10000, 'RPA_RETRY_MODE': 'safe', 'RPA_ENCODING': 'auto', 'RPA_SIGNATURE_REFUSED': None,
    'RPA_QUERY': 'params', 'RPA_EMPTY_OK': False,
    'RPA_WAIT': {'rest_type': '/oapi/v1/job/get', 'data_json': {'jobNo': {'pointer': '/result/jobNo'}},
                 'until': [{'pointer': '/result/status', 'in': ['finished', 'success']}],
                 'fail': [{'pointer': '/result/status', 'in': ['stopped', 'failed']}], 'every_ms': 2000, 'timeout_ms': 3600000},
    'RPA_PAGES': {'page': 'pageNum', 'size': 'pageSize',
                  'items': ['/result/rows', '/result/list', '/result/records', '/result/data', '/result'],
                  'total': ['/result/total', '/total']},
    'RPA_LOG': 'warn', 'RPA_LOG_FOLDER': '', 'RPA_OPTIONS': {},
}

_rpa_logger = logging.getLogger('rpa_openapi')
_rpa_logger.addHandler(logging.NullHandler())


class _RpaFailure(Exception):
    """由本文件发现的失败:中文的原因,英文的说明,error中的其他各项。begin是msg的开头,默认是意外情况的。"""

    def __init__(self, cause, detail, kind='argument', field=None, begin=None, attempts=0, delivered='no'):
        Exception.__init__(self, detail)
        self.cause, self.begin = cause, begin
        self.error = {'kind': kind, 'detail': detail, 'field': field, 'http_status': None, 'attempts': attempts,
                      'delivered': delivered}

    def reply(self, function, begun, settings):
        code, begin = _RPA_UNEXPECTED[function]
        if self.begin and function == 'rpa_call':
            code, begin = 41, self.begin
        cause = self.cause + _rpa_where(self.error['field'], settings)
        error = dict(self.error, elapsed_ms=int((time.monotonic() - begun) * 1000), function=function, hint=cause)
        return {'code': code, 'msg': begin + cause, 'result': None, 'error': error}


def _rpa_by_keys(rest_type, data_json, mode, fields, more=None, given=()):
    def request(settings):
        made = _rpa_keys(settings)
        made.update(_rpa_call(settings, rest_type, data_json, mode))
        if fields.get('resume'):
            made = {name: value for name, value in made.items() if name not in ('rest_type', 'action', 'mode', 'data_json')}
        if more is not None:
            made.update(more(settings))
        made.update(_rpa_fields(fields))
        return made
    # 调用时给出的是参数,不是设置。
    given = set(fields).union(given)
    names = {field: name for field, name in _RPA_SETTINGS_OF_API.items() if field not in given}
    return _rpa_answer('rpa_call', None, None, None, request, names)


def _rpa_answer(function, host, port, retry, fields, names=_RPA_SETTINGS):
    """调用动态库的一个函数,返回控制中心的应答;任何失败都作为返回值。fields在这里才执行,它的失败也在其中。"""
    begun, delivered, settings = time.monotonic(), 'no', None
    try:
        settings = _RpaSettings()
        request = _rpa_common(settings, host, port, retry)
        request.update(fields(settings))
        library = _rpa_library()
        is_asked = 'meta' in request
        if _rpa_is_modern(library):
            request.setdefault('meta', True)
            if 'log' not in request:  # 调用时没有另外给出
                request.update(_rpa_log(settings))
        text = json.dumps(request).encode('ascii')
        delivered = 'unknown'
        reply = _rpa_read(_rpa_ask(getattr(library, function), library.rpa_free, text))
        if is_asked:
            return reply
        if isinstance(reply, dict) and 'reply' in reply and isinstance(reply.get('meta'), dict):
            reply, meta = reply['reply'], reply['meta']
            _rpa_warn(meta, names, settings)
        return _rpa_told(reply, request, names, settings)
    except _RpaFailure as failure:
        return failure.reply(function, begun, settings)
    except Exception as error:
        return _rpa_program_error(error, delivered).reply(function, begun, settings)


class _RpaWarning(UserWarning):
    """调用成功,但有问题。"""


def _rpa_warn(meta, names, settings):
    for told in meta.get('warnings') or ():
        text = 'rpa_openapi: ' + _rpa_in_settings(str(told.get('zh') or told.get('en')), _rpa_names(names, settings))
        _rpa_logger.warning('%s (%s)', text, meta.get('id'))
        frame, level = sys._getframe(), 1
        while frame.f_back is not None and frame.f_code.co_filename == _rpa_warn.__code__.co_filename:
            frame, level = frame.f_back, level + 1
        try:
            warnings.warn(text, _RpaWarning, stacklevel=level)
        except Exception:
            pass  # 警告被设成了异常:应答更重要,否则流程会把同一个任务再启动一次


def _rpa_program_error(error, delivered):
    # 异常自己的文字里可能有密钥,所以只说类型和位置。
    name, line, trace = type(error).__name__, 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == _rpa_answer.__code__.co_filename:
            line = trace.tb_lineno
        trace = trace.tb_next
    cause = '程序异常%s,在GlobalFun.py的第%d行' % (name, line)
    return _RpaFailure(cause, 'the exception %s in GlobalFun.py, line %d' % (name, line), 'internal', delivered=delivered)


# ---------------------------------------- 参数 ----------------------------------------


def _rpa_common(settings, host, port, retry):
    """各个函数共有的字段。"""
    request = _rpa_options(settings)
    host = _rpa_text(host)
    request.update({
        'host': host.strip() if host is not None else None,
        'timeout_ms': _rpa_number('timeout_ms', settings.get('RPA_TIMEOUT_MS')),
        'connect_timeout_ms': _rpa_number('connect_timeout_ms', settings.get('RPA_CONNECT_TIMEOUT_MS')),
        'tls': {'verify': _rpa_flag('tls.verify', settings.get('RPA_VERIFY'))},
    })
    if retry is not None or 'retry' not in request:
        request['retry'] = _rpa_retry(retry)
    if isinstance(port, float) and port.is_integer():
        port = int(port)  # 从Excel读到的整数是8443.0
    port = '' if port is None else str(port).strip()
    # 443是流程中的默认值,意思是没有另给端口:此时host中的端口有效。
    if port not in ('', '443'):
        request['port'] = port
    pins = _rpa_fingerprints(settings)
    if pins:
        request['tls']['pin_sha256'] = pins if len(pins) > 1 else pins[0]
    ca_file = _rpa_path('tls.ca_file', settings.get('RPA_CA_FILE'), settings.folder('RPA_CA_FILE'))
    if ca_file:
        request['tls']['ca_file'] = ca_file
    proxy = settings.get('RPA_PROXY')
    proxy = 'none' if proxy is None else _rpa_setting('proxy', proxy)
    if proxy.lower() != 'system':
        request['proxy'] = None if proxy.lower() in ('none', '') else proxy
    generation = settings.get('RPA_GENERATION')
    if generation not in (None, '', '2020.4'):
        request['generation'] = _rpa_setting('generation', _rpa_text(generation))
    return request


def _rpa_call(settings, rest_type, data_json, mode):
    """调用API的字段,密钥或token除外。"""
    path = _rpa_text(rest_type)
    request = {'data_json': _rpa_parameters(data_json), 'retry_mode': _rpa_setting('retry_mode', settings.get('RPA_RETRY_MODE'))}
    if settings.get('RPA_GENERATION') in ('9', 9):
        request['action'] = path
    else:
        request['rest_type'] = '/' + path if path and not path.startswith('/') else path
        request['mode'] = str(mode)
    # 与默认值相同的不写出来,旧的动态库不认识它们。
    encoding = _rpa_setting('encoding', settings.get('RPA_ENCODING'))
    if encoding != 'auto':
        request['encoding'] = encoding
    refused = settings.get('RPA_SIGNATURE_REFUSED')
    if refused not in (None, ''):
        request['signature_refused'] = _rpa_dict('signature_refused', 'RPA_SIGNATURE_REFUSED', refused)
    query = _rpa_setting('query', settings.get('RPA_QUERY'))
    if query != 'params':
        request['query'] = query
    if _rpa_flag('empty_ok', settings.get('RPA_EMPTY_OK')):
        request['empty_ok'] = True
    return request


def _rpa_fields(fields):
    """只对一次调用有效的字段。相对路径从本文件所在的文件夹算起,与设置中的一样。"""
    def place(value):
        if isinstance(value, dict) and isinstance(value.get('path'), str):
            return dict(value, path=os.path.join(_rpa_folder(), value['path']))
        return os.path.join(_rpa_folder(), value) if isinstance(value, str) else value

    fields = dict(fields)
    if isinstance(fields.get('files'), dict):
        fields['files'] = {name: place(value) for name, value in fields['files'].items()}
    if fields.get('save_to'):
        fields['save_to'] = place(fields['save_to'])
    return _rpa_dict(None, '调用时给出的字段', fields)


def _rpa_text(value):
    """原来的全局函数把任何值都拼接到文本中。None留给动态库去拒绝。"""
    return value if value is None or isinstance(value, str) else str(value)


def _rpa_retry(retry):
    """1到10的次数;不是数字时为2。"""
    try:
        return min(max(int(retry), 1), 10)
    except (TypeError, ValueError, OverflowError):
        return 2


def _rpa_parameters(data_json):
    """API的参数,写成JSON文本。值与原来一样用Python的str()转成文本:日期、Decimal等任何类型都可以。"""
    def refuse(cause, detail):
        return _RpaFailure(cause, '`data_json` ' + detail, field='data_json', begin=_RPA_WRONG_PARAMETERS)

    if isinstance(data_json, str) and data_json.strip():
        text = data_json
        try:
            data_json = json.loads(text)
        except json.JSONDecodeError as error:
            cause, detail = _rpa_json_fault(text, error)
            raise refuse('data_json是文本,但不是有效的JSON:' + cause, 'is text, and not well-formed JSON: ' + detail)
        except (ValueError, RecursionError) as error:
            name = type(error).__name__
            raise refuse('data_json是文本,但其中的数字太长或嵌套太深,不能读入Python(%s)' % name,
                         'is text that Python cannot read: a number is too long, or it is too deep (%s)' % name)
    elif data_json is None or isinstance(data_json, str):
        data_json = {}
    if not isinstance(data_json, dict):
        name = type(data_json).__name__
        raise refuse('data_json必须是dict(或JSON对象的文本),而不是' + name,
                     'must be a dict, or text that holds a JSON object; it is ' + name)
    texts = {}
    for key, value in data_json.items():
        try:
            texts[key] = value if isinstance(value, str) else str(value)
        except Exception as error:
            name, why = key if isinstance(key, str) else type(key).__name__, type(error).__name__
            raise refuse('参数%s的值不能转成文本(%s)' % (name, why), 'has a value that has no text: %s (%s)' % (name, why))
    try:
        return json.dumps(texts, sort_keys=True)
    except TypeError as error:
        raise refuse('参数的名称必须都是文本(%s)' % error, 'has a name that is no text (%s)' % error)


# Python读JSON时的说法,与办公人员看得懂的说法。
_RPA_JSON_FAULTS = [
    ('Expecting property name', '这里应为双引号中的参数名称(也可能多了一个逗号)'),
    ('Expecting value', '这里应为一个值,文本要放在英文双引号里'),
    ("Expecting ':'", '这里应为英文冒号'),
    ("Expecting ','", '这里应为英文逗号,或者缺少右括号'),
    ('Unterminated string', '从这里开始的文本没有结束的双引号'),
    ('Invalid control character', '这里是文本中的换行或制表符,应写成\\n或\\t'),
    ('Invalid \\', '这里的反斜杠不能这样写,Windows路径中的反斜杠要写成两个反斜杠'),
    ('Extra data', 'JSON到这里已经结束,后面还有多余的内容'),
    ('Illegal trailing comma', '这里多了一个逗号'),
]


def _rpa_json_fault(text, error):
    """JSON文本的哪里有什么错误,中文和英文。不引用其中的内容,那可能是密码。"""
    place = 'line %d, column %d' % (error.lineno, error.colno)
    cause = '第%d行第%d个字符,' % (error.lineno, error.colno)
    unseen = _rpa_unseen(text[error.pos:error.pos + 1])
    if unseen and text[error.pos] >= ' ':
        name, code, cure = unseen[1:]
        return cause + '这里是%s(%s),%s' % (name, code, cure), '%s at %s' % (code, place)
    for begin, chinese in _RPA_JSON_FAULTS:
        if error.msg.startswith(begin):
            return cause + chinese, '%s at %s' % (error.msg, place)
    return cause + '这里不符合JSON的写法', '%s at %s' % (error.msg, place)


# ---------------------------------------- 设置 ----------------------------------------


class _RpaSettings:
    """一次调用的设置:本文件开头的,和rpa_openapi.json里的。"""

    def __init__(self, with_files=True):
        # 诊断时,有误的设置按默认值,以便接着检查别的。
        self.ignored, self.files = set(), []
        for folder in (_rpa_folder(), _rpa_machine_folder()) if with_files else ():
            path = os.path.join(folder, 'rpa_openapi.json')
            given = _rpa_settings_file(path)
            if given:
                self.files.append((path, given))

    def place(self, name):
        """这项设置写在哪个文件里:''表示GlobalFun.py,None表示没有填写。"""
        default = _RPA_DEFAULTS[name]
        value = globals()[name]
        if type(value) is not type(default) or value != default:
            return ''
        return next((path for path, given in self.files if name in given), None)

    def folder(self, name):
        return os.path.dirname(self.place(name) or '') or _rpa_folder()

    def get(self, name):
        if name in self.ignored:
            return _RPA_DEFAULTS[name]
        place = self.place(name)
        value = globals()[name] if not place else dict(self.files)[place][name]
        if isinstance(value, dict) and list(value) == ['dpapi']:
            return _rpa_unprotected(name, value['dpapi'])
        return value


_rpa_files = {}


def _rpa_machine_folder():
    if os.name == 'nt':
        return os.path.join(os.environ.get('PROGRAMDATA') or 'C:\\ProgramData', 'isrpa_openapi')
    return '/etc/isrpa_openapi'


def _rpa_settings_file(path):
    """rpa_openapi.json的内容,没有这个文件时是空的。没有改过的不再读一次。"""
    try:
        status = os.stat(path)
        key = status.st_mtime, status.st_size
        known = _rpa_files.get(path)
        if known is not None and known[0] == key:
            return known[1]
        with open(path, 'rb') as file:
            raw = file.read(1 << 20)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _rpa_wrong_file(path, '不能读取(%s)' % type(error).__name__, 'cannot be read (%s)' % type(error).__name__)
    # 记事本会存成各种编码:UTF-8、“Unicode”,和中文Windows的“ANSI”,即GBK。
    encodings = ['utf-16'] if raw[:2] in (b'\xff\xfe', b'\xfe\xff') else ['utf-8-sig', 'gb18030']
    text = None
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
            break
        except UnicodeDecodeError:
            pass
    if text is None:
        raise _rpa_wrong_file(path, '不是文本,请另存为UTF-8', 'is no text: save it as UTF-8')
    try:
        given = json.loads(text)
    except json.JSONDecodeError as error:
        chinese, english = _rpa_json_fault(text, error)
        raise _rpa_wrong_file(path, '不是有效的JSON:' + chinese, 'is not well-formed JSON: ' + english)
    except (ValueError, RecursionError) as error:
        raise _rpa_wrong_file(path, '不能读入Python(%s)' % type(error).__name__, 'cannot be read into Python')
    if not isinstance(given, dict):
        raise _rpa_wrong_file(path, '的内容必须是JSON对象,如{"RPA_HOST": "https://10.0.0.5"}', 'must hold a JSON object')
    for name in given:
        if name not in _RPA_DEFAULTS:
            near = difflib.get_close_matches(name.upper(), list(_RPA_DEFAULTS), 1)
            raise _rpa_wrong_file(path, '中有未知设置%s%s' % (ascii(name)[1:-1][:60], ',是否应为%s' % near[0] if near else ''),
                                  'has an unknown setting%s' % ('; did you mean %s?' % near[0] if near else ''))
    _rpa_files[path] = key, given
    return given


def _rpa_wrong_file(path, cause, detail):
    return _RpaFailure('文件%s%s' % (path, cause), '%s %s' % (path, detail), begin=_RPA_WRONG_SETTINGS)


def _rpa_where(field, settings):
    """这项设置写在rpa_openapi.json里的,说明是哪一个。"""
    name = _RPA_SETTINGS_OF_API.get(field) or _RPA_SETTINGS_OF_API.get(str(field).split('.')[0], '')
    name = name.split('[')[0]
    place = settings.place(name) if name in _RPA_DEFAULTS and settings is not None else None
    return ',这项设置写在%s里' % place if place else ''


def _rpa_unprotected(name, text):
    """由Windows加密的值。"""
    field = next((field for field, own in _RPA_SETTINGS_OF_API.items() if own == name), None)
    if os.name != 'nt':
        raise _rpa_wrong(field, '是由Windows加密的(dpapi),只能在Windows上使用', 'is protected by DPAPI: only Windows can read it')
    try:
        return _rpa_dpapi(base64.b64decode(text, validate=True)).decode('utf-8')
    except (OSError, ValueError, TypeError) as error:
        raise _rpa_wrong(field, '不能解密:加密它的是另一个用户或另一台机器,或者内容不完整。请以运行机器人的用户,在这台机器上重新用'
                         'python isrpa_openapi.py protect加密', 'cannot be decrypted: it was protected by another user or on another '
                         'machine, or is cut (%s)' % type(error).__name__)


def _rpa_dpapi(data):
    class Blob(ctypes.Structure):
        _fields_ = [('size', ctypes.c_uint32), ('data', ctypes.c_void_p)]

    work, free = ctypes.WinDLL('crypt32').CryptUnprotectData, ctypes.WinDLL('kernel32').LocalFree
    pointer, void = ctypes.POINTER(Blob), ctypes.c_void_p
    work.argtypes, work.restype = [pointer, void, void, void, void, ctypes.c_uint32, pointer], ctypes.c_int
    free.argtypes, free.restype = [void], void
    buffer = ctypes.create_string_buffer(data, len(data))
    before, after = Blob(len(data), ctypes.cast(buffer, void)), Blob(0, None)
    # 1:不显示窗口。
    if not work(ctypes.byref(before), None, None, None, None, 1, ctypes.byref(after)):
        raise OSError('CryptUnprotectData')
    try:
        return ctypes.string_at(after.data, after.size)
    finally:
        ctypes.memset(after.data, 0, after.size)
        free(after.data)


def _rpa_keys(settings, is_complete=True):
    """设置里的地址和密钥,和token保存在哪里。诊断时不必都有。"""
    keys = {'10.3': ['appkey'], '9': []}.get(_rpa_text(settings.get('RPA_GENERATION')), ['accesskey', 'secretkey', 'token_store'])
    given = [(field, settings.get(_RPA_SETTINGS_OF_API[field])) for field in ['host'] + keys]
    empty = [field for field, value in given if not isinstance(value, str) or not value.strip()]
    if empty and is_complete:
        names = '、'.join(_RPA_SETTINGS_OF_API[field] for field in empty)
        raise _RpaFailure('请填写GlobalFun.py开头的设置%s,填在引号里' % names, 'fill in %s at the head of GlobalFun.py, as text'
                          % names.replace('、', ', '), field=empty[0], begin=_RPA_WRONG_SETTINGS)
    request = {field: _rpa_setting(field, value) for field, value in given if field not in empty + ['token_store']}
    if 'token_store' in empty or 'token_store' not in keys:
        return request
    request['token_store'] = _rpa_token_store(settings)
    lifetime = settings.get('RPA_TOKEN_TTL_MS')
    if lifetime not in (None, '') and _rpa_number('token_ttl_ms', lifetime) != 0:
        request['token_ttl_ms'] = _rpa_number('token_ttl_ms', lifetime)
    refused = settings.get('RPA_TOKEN_REFUSED')
    if refused not in (None, ''):
        request['token_refused'] = _rpa_dict('token_refused', 'RPA_TOKEN_REFUSED', refused)
    if not _rpa_flag('correct_clock', settings.get('RPA_CORRECT_CLOCK')):
        request['correct_clock'] = False
    return request


def _rpa_token_store(settings):
    given = settings.get('RPA_TOKEN_STORE')
    place = given.strip()
    word = place.lower()
    if word == 'memory':
        return 'memory'
    if word.startswith(('redis://', 'rediss://')):
        return {'redis': place}
    if word == 'file':
        return {'file': os.path.join(_rpa_user_folder(), 'rpa_openapi', 'token.json')}
    if '://' in place or not any(sign in place for sign in '.\\/'):
        _rpa_setting('token_store', given)
        raise _rpa_wrong('token_store', "只能是'file'、'memory'、文件的路径或redis://开头的地址",
                         "must be 'file', 'memory', a file's path or an address that begins with redis://")
    return {'file': _rpa_path('token_store', place, settings.folder('RPA_TOKEN_STORE'))}


def _rpa_log(settings):
    """字段log,没有可写的时为空。项目自己填写的设置最优先,其次是环境变量(由动态库自己看),最后才是默认值。"""
    level, folder = settings.get('RPA_LOG'), settings.get('RPA_LOG_FOLDER')
    is_default = settings.place('RPA_LOG') is None and settings.place('RPA_LOG_FOLDER') is None
    if is_default and os.environ.get('RPA_OPENAPI_LOG'):
        return {}
    level = 'none' if level is None else _rpa_setting('log.level', level).lower()
    if level in ('none', ''):
        return {'log': None} if os.environ.get('RPA_OPENAPI_LOG') else {}
    folder = _rpa_path('log.folder', folder, settings.folder('RPA_LOG_FOLDER'))
    if not folder:
        folder = os.path.join(_rpa_user_folder('XDG_STATE_HOME', '.local/state'), 'rpa_openapi', 'log')
        try:
            os.makedirs(folder, 0o700, exist_ok=True)
        except OSError:
            pass  # 动态库会在警告中说明
    return {'log': {'folder': folder, 'level': level}}


def _rpa_user_folder(variable='XDG_CACHE_HOME', below='.cache'):
    """用户自己的文件夹,不随漫游配置到别的机器上去。找不到时是本文件所在的文件夹。"""
    found = os.environ.get('LOCALAPPDATA' if os.name == 'nt' else variable, '')
    if not os.path.isabs(found) and os.name != 'nt':
        found = os.path.join(os.path.expanduser('~'), below)
    return found if os.path.isabs(found) else _rpa_folder()


def _rpa_wrong(field, cause, detail):
    """某一项设置有误。"""
    name = _RPA_SETTINGS_OF_API.get(field, field)
    return _RpaFailure('设置%s%s' % (name, cause), '`%s` %s' % (name, detail), field=field, begin=_RPA_WRONG_SETTINGS)


def _rpa_number(field, value):
    """整数的设置。从Excel读到的30.0也是整数;范围由动态库检查。"""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise _rpa_wrong(field, '必须是整数,不加引号,而不是' + type(value).__name__,
                     'must be a whole number, without quotation marks; it is ' + type(value).__name__)


def _rpa_flag(field, value):
    if isinstance(value, bool):
        return value
    raise _rpa_wrong(field, '必须是True或False,不加引号', 'must be True or False, without quotation marks')


def _rpa_setting(field, value, part=''):
    """文本的设置,两端的空白除外。其中不应有全角的和看不见的字符。part说明是设置的哪一部分。"""
    if not isinstance(value, str):
        raise _rpa_wrong(field, part + '必须是引号中的文本,而不是' + type(value).__name__,
                         'must be text in quotation marks; it is ' + type(value).__name__)
    stripped = value.strip()
    # 代理和Redis的地址里有密码,密码可以是任何看得见的字符。
    found = _rpa_unseen(stripped, only_invisible=field in ('proxy', 'token_store'))
    if found:
        place, name, code, cure = found
        place += len(value) - len(value.lstrip()) + 1
        raise _rpa_wrong(field, part + '的第%d个字符是%s(%s),%s' % (place, name, code, cure),
                         'has %s as its character %d: take it out, or write it in ASCII' % (code, place))
    return stripped


def _rpa_path(field, value, folder):
    """路径的设置:~和%LOCALAPPDATA%等展开,相对路径从写着它的文件所在的文件夹算起。"""
    if value is None:
        return ''
    if not isinstance(value, str):
        raise _rpa_wrong(field, '必须是引号中的路径,而不是' + type(value).__name__,
                         'must be a path in quotation marks; it is ' + type(value).__name__)
    value = value.strip()
    if any(character < ' ' for character in value):
        raise _rpa_wrong(field, "中的反斜杠被当成了换行、制表符等字符,请写成两个反斜杠,或在引号前写r,如r'D:\\rpa\\ca.pem'",
                         'holds a control character where a backslash was meant: double it, or write r before the text')
    # 文件名里可以有各种空格;从属性窗口复制的路径前面会有一个看不见的方向标记。
    found = _rpa_unseen(re.sub('[\u00a0\u3000]', ' ', value), only_invisible=True)
    if found:
        raise _rpa_wrong(field, '的第%d个字符是%s(%s),请删去' % (found[0] + 1, found[1], found[2]),
                         'has %s as its character %d: take it out' % (found[2], found[0] + 1))
    value = os.path.expandvars(os.path.expanduser(value))
    unknown = re.search(r'%\w+%', value)
    if unknown:
        raise _rpa_wrong(field, '中的%s不是这台机器的环境变量,请写出实际的路径' % unknown.group(),
                         'names %s, which is no environment variable here: write the path itself' % unknown.group())
    return os.path.join(folder, value) if value else ''


def _rpa_fingerprints(settings):
    """设置RPA_CERT_SHA256:一个指纹,或几个,用列表或者用逗号、分号、换行隔开。"""
    field, given = 'tls.pin_sha256', settings.get('RPA_CERT_SHA256')
    if isinstance(given, (list, tuple)):
        pins = [_rpa_setting(field, pin, '中第%d个指纹' % place) for place, pin in enumerate(given, 1)]
    else:
        # 换成同样长的分号,报错中的位置不变。
        text = re.sub('[\uff0c\uff1b\u3001\n]', ';', given) if isinstance(given, str) else given
        pins = [] if text is None else re.split('[,;]', _rpa_setting(field, text))
    pins = [pin.replace(' ', '') for pin in pins]
    return [pin for pin in pins if pin]


def _rpa_dict(field, name, value):
    """内容能写成JSON的dict。"""
    try:
        if isinstance(value, dict):
            return json.loads(json.dumps(value, allow_nan=False))
        why, why_en = '必须是dict,而不是' + type(value).__name__, 'must be a dict; it is ' + type(value).__name__
    except (TypeError, ValueError, RecursionError) as error:
        why, why_en = '中有不能写成JSON的值(%s)' % type(error).__name__, 'holds what JSON has not (%s)' % type(error).__name__
    raise _RpaFailure('设置%s%s' % (name, why), '`%s` %s' % (name, why_en), field=field, begin=_RPA_WRONG_SETTINGS)


def _rpa_options(settings):
    options = _rpa_dict(None, 'RPA_OPTIONS', settings.get('RPA_OPTIONS') or {})
    for name in options:
        own = 'RPA_CERT_SHA256、RPA_CA_FILE或RPA_VERIFY' if name == 'tls' else _RPA_SETTINGS_OF_API.get(name, 'RPA_OPTIONS')
        if not own.startswith('RPA_OPTIONS'):
            raise _RpaFailure('设置RPA_OPTIONS中的%s请填在设置%s里' % (name, own), '`RPA_OPTIONS` holds `%s`, which has a setting '
                              'of its own: %s' % (name, own), field=name, begin=_RPA_WRONG_SETTINGS)
    return options


_RPA_INVISIBLE = {
    '\t': '制表符', '\n': '换行', '\r': '换行', '\u00a0': '不间断空格', '\u00ad': '看不见的连字符', '\u200b': '零宽空格',
    '\u200e': '看不见的方向标记', '\u200f': '看不见的方向标记', '\u3000': '全角空格', '\ufeff': '看不见的字节顺序标记',
}


def _rpa_unseen(text, only_invisible=False):
    """第一个看不见的或全角的字符:在第几个(从0数),叫什么,编码,怎么改。没有时为None。"""
    for place, character in enumerate(text):
        code = 'U+%04X' % ord(character)
        if not character.isprintable():
            return place, _RPA_INVISIBLE.get(character, '看不见的字符'), code, '请删去'
        if only_invisible:
            continue
        if '\uff01' <= character <= '\uff5e':
            return place, '全角的「%s」' % character, code, '请改成半角的「%s」' % chr(ord(character) - 0xfee0)
        if character in '。、“”‘’《》【】—…':
            return place, '中文标点「%s」' % character, code, '请删去或改成英文标点'
    return None


# ---------------------------------------- 应答 ----------------------------------------


def _rpa_read(text):
    """动态库的应答,读入Python。"""
    if text is None:
        raise _RpaFailure('动态库没有给出应答,请换成与GlobalFun.py一起的那一个', 'the library returned NULL, which it never does',
                          'internal', attempts=1, delivered='unknown')
    try:
        return json.loads(text.decode('utf-8'))
    except (ValueError, RecursionError) as error:
        # 动态库只返回JSON,但Python读不了太长的整数和太深的嵌套。
        name = type(error).__name__
        raise _RpaFailure('控制中心已应答,但应答不能读入Python(%s),请不要直接重新调用' % name,
                          'there is a reply that Python cannot read (%s)' % name, 'response', attempts=1, delivered='yes')


_RPA_FACTS = {'kind', 'detail', 'field', 'http_status', 'attempts', 'delivered', 'elapsed_ms'}


def _rpa_names(names, settings):
    """动态库的字段各叫什么,RPA_OPTIONS里的也在内。"""
    return dict({str(name): 'RPA_OPTIONS[%r]' % name for name in settings.get('RPA_OPTIONS') or {}}, **names)


def _rpa_told(reply, request, names, given):
    """动态库的报错,换成读者自己的设置,并在msg中写明办法。控制中心的应答原样返回。"""
    error = reply.get('error') if isinstance(reply, dict) else None
    if not isinstance(error, dict) or not _RPA_FACTS.issubset(error) or not isinstance(reply.get('msg'), str):
        return reply
    settings = _rpa_names(names, given)
    msg = _rpa_in_settings(reply['msg'], settings).replace('字段', '参数')
    field = error['field'] or ''
    owner = field if field in settings else field.split('.')[0]
    if owner in settings and reply['code'] == 41:
        msg = _RPA_WRONG_SETTINGS + msg.split('!', 1)[-1]
        if '未知设置' in msg and field == owner and '是否应为' not in msg:
            msg = '%s这个动态库不认识设置%s,请换成与GlobalFun.py一起的新版本' % (_RPA_WRONG_SETTINGS, settings[owner])
    cure = _rpa_cure(error, msg, request, settings)
    if isinstance(error.get('hint'), str):
        error['hint'] = _rpa_in_settings(error['hint'], settings).replace('字段', '参数').replace('RPA_PROXY」设为null', "RPA_PROXY」设为'none'")
        if not cure and '请' not in msg and not error['hint'].startswith('请按msg'):
            cure = error['hint']
    error['detail'] = _rpa_in_settings(str(error['detail']), settings, english=True)
    if reply['code'] == 41 and owner in settings:
        cure += _rpa_where(field, given)
    reply['msg'] = msg + (',' + cure.lstrip(',') if cure else '')
    return reply


def _rpa_in_settings(text, settings, english=False):
    """文字中的字段换成设置。英文里host等常用的词,只有在反引号中的才是字段。"""
    def setting(found):
        mark, name, inner = found.group(1) or '', found.group(2), found.group(3)
        is_word = '_' not in name and '.' not in name
        holds_fields = name in ('token_store', 'token_refused', 'wait', 'pages') or settings[name].startswith('RPA_OPTIONS')
        if inner and not holds_fields or english and is_word and text[found.start() - 1:found.start()] != '`':
            return found.group()
        parts = [] if name == 'token_store' else inner.split('.')[1:]
        return mark.replace('字段', '设置') + settings[name] + ''.join('[%r]' % part for part in parts)

    def assignment(found):
        value = json.loads(found.group(2))
        if found.group(1) == 'proxy' and value is None:
            value = 'none'
        return '%s = %r' % (settings[found.group(1)], value)

    names = '|'.join(re.escape(name) for name in sorted(settings, key=len, reverse=True))
    # "query":"none"是JSON的写法,在本文件里是RPA_QUERY = 'none'。
    text = re.sub(r'"(%s)": ?("[^"\\]*"|true|false|null|\d+)' % names, assignment, text)
    pattern = r'(字段)?(?<![\w./:@-])(%s)((?:\.[\w-]+)*)(?![\w/@-]|:\d)' % names
    return re.sub(pattern, setting, text, flags=re.ASCII)


def _rpa_cure(error, msg, request, settings):
    """下一步怎么做,msg里还没有写的。"""
    kind, detail = error['kind'], str(error['detail'])
    if kind == 'tls' and 'tls.pin_sha256' in detail:
        return _rpa_trust(detail, msg)
    if error['field'] == 'tls.ca_file' and request['tls'].get('ca_file', '') not in msg:
        return '文件是' + request['tls']['ca_file']
    if kind == 'proxy' and 'RPA_PROXY' not in msg and 'proxy' not in request:
        return "不用代理的,请把设置RPA_PROXY改成'none'"
    if kind in ('dns', 'connect', 'redirect') and not re.search('RPA_HOST|参数host', msg):
        return '地址填在%s里' % ('设置RPA_HOST' if 'host' in settings else '参数host')
    if '请' in msg:
        return ''
    limits = request['timeout_ms'], request['connect_timeout_ms']
    if kind == 'timeout' and min(limits) < 1000 and '毫秒' not in msg:
        return '现在的RPA_TIMEOUT_MS是%d毫秒,RPA_CONNECT_TIMEOUT_MS是%d毫秒' % limits
    if kind == 'timeout' and 'TIMEOUT_MS' not in msg:
        return '需要更多时间的,请加大设置RPA_TIMEOUT_MS'
    if kind == 'proxy':
        return '请检查设置RPA_PROXY'
    if kind == 'too_large':
        return "请在设置RPA_OPTIONS中加大'max_response_bytes'"
    return ''


def _rpa_trust(detail, msg):
    """怎样信任这张证书:它的指纹,和填在哪里。"""
    digits = '((?:[0-9A-Fa-f]{2}:){31}[0-9A-Fa-f]{2})'
    found = re.search('SHA-256 fingerprint ' + digits, detail) or re.search(digits, detail)
    fingerprint = found.group(1) if found else ''
    if 'RPA_CERT_SHA256' in msg:
        return '这张证书的指纹是' + fingerprint if fingerprint and fingerprint not in msg else ''
    cure = '请与管理员核对证书的指纹%s,无误后填入设置RPA_CERT_SHA256' % fingerprint
    return cure + (',或把签发它的CA证书填入设置RPA_CA_FILE' if 'tls.ca_file' in detail else '')


# ---------------------------------------- 诊断 ----------------------------------------


def _rpa_diagnosis(rest_type, data_json, host, may_get_token):
    """诊断的文字,中文的和英文的(给不能显示中文的窗口)。"""
    told, settings = [], None
    try:
        settings = _RpaSettings()
    except _RpaFailure as failure:
        told.append(failure)
        settings = _RpaSettings(with_files=False)
    request = {}
    for _ in range(len(_RPA_DEFAULTS)):
        try:
            request = _rpa_common(settings, host, None, None)
            request.update(_rpa_keys(settings, is_complete=False))
            if host:
                request['host'] = _rpa_text(host).strip()
            call = _rpa_call(settings, rest_type, data_json, 'get')
            if rest_type is None:
                call = {field: value for field, value in call.items() if field not in ('rest_type', 'action', 'mode', 'data_json')}
            request.update(call)
            break
        except _RpaFailure as failure:
            # 有误的设置先放在一边,按默认值接着检查别的。
            told.append(failure)
            name = _RPA_SETTINGS_OF_API.get(failure.error['field'], 'RPA_OPTIONS').split('[')[0]
            if name in settings.ignored or failure.begin == _RPA_WRONG_PARAMETERS:
                break
            settings.ignored.add(name)
    request = {field: value for field, value in request.items() if value is not None or field == 'proxy'}
    if may_get_token:
        request['get_token'] = True
    request['settings_from'] = _rpa_sources(request, settings, host)
    try:
        library = _rpa_library()
        if not hasattr(library, 'rpa_diagnose'):
            raise _rpa_not_loaded('动态库版本太旧,没有诊断功能,请换成与GlobalFun.py一起的新版本,机器人的Python是%d位的' % _rpa_bits(),
                                  'the library is too old: it has no rpa_diagnose')
        library.rpa_diagnose.argtypes, library.rpa_diagnose.restype = [ctypes.c_char_p], ctypes.c_void_p
        text = json.dumps(request).encode('ascii')
        reply = _rpa_read(_rpa_ask(library.rpa_diagnose, library.rpa_free, text))
    except _RpaFailure as failure:
        reply = {'result': None}
        told.append(failure)
    names = _rpa_names(_RPA_SETTINGS_OF_API, settings)
    return tuple(_rpa_report(reply, told, names, settings, request['settings_from'], language) for language in ('zh', 'en'))


def _rpa_sources(request, settings, host):
    """每个字段的值是从哪里来的。"""
    sources = {}
    fields = list(request) + ['tls.' + field for field in request.get('tls', {})]
    for field in fields:
        name = _RPA_SETTINGS_OF_API.get(field, '').split('[')[0]
        if field == 'host' and host:
            sources[field] = 'rpa_diagnose(host)'
        elif name in _RPA_DEFAULTS:
            place = settings.place(name)
            sources[field] = '%s (%s)' % (name, {'': 'GlobalFun.py', None: '默认值'}.get(place, place))
        elif field in (settings.get('RPA_OPTIONS') or {} if 'RPA_OPTIONS' not in settings.ignored else {}):
            sources[field] = 'RPA_OPTIONS (%s)' % (settings.place('RPA_OPTIONS') or 'GlobalFun.py')
    return sources


# 报告中的词,中文和英文。
_RPA_WORDS = {
    'title': ('iS-RPA控制中心调用诊断', 'Diagnosis of calls to the iS-RPA control center'),
    'verdict': ('结论', 'Verdict'), 'also': ('另外', 'Also'), 'setting': ('要改的设置', 'Setting to change'), 'turn': ('该由谁处理', 'Whose turn it is'),
    'you': ('您自己', 'yours'), 'network': ('网络管理员', 'the network administrator'),
    'control_center': ('控制中心的管理员', 'the control center administrator'),
    'checks': ('检查', 'Checks'), 'settings': ('设置', 'Settings'), 'machine': ('机器', 'Machine'), 'library': ('动态库', 'Library'),
    'ok': ('正常', 'ok'), 'warning': ('注意', 'warning'), 'fail': ('失败', 'FAIL'), 'skipped': ('跳过', 'skipped'),
    'from': ('来自', 'from'), 'ms': ('毫秒', 'ms'),
}


def _rpa_report(reply, told, names, settings, sources, language):
    is_chinese = language == 'zh'

    def word(name):
        return _RPA_WORDS[name][not is_chinese] if name in _RPA_WORDS else str(name)

    def said(part):
        text = part.get(language) or part.get('zh') or part.get('en') or '' if isinstance(part, dict) else ''
        return _rpa_in_settings(str(text), names, english=not is_chinese).replace('"get_token":true', 'get_token=True')

    def listed(value):
        return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []

    result = reply.get('result') if isinstance(reply, dict) else None
    result = result if isinstance(result, dict) else {}
    verdict = result.get('verdict') if isinstance(result.get('verdict'), dict) else {}
    # 本文件自己发现的在前:设置有误,或者没有动态库。
    own = [failure.cause + _rpa_where(failure.error['field'], settings) if is_chinese else failure.error['detail'] for failure in told]
    lines = [word('title') + time.strftime('  %Y-%m-%d %H:%M:%S'), '']
    if said(verdict) and not (own and verdict.get('ok') is True):
        own.append(said(verdict))
    if not own:
        own.append(str(reply.get('msg') if isinstance(reply, dict) else reply))
    lines += ['%s: %s' % (word('also' if place else 'verdict'), text) for place, text in enumerate(own)]
    if verdict.get('setting') and not told:
        lines.append('%s: %s' % (word('setting'), names.get(verdict['setting'], verdict['setting'])))
    if verdict.get('turn') or told:
        lines.append('%s: %s' % (word('turn'), word('you' if told else verdict['turn'])))
    if result.get('checks'):
        lines += ['', word('checks')]
    for check in listed(result.get('checks')):
        status, text = str(check.get('status')), said(check) or said(check.get('because'))
        ms = '' if status == 'skipped' or check.get('ms') is None else ' (%s %s)' % (check['ms'], word('ms'))
        lines.append('  [%s] %s: %s%s' % (word(status), check.get('name'), text, ms))
        if status in ('warning', 'fail') and check.get('facts'):
            lines.append('         ' + json.dumps(check['facts'], ensure_ascii=False)[:1500])
    if result.get('settings'):
        lines += ['', word('settings')]
    for setting in listed(result.get('settings')):
        field, value = str(setting.get('field')), setting.get('value')
        values = {field: value}
        if field == 'tls' and isinstance(value, dict):
            values = {'tls.' + name: part for name, part in value.items()}
        for field, value in values.items():
            if field != 'settings_from':
                lines.append('  %s = %s  %s %s' % (names.get(field, field), json.dumps(value, ensure_ascii=False), word('from'),
                                                   sources.get(field) or setting.get('from')))
        lines += ['      [%s] %s' % (word('warning'), said(odd)) for odd in listed(setting.get('odd'))]
    machine = dict(result['machine']) if isinstance(result.get('machine'), dict) else {'system': sys.platform}
    machine['Python'] = '%s, %d bit, %s' % (sys.version.split()[0], _rpa_bits(), sys.executable)
    machine['GlobalFun.py'] = _rpa_folder()
    machine['rpa_openapi.json'] = [path for path, _ in settings.files]
    for name, facts in (('machine', machine), ('library', result.get('library'))):
        if isinstance(facts, dict):
            lines += ['', word(name)]
            lines += ['  %s: %s' % (fact, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
                      for fact, value in facts.items()]
    return '\n'.join(''.join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in line) for line in lines)


def _rpa_print(chinese, english):
    """打印在任何窗口里;没有窗口的(pythonw.exe)什么也不做。"""
    if sys.stdout is None:
        return
    encoding = getattr(sys.stdout, 'encoding', None) or 'ascii'
    try:
        '诊断'.encode(encoding)
        text = chinese
    except (UnicodeError, LookupError):
        text, encoding = english, 'ascii'
    try:
        print(text.encode(encoding, 'backslashreplace').decode(encoding))
    except (OSError, ValueError):
        pass  # 窗口已经关闭


# ---------------------------------------- 调用动态库 ----------------------------------------


_rpa_modern = None


def _rpa_is_modern(library):
    """从0.2.0起,动态库认识meta和log。"""
    global _rpa_modern
    if _rpa_modern is None:
        _rpa_modern = _rpa_knows_meta(library)
    return _rpa_modern


def _rpa_knows_meta(library):
    if not hasattr(library, 'rpa_version'):
        return False
    library.rpa_version.restype = ctypes.c_char_p
    found = re.match(r'(\d+)\.(\d+)', (library.rpa_version() or b'').decode('ascii', 'replace'))
    if found is None or (int(found.group(1)), int(found.group(2))) < (0, 2):
        return False
    # 正式版本之前的0.2.0可能还不认识。没有host,什么也不会发送。
    reply = json.loads(_rpa_exchange(library.rpa_call, library.rpa_free, b'{"meta": true}').decode('utf-8'))
    error = reply.get('error') if isinstance(reply, dict) else None
    return not (isinstance(error, dict) and error.get('field') == 'meta')


# queue.SimpleQueue更快,从Python 3.7开始有。
_RPA_QUEUE = getattr(queue, 'SimpleQueue', queue.Queue)


def _rpa_ask(function, free, request):
    """把请求交给动态库,返回应答的文本。

    只有主线程才收到Ctrl+C,而且在动态库返回之前不会收到。所以主线程的调用在一个后台线程里进行,主线程只是等它。
    """
    global _rpa_waiter
    if threading.get_ident() != threading.main_thread().ident or sys.is_finalizing():
        return _rpa_exchange(function, free, request)
    # 取出来用,用完放回:被Ctrl+C打断的不会放回,它那里的调用还没有结束。
    waiter, _rpa_waiter = _rpa_waiter, None
    if waiter is None or not waiter.begin(function, free, request):
        try:
            waiter = _RpaWaiter()
        except RuntimeError:  # 这个进程不能再有新的线程
            return _rpa_exchange(function, free, request)
        waiter.begin(function, free, request)
    text, error = waiter.wait()
    _rpa_waiter = waiter
    if error is not None:
        raise error
    return text


def _rpa_exchange(function, free, request):
    reply = function(request)
    try:
        return ctypes.string_at(reply) if reply else None
    finally:
        free(reply)


_rpa_waiter = None


class _RpaWaiter:
    """一个后台线程,一次做一个调用;一秒钟没有调用就结束。"""

    IDLE_SECONDS = 1
    # 在Windows上,没有时限的等待收不到Ctrl+C。
    LOOK_SECONDS = 0.1

    def __init__(self):
        self.process, self.lock, self.is_ended = os.getpid(), threading.Lock(), False
        self.calls, self.replies = _RPA_QUEUE(), _RPA_QUEUE()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def begin(self, *call):
        """False:线程已经结束,或者在fork出这个进程时留在了原来的进程里。"""
        if self.process != os.getpid():
            return False
        with self.lock:
            if not self.is_ended:
                self.calls.put(call)
            return not self.is_ended

    def wait(self):
        while True:
            try:
                return self.replies.get(timeout=self.LOOK_SECONDS)
            except queue.Empty:
                pass

    def work(self):
        while True:
            try:
                call = self.calls.get(timeout=self.IDLE_SECONDS)
            except queue.Empty:
                with self.lock:
                    self.is_ended = self.calls.empty()
                if self.is_ended:
                    return
                continue
            if call is None:
                return
            try:
                self.replies.put((_rpa_exchange(*call), None))
            except BaseException as error:
                self.replies.put((None, error))


def _rpa_before_fork():
    """结束闲着的线程:从Python 3.12起,进程中有别的线程时fork会有警告。"""
    global _rpa_waiter
    waiter, _rpa_waiter = _rpa_waiter, None
    if waiter is not None:
        waiter.calls.put(None)
        waiter.thread.join(1)


# Windows上没有fork,Python 3.6没有这个函数。
_rpa_register_at_fork = getattr(os, 'register_at_fork', None)
if _rpa_register_at_fork is not None:
    _rpa_register_at_fork(before=_rpa_before_fork)


# ---------------------------------------- 加载动态库 ----------------------------------------

_rpa_lock = threading.Lock()
_rpa_loaded = None


def _rpa_library():
    """动态库,在第一次调用时加载,只加载一次。加载失败的,下一次调用再试。"""
    global _rpa_loaded
    with _rpa_lock:
        if _rpa_loaded is None:
            _rpa_loaded = _rpa_find()
        return _rpa_loaded


def _rpa_folder():
    return os.path.dirname(os.path.abspath(__file__))


def _rpa_bits():
    """这个Python的位数,32或64。"""
    return struct.calcsize('P') * 8


def _rpa_not_loaded(cause, detail):
    return _RpaFailure(cause, '%s; this Python is %d-bit' % (detail, _rpa_bits()), 'internal')


def _rpa_find():
    bits, folder = _rpa_bits(), _rpa_folder()
    machine = 'x64' if bits == 64 else 'x86'
    if os.name == 'nt':
        stem, end = 'rpa_openapi', '.dll'
    else:
        stem, end = 'librpa_openapi', '.dylib' if sys.platform == 'darwin' else '.so'
    names = [stem + '_' + machine + end, os.path.join(machine, stem + end), stem + end]
    first_failure = None
    for name in names:
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            try:
                return _rpa_load(path)
            except _RpaFailure as failure:
                first_failure = first_failure or failure
    raise first_failure or _rpa_not_loaded(
        '找不到%s(或%s、%s),请把%d位的这个文件放到文件夹%s中,机器人的Python是%d位的'
        % (names[2], names[0], names[1], bits, folder, bits),
        'found none of %s in %s' % (', '.join(names), folder))


def _rpa_load(path):
    """按绝对路径加载,这样加载的一定是本文件旁边的那一个。"""
    bits = _rpa_bits()
    try:
        found = _rpa_bits_of(path)
        if found not in (None, bits):
            raise _rpa_not_loaded('%s是%d位的,而机器人的Python是%d位的,请换成%d位的' % (path, found, bits, bits),
                                  '%s is %d-bit' % (path, found))
        library = ctypes.CDLL(path)
    except OSError as error:
        reason = ' '.join(str(error).split())
        raise _rpa_not_loaded('%s不能加载,可能已损坏或不是%d位的(机器人的Python是%d位的):%s' % (path, bits, bits, reason),
                              '%s cannot be loaded (%s %s)' % (path, type(error).__name__, getattr(error, 'winerror', error.errno)))
    missing = [name for name in list(_RPA_UNEXPECTED) + ['rpa_free'] if not hasattr(library, name)]
    if len(missing) == len(_RPA_UNEXPECTED) + 1:
        raise _rpa_not_loaded('%s不是rpa_openapi库,请换成%d位的rpa_openapi库(机器人的Python是%d位的)' % (path, bits, bits),
                              '%s is no rpa_openapi library' % path)
    if missing:
        raise _rpa_not_loaded('%s版本太旧,没有函数%s,请换成%d位的新版本(机器人的Python是%d位的)'
                              % (path, '、'.join(missing), bits, bits), '%s is too old: it lacks %s' % (path, ', '.join(missing)))
    for function in _RPA_UNEXPECTED:
        getattr(library, function).argtypes = [ctypes.c_char_p]
        # 不能用c_char_p:它得到的是复制的文本,原来的指针就无法释放了。
        getattr(library, function).restype = ctypes.c_void_p
    library.rpa_free.argtypes = [ctypes.c_void_p]
    library.rpa_free.restype = None
    return library


def _rpa_bits_of(path):
    """动态库文件的位数;看不出来时为None。"""
    with open(path, 'rb') as file:
        head = file.read(4096)
    if head[:4] == b'\x7fELF':
        return {1: 32, 2: 64}.get(head[4]) if len(head) > 4 else None
    if head[:2] == b'MZ' and len(head) >= 0x40:
        begin = struct.unpack_from('<I', head, 0x3c)[0]
        if head[begin:begin + 4] == b'PE\0\0' and len(head) >= begin + 6:
            return {0x14c: 32, 0x8664: 64, 0xaa64: 64}.get(struct.unpack_from('<H', head, begin + 4)[0])
    return None
