# -*- coding: utf-8 -*-
"""机器人的全局函数:通过rpa_openapi动态库调用控制中心(平台)的API。

用法:把本文件和rpa_openapi.dll放到机器人脚本所在的文件夹。

新的流程用rpa_api,一行就是一次调用。平台的地址和密钥填在下面的设置里,token由动态库取得、保存和更换:

    GlobalFun.rpa_api('/oapi/v1/job/create', {'procCode': 'P001', 'robotNo': '……'}, 'post')

已有的流程不用修改。下面三个函数的名称、参数、默认值和返回值与流程现在调用的相同:

    GlobalFun.get_token(host, port, accesskey, secretkey)
    GlobalFun.refresh_token(host, port, refleshtoken)
    GlobalFun.rpa_rest_2020_4(host, rest_type, data_json, mode, port, accesstoken)

返回值是dict:平台有JSON应答时就是平台的应答,否则是{"code": 40, "msg": "fail,……", "result": None},code和msg的开头
与原来相同,msg后面多了原因。调用没有成功而由动态库给出时还有一项"error",其中error["delivered"]说明平台是否可能已经
收到请求:"no"没有收到,可以放心重新调用;"unknown"可能已收到;"yes"已收到。四个函数都不会抛出异常。

需要Python 3.6或更高版本,32位、64位都可以,不需要安装别的库。DLL的位数必须与机器人的Python相同。两种DLL要放在一起时,
命名为rpa_openapi_x64.dll和rpa_openapi_x86.dll,或分别放进x64和x86文件夹。

项目中已有GlobalFun.py的,把本文件的全部内容粘贴到它的末尾即可:除四个函数以外,这里的名称都以RPA_或_rpa_开头。
"""

import ctypes
import json
import os
import struct
import sys
import threading

# ======================================== 设置(按需要修改) ========================================

# 只有rpa_api用到的设置:平台的地址(如'https://10.0.0.5',端口不是443的写成'https://10.0.0.5:8443'),和平台给的密钥。
# 不想把密钥写在这里的,可以从别处读取,如os.environ.get('RPA_SECRETKEY', '')。
RPA_HOST = ''
RPA_ACCESSKEY = ''
RPA_SECRETKEY = ''

# 只有rpa_api用到的设置:token保存在哪里,谁与谁共用。机器人每次运行都是新的进程,只保存在内存中就要每次重新取token。
# 'file'    一个文件,由本机上同一个用户的所有机器人共用,在该用户自己的文件夹里。内容是加密的
# 'memory'  只在这个进程的内存中
# 路径      另外指定这个文件,如r'D:\rpa\token.json',例如几个Windows用户的机器人要共用token时;相对路径从本文件所在的文件夹算起
# 'redis://用户:密码@主机:6379/0'(TLS用rediss://)  所有机器共用,只用密码的写成'redis://:密码@主机:6379/0'
# 有的平台每发一个新token,就使前一个失效。所以用同一个accesskey的要共用一处;别处(如用get_token的流程)请用另一个accesskey。
RPA_TOKEN_STORE = 'file'

# 只有rpa_api用到的设置:平台取token的应答没有写明有效期,而您知道的,在这里填写,单位毫秒。0表示不填:token被拒绝时更换。
RPA_TOKEN_TTL_MS = 0

# 只有rpa_api用到的设置:怎样看出平台拒绝了token。None按常见的:HTTP状态401,或code为401,或code不为0而msg中有token或令牌。
# 平台的应答与此不同的,在这里写明,如{'code': [10012]}或{'msg': ['登录失效']};没有写明的那一项仍按常见的。
RPA_TOKEN_REFUSED = None

# 平台的证书是自签名的、过期的或名称不符的,把它的SHA-256指纹填在这里(64位十六进制,可以带冒号):只接受这一张证书。
# 不知道指纹时可以先不填:调用失败后,返回值的["error"]["detail"]里写有平台证书的指纹。请与管理员核对后再填。
RPA_CERT_SHA256 = ''

# 平台的证书由公司自己的CA签发的,把CA证书(PEM文件)的文件名填在这里,相对路径从本文件所在的文件夹算起。
RPA_CA_FILE = ''

# 是否检查平台的证书。警告:改成False后,任何人都可以冒充平台并取走密钥和token,只可在测试时短暂使用。
RPA_VERIFY = True

# 代理:'system'按系统设置;'none'不用代理;或代理的地址,如'http://10.0.0.1:3128'、'http://用户:密码@10.0.0.1:3128'。
RPA_PROXY = 'system'

# 时间限制,单位毫秒:一次调用(包括全部重试)的时间,和建立一个连接的时间,都是1到600000。
RPA_TIMEOUT_MS = 30000
RPA_CONNECT_TIMEOUT_MS = 10000

# 'safe':post请求可能已被平台收到的,不再发送第二次,以免同一个任务启动两次。
# 'always':任何失败都重试,post也一样,与原来的全局函数相同。
RPA_RETRY_MODE = 'safe'

# 签名时的百分号编码:'python'与原来的全局函数相同;'java'还编码/和~。含有/或~的参数总是"签名错误"时,改成'java'试试。
RPA_ENCODING = 'python'

# ======================================== 流程调用的四个函数 ========================================


def rpa_api(rest_type, data_json=None, mode='get'):
    """调用一个平台API,地址、密钥和token的保存都按上面的设置。

    rest_type   API的路径,如'/oapi/v1/job/create'
    data_json   API的参数:dict,或内容为JSON对象的文本;没有参数时可以不给。不会被修改
    mode        get、put、post或delete,大小写都可以
    """
    def fields():
        request = _rpa_keys()
        request.update(_rpa_call(rest_type, data_json, mode))
        return request
    return _rpa_answer('rpa_call', RPA_HOST, '', 2, fields)


def rpa_rest_2020_4(host='', rest_type='', data_json=None, mode='', port=443, accesstoken=None, retry=2):
    """调用一个平台API。

    host        平台的地址,如'https://10.0.0.5'或'https://10.0.0.5:8443'
    rest_type   API的路径,如'/oapi/v1/job/create'
    data_json   API的参数:dict,或内容为JSON对象的文本;没有参数时可以不给。不会被修改
    mode        get、put、post或delete,大小写都可以
    port        端口,数字或文本;443、空文本和None表示没有另给端口,以host中的为准
    accesstoken get_token返回的token
    retry       一共尝试几次,1到10
    """
    def fields():
        request = _rpa_call(rest_type, data_json, mode)
        request['accesstoken'] = _rpa_text(accesstoken)
        return request
    return _rpa_answer('rpa_call', host, port, retry, fields)


def get_token(host='', port='', accesskey='', secretkey='', retry=2):
    """用accesskey和secretkey取得token。"""
    def fields():
        return {'accesskey': _rpa_text(accesskey), 'secretkey': _rpa_text(secretkey)}
    return _rpa_answer('rpa_get_token', host, port, retry, fields)


def refresh_token(host='', port='', refleshtoken='', retry=2):
    """用refresh token换取新的token。"""
    def fields():
        return {'refleshtoken': _rpa_text(refleshtoken)}
    return _rpa_answer('rpa_refresh_token', host, port, retry, fields)


# ======================================== 以下不需要修改 ========================================

# 意外情况下的code和msg的开头。
_RPA_UNEXPECTED = {
    'rpa_call': (40, 'fail,意外情况'),
    'rpa_get_token': (44, 'fail,获取token失败'),
    'rpa_refresh_token': (44, 'fail,刷新token失败'),
}


class _RpaFailure(Exception):
    """知道原因的失败。code和msg的开头默认是意外情况的。"""

    def __init__(self, cause, code=None, begin=None):
        Exception.__init__(self, cause)
        self.cause, self.code, self.begin = cause, code, begin


def _rpa_answer(function, host, port, retry, fields):
    """调用动态库的一个函数,返回平台的应答;任何失败都作为返回值。fields在这里才执行,它的失败也在其中。"""
    try:
        request = _rpa_common(host, port, retry)
        request.update(fields())
        return _rpa_ask(function, request)
    except _RpaFailure as failure:
        code, begin = _RPA_UNEXPECTED[function]
        if failure.code is not None:
            code, begin = failure.code, failure.begin
        else:
            begin += ':'
        return {'code': code, 'msg': begin + failure.cause, 'result': None}
    except Exception as error:
        # 异常自己的文字里可能有密钥,所以只说类型和位置。
        code, begin = _RPA_UNEXPECTED[function]
        place, trace = 0, error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == _rpa_answer.__code__.co_filename:
                place = trace.tb_lineno
            trace = trace.tb_next
        cause = '%s:程序异常%s,在GlobalFun.py的第%d行' % (begin, type(error).__name__, place)
        return {'code': code, 'msg': cause, 'result': None}


def _rpa_common(host, port, retry):
    """各个函数共有的字段。"""
    host = _rpa_text(host)
    request = {
        'host': host.strip() if host is not None else None,
        'retry': _rpa_retry(retry),
        'timeout_ms': RPA_TIMEOUT_MS,
        'connect_timeout_ms': RPA_CONNECT_TIMEOUT_MS,
        'tls': {'verify': RPA_VERIFY},
    }
    if isinstance(port, float) and port.is_integer():
        port = int(port)  # 从Excel读到的整数是8443.0
    port = '' if port is None else str(port).strip()
    # 443是流程中的默认值,意思是没有另给端口:此时host中的端口有效。
    if port not in ('', '443'):
        request['port'] = port
    if RPA_CERT_SHA256:
        request['tls']['pin_sha256'] = RPA_CERT_SHA256.replace(' ', '')
    if RPA_CA_FILE:
        request['tls']['ca_file'] = os.path.join(_rpa_folder(), RPA_CA_FILE)
    if RPA_PROXY != 'system':
        request['proxy'] = None if RPA_PROXY in ('none', '', None) else RPA_PROXY
    return request


def _rpa_call(rest_type, data_json, mode):
    """调用API的字段,密钥或token除外。"""
    path = _rpa_text(rest_type)
    if path and not path.startswith('/'):
        path = '/' + path
    return {
        'rest_type': path,
        'mode': str(mode),
        'data_json': _rpa_parameters(data_json),
        'retry_mode': RPA_RETRY_MODE,
        'encoding': RPA_ENCODING,
    }


def _rpa_keys():
    """设置里的密钥,和token保存在哪里。"""
    settings = [('RPA_HOST', RPA_HOST), ('RPA_ACCESSKEY', RPA_ACCESSKEY), ('RPA_SECRETKEY', RPA_SECRETKEY),
                ('RPA_TOKEN_STORE', RPA_TOKEN_STORE)]
    empty = [name for name, value in settings if not isinstance(value, str) or not value.strip()]
    if empty:
        cause = '请填写GlobalFun.py开头的设置%s,填在引号里' % '、'.join(empty)
        raise _RpaFailure(cause, 41, 'fail,转换URL参数失败!')
    request = {
        'accesskey': RPA_ACCESSKEY.strip(),
        'secretkey': RPA_SECRETKEY.strip(),
        'token_store': _rpa_token_store(RPA_TOKEN_STORE.strip()),
    }
    if RPA_TOKEN_TTL_MS:
        request['token_ttl_ms'] = RPA_TOKEN_TTL_MS
    if RPA_TOKEN_REFUSED:
        request['token_refused'] = RPA_TOKEN_REFUSED
    return request


def _rpa_token_store(place):
    if place.lower() == 'memory':
        return 'memory'
    if place.lower().startswith(('redis://', 'rediss://')):
        return {'redis': place}
    if place.lower() == 'file':
        place = os.path.join(_rpa_user_folder(), 'rpa_openapi', 'token.json')
    elif '://' in place or not any(sign in place for sign in '.\\/'):
        cause = "GlobalFun.py开头的设置RPA_TOKEN_STORE只能是'file'、'memory'、文件的路径或redis://开头的地址"
        raise _RpaFailure(cause, 41, 'fail,转换URL参数失败!')
    return {'file': os.path.join(_rpa_folder(), place)}


def _rpa_user_folder():
    """用户自己的文件夹,不随漫游配置到别的机器上去。找不到时是本文件所在的文件夹。"""
    found = os.environ.get('LOCALAPPDATA' if os.name == 'nt' else 'XDG_CACHE_HOME', '')
    if not os.path.isabs(found) and os.name != 'nt':
        found = os.path.join(os.path.expanduser('~'), '.cache')
    return found if os.path.isabs(found) else _rpa_folder()


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
    def refuse(cause):
        return _RpaFailure(cause, 41, 'fail,转换URL参数失败!')

    if isinstance(data_json, str) and data_json.strip():
        try:
            data_json = json.loads(data_json)
        except (ValueError, RecursionError):
            raise refuse('data_json是文本,但不是有效的JSON')
    elif data_json is None or isinstance(data_json, str):
        data_json = {}
    if not isinstance(data_json, dict):
        raise refuse('data_json必须是dict(或JSON对象的文本),而不是' + type(data_json).__name__)
    texts = {}
    for key, value in data_json.items():
        try:
            texts[key] = value if isinstance(value, str) else str(value)
        except Exception as error:
            name = key if isinstance(key, str) else type(key).__name__
            raise refuse('参数%s的值不能转成文本(%s)' % (name, type(error).__name__))
    try:
        return json.dumps(texts, sort_keys=True)
    except TypeError as error:
        raise refuse('参数的名称必须都是文本(%s)' % error)


def _rpa_ask(function, request):
    """把请求交给动态库,返回读入Python的应答。"""
    library = _rpa_library()
    reply = getattr(library, function)(json.dumps(request).encode('ascii'))
    try:
        text = ctypes.string_at(reply)
    finally:
        library.rpa_free(reply)
    try:
        return json.loads(text.decode('utf-8'))
    except (ValueError, RecursionError) as error:
        # 动态库只返回JSON,但Python读不了太长的整数和太深的嵌套。
        raise _RpaFailure('平台已应答,但应答不能读入Python(%s),请不要直接重新调用' % type(error).__name__)


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
    raise first_failure or _RpaFailure(
        '找不到%s(或%s、%s),请把%d位的这个文件放到文件夹%s中,机器人的Python是%d位的'
        % (names[2], names[0], names[1], bits, folder, bits))


def _rpa_load(path):
    """按绝对路径加载,这样加载的一定是本文件旁边的那一个。"""
    bits = _rpa_bits()
    try:
        found = _rpa_bits_of(path)
        if found not in (None, bits):
            raise _RpaFailure('%s是%d位的,而机器人的Python是%d位的,请换成%d位的' % (path, found, bits, bits))
        library = ctypes.CDLL(path)
    except OSError as error:
        reason = ' '.join(str(error).split())
        raise _RpaFailure('%s不能加载,可能已损坏或不是%d位的(机器人的Python是%d位的):%s' % (path, bits, bits, reason))
    try:
        for function in _RPA_UNEXPECTED:
            getattr(library, function).argtypes = [ctypes.c_char_p]
            # 不能用c_char_p:它得到的是复制的文本,原来的指针就无法释放了。
            getattr(library, function).restype = ctypes.c_void_p
        library.rpa_free.argtypes = [ctypes.c_void_p]
        library.rpa_free.restype = None
    except AttributeError:
        raise _RpaFailure('%s不是rpa_openapi库,请换成%d位的rpa_openapi库(机器人的Python是%d位的)' % (path, bits, bits))
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
