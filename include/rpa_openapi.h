/*
 * rpa_openapi: calls the OpenAPI of an RPA control center (iS-RPA 9, 10.3, 2020.4 and later).
 *
 * Conventions
 *   Texts      Requests and replies are NUL-terminated JSON objects in UTF-8.
 *   Replies    A reply is never NULL and always JSON, whatever came in: NULL, bytes that are not UTF-8, text that is not
 *              JSON. It is the server's own JSON, byte for byte, or {"code":...,"msg":...,"result":null,"error":{...}}.
 *   Ownership  The caller owns a reply and frees it once, with rpa_free, from any thread. Never with free().
 *              A reply is read, not written into. A request stays the caller's; the library keeps no pointer to it.
 *   Threads    Every function may be called from any number of threads at once. No init call, no settings left behind.
 *   Time       A call blocks until it has an answer, and never longer than its timeout_ms (default 30000);
 *              with wait, resume or pages not longer than that and their own.
 *   Loading    Load the library once and leave it loaded: it keeps idle connections and tokens for further calls.
 *   Tokens     rpa_call and rpa_sign take accesskey and secretkey in place of accesstoken. The library then gets the token,
 *              keeps it (in token_store), renews it before it ends, and replaces one that the server refuses.
 *   Calling    C (cdecl), on 32-bit Windows too.
 *
 * Common fields of a request (defaults in brackets)
 *   host                text, required: https://name-or-ip[:port][/prefix]; http:// works too
 *   port                1..65535, wins over a port in host [443, or 80 for http]
 *   retry               1..10, attempts in all [2]
 *   timeout_ms          1..600000, for the whole call [30000]
 *   connect_timeout_ms  1..600000, for one connection [10000]
 *   keep_alive_ms       0..600000, how long an idle connection may wait; 0 closes it after each call [5000]
 *   proxy               http://[user:password@]host:port or socks5://..., null or "" for none [the system's]
 *   tls                 {"verify":true,"ca_file":"PEM file","pin_sha256":...} [verify]; the last is a fingerprint or a
 *                       list of them, of the certificate (hex) or of its key ("spki:<hex>", "sha256//<Base64>")
 *   headers             object of text: further headers [none]
 *   max_response_bytes  1..1073741824, a longer reply is refused [16777216]
 *   generation          of the control center: "2020.4", "2020.5" (and 2021.1), "10.3", "9"; a field that does not belong
 *                       to it is refused ["2020.4"]
 *   meta                true: the reply is {"reply":<as it would be without>,"meta":{...}}, with facts and warnings [false]
 *   request_id          true: requests carry X-Request-Id, the id of their call [false]
 *   log                 {"folder":"path","level":"error|warn|info|debug","keep_days":14}: a line of JSON a call, in a file a day
 *                       [what RPA_OPENAPI_LOG=<folder> and RPA_OPENAPI_LOG_LEVEL say]; null for none
 *
 * Fields of rpa_call and rpa_sign
 *   rest_type           the API's path, required: begins with /, without ? and #
 *   mode                get, post, put or delete, required
 *   data_json           object, or text that holds one: the parameters [{}]
 *   accesstoken         the token, or in its place accesskey and secretkey; required
 *   appkey              in generation 10.3, in place of these
 *   action              in generation 9, in place of rest_type; needs neither mode nor keys (token: what its form has so)
 *   values              "python", "json", "native": how a value that is no text is written ["python"]
 *   encoding            "auto", "python", "java": which percent-encoding is signed; auto: python, and where the server
 *                       refuses that java, and what works is remembered ["auto"; 10.3 "java", 9 "python"]
 *   signature_refused   how this server refuses a signature, as token_refused
 *                       [{"http_status":[],"code":[],"msg":["sign","\u7b7e\u540d","\u9a8c\u7b7e"]}]
 *   retry_mode          "safe", "always": whether a post is sent again although it may have arrived ["safe"]
 *   query               "params", "none": whether a post's parameters stand in the URL beside the body ["params"]
 *   empty_ok            true: an empty reply with a status of success is a success [false]
 *   wait                {"rest_type","mode","data_json","until","fail","every_ms","timeout_ms","resume_file","keep_file"}:
 *                       after the call asks until it is over; this may block for days, see docs/long-work.md [none]
 *   resume              text of an earlier reply or error: goes on waiting, and starts nothing [none]
 *   pages               {"page","size","items","total","max_pages","timeout_ms"}: gathers a list page by page [none]
 *   files               object of paths, or of {"path","name","type","filename_star"}: files that a post sends [none]
 *   save_to             path, or {"path","overwrite","max_bytes"}: the file that a reply becomes that is no JSON [none]
 *   timestamp           milliseconds since 1970, for rpa_sign alone [now]
 *
 * Fields of rpa_call and rpa_sign with accesskey and secretkey
 *   token_store         "memory", this process; {"file":"path"}, all processes of this machine;
 *                       {"redis":"redis://[user:password@]host:port/db"} or rediss://, all machines ["memory"]
 *   token_ttl_ms        1..316224000000, the token's lifetime where the server's reply does not tell it [not known]
 *   token_refused       how this server refuses a token: by HTTP status, by code, or where code is not 0 by a piece of msg
 *                       [{"http_status":[401],"code":[401],"msg":["token","\u4ee4\u724c"]}]
 *   correct_clock       false: timestamps are this machine's, though the server refuses them [true]
 *
 * Fields of rpa_diagnose beside those of rpa_call, of which only host is required
 *   get_token           true: a token may be asked for, which may end another one [false]
 *   settings_from       object of texts: where the value of a field came from, to be shown [none]
 */

#ifndef RPA_OPENAPI_H
#define RPA_OPENAPI_H


/* The version of this header; rpa_version() gives that of the library. */
#define RPA_OPENAPI_VERSION "0.2.0"
#define RPA_OPENAPI_VERSION_MAJOR 0
#define RPA_OPENAPI_VERSION_MINOR 2
#define RPA_OPENAPI_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Gets an access token and a refresh token for an access key and a secret key.
 *
 * Fields of the request beside the common ones: accesskey, secretkey.
 * Returns the server's JSON as it came, or an error object; its code is then 44.
 * The caller owns the reply and frees it once, with rpa_free. Blocks for at most timeout_ms.
 *
 * The caller promises:
 * request is NULL or points to a NUL-terminated text that nobody changes during the call.
 */
char *rpa_get_token(const char *request);

/**
 * Trades a refresh token for a new access token and a new refresh token.
 *
 * Field of the request beside the common ones: refreshtoken (also spelt refleshtoken).
 * Returns the server's JSON as it came, or an error object; its code is then 44.
 * The caller owns the reply and frees it once, with rpa_free. Blocks for at most timeout_ms.
 *
 * The caller promises:
 * request is NULL or points to a NUL-terminated text that nobody changes during the call.
 */
char *rpa_refresh_token(const char *request);

/**
 * Signs one API call, sends it and returns the reply.
 *
 * Fields of the request beside the common ones: rest_type (the API's path), mode (get, post, put, delete),
 * data_json (the parameters), and either accesskey and secretkey or accesstoken; optional: values,
 * encoding, signature_refused, retry_mode, query, empty_ok, generation (with appkey or action in the place of
 * others), and with the keys token_store, token_ttl_ms, token_refused,
 * correct_clock. With the keys the library gets, keeps and renews the token; a call that is refused for its token is
 * made again with a newer one.
 * Returns the server's JSON as it came, whatever the HTTP status, or an error object whose error.delivered says
 * whether calling again is safe.
 * The caller owns the reply and frees it once, with rpa_free. Blocks for at most timeout_ms.
 *
 * The caller promises:
 * request is NULL or points to a NUL-terminated text that nobody changes during the call.
 */
char *rpa_call(const char *request);

/**
 * Signs the same request as rpa_call and does not send it: shows what would go over the wire.
 *
 * Takes the fields of rpa_call, and timestamp (milliseconds since 1970) to sign for another time than now.
 * Returns method, url, headers, body, each stage of the signature, and notes on what may make a server refuse it.
 * Uses no network, unless keys are given and their token has to be got first; then it blocks for at most timeout_ms.
 * The reply holds the token. The caller owns it and frees it once, with rpa_free.
 *
 * The caller promises:
 * request is NULL or points to a NUL-terminated text that nobody changes during the call.
 */
char *rpa_sign(const char *request);

/**
 * Looks at the same request as that of rpa_call from end to end: what is wrong with it first, and whose turn it is.
 *
 * Takes the fields of rpa_call, of which all may be left out but host; get_token (true: a token may be asked for,
 * which may end another one) and settings_from (where a field's value came from, as the host program knows it).
 * Returns a verdict in Chinese and English, each setting and where it came from, and each check with its facts: names,
 * ways, proxy, certificate, what answers, clock, token store, token, signature. It holds no secret.
 * Changes nothing on the control center; a signed call is made only of a get whose rest_type and mode are given.
 * The caller owns the reply and frees it once, with rpa_free. Blocks for at most timeout_ms.
 *
 * The caller promises:
 * request is NULL or points to a NUL-terminated text that nobody changes during the call.
 */
char *rpa_diagnose(const char *request);

/**
 * Frees a reply of any of the functions above, from any thread. NULL is allowed.
 *
 * The caller promises:
 * reply is NULL or a pointer that one of these functions returned, and that was not freed before.
 */
void rpa_free(char *reply);

/**
 * The version of the library, such as "1.2.3": static, and never freed.
 */
const char *rpa_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* RPA_OPENAPI_H */
