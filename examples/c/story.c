/*
 * The short story of a robot's job, in C99: get a token, start a job with a Chinese parameter, read it back, refresh
 * the token, one call that is refused on purpose, and a look into the way to the control center.
 *
 *     story https://127.0.0.1:8443 FINGERPRINT [PROXY]
 *
 * FINGERPRINT is the SHA-256 fingerprint of the control center's certificate, or - for plain http. PROXY is a proxy's
 * address, or - for none; if it is left out, the system's is used. The exit status is 0 only if every step was as it
 * should be; what was not is said on stderr.
 *
 * It needs rpa_openapi.h and the library beside it, and nothing else:
 *
 *     cc -std=c99 -o story story.c -L. -lrpa_openapi -Wl,-rpath,'$ORIGIN'
 *
 * The names jobNo and params, and the path job/get, are those of the emulator, `control_center --tls`.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#include <windows.h>
#endif

#include "rpa_openapi.h"

#define ACCESS_KEY "demo-access-key"
#define SECRET_KEY "demo-secret-key"
#define NOTE "月结 & 100% 完成" /* this file is UTF-8, as every text that the library takes */

/* --- Texts that grow ---------------------------------------------------------------------------------------------- */

struct text {
    char *bytes; /* from malloc; NULL while it is empty */
    size_t length;
};

/* A program that runs for long would report this to its caller instead. */
static void *checked(void *memory) {
    if (memory == NULL) {
        fprintf(stderr, "story: out of memory\n");
        exit(3);
    }
    return memory;
}

static void add(struct text *text, const char *bytes, size_t length) {
    text->bytes = (char *)checked(realloc(text->bytes, text->length + length + 1));
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

/* --- Writing JSON ------------------------------------------------------------------------------------------------- */

/* Adds a text as a JSON string, with its quotes. */
static void add_string(struct text *json, const char *value) {
    char escape[8];

    add(json, "\"", 1);
    for (; *value != '\0'; value++) {
        if (*value == '"' || *value == '\\') {
            add(json, "\\", 1);
            add(json, value, 1);
        } else if ((unsigned char)*value < 0x20) {
            add(json, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", (unsigned)(unsigned char)*value));
        } else {
            add(json, value, 1);
        }
    }
    add(json, "\"", 1);
}

/*
 * Makes JSON of a pattern, which the caller frees. Each ? in the pattern becomes the next argument as a JSON string,
 * and each $ the next argument as it is.
 */
static char *json(const char *pattern, ...) {
    struct text made = {NULL, 0};
    const char *raw;
    va_list values;

    va_start(values, pattern);
    add(&made, "", 0);
    for (; *pattern != '\0'; pattern++) {
        if (*pattern == '?') {
            add_string(&made, va_arg(values, const char *));
        } else if (*pattern == '$') {
            raw = va_arg(values, const char *);
            add(&made, raw, strlen(raw));
        } else {
            add(&made, pattern, 1);
        }
    }
    va_end(values);
    return made.bytes;
}

/* --- Reading JSON: enough for what the library returns, which is always valid ------------------------------------- */

static const char *skip_space(const char *at) {
    return at + strspn(at, " \t\r\n");
}

/* From the opening quote of a string to behind its closing one. */
static const char *skip_string(const char *at) {
    for (at++; *at != '\0' && *at != '"'; at++) {
        if (*at == '\\' && at[1] != '\0') {
            at++;
        }
    }
    return *at == '"' ? at + 1 : at;
}

/* From the beginning of a value of any kind to behind its end. */
static const char *skip_value(const char *at) {
    int depth = 0;

    for (;;) {
        if (*at == '"') {
            at = skip_string(at);
        } else if (*at == '{' || *at == '[') {
            depth++;
            at++;
        } else if (*at == '}' || *at == ']') {
            depth--;
            at++;
        } else {
            /* A number, true, false, null; within an object or array also what stands between the values. */
            at += strcspn(at, depth > 0 ? "\"{}[]" : ",]} \t\r\n");
        }
        if (depth <= 0 || *at == '\0') {
            return at;
        }
    }
}

/* The four hexadecimal digits of a \u; -1 if they are none. */
static long hex4(const char *at) {
    long unit = 0;
    int digit;

    for (int i = 0; i < 4; i++) {
        if (at[i] >= '0' && at[i] <= '9') {
            digit = at[i] - '0';
        } else if (at[i] >= 'a' && at[i] <= 'f') {
            digit = at[i] - 'a' + 10;
        } else if (at[i] >= 'A' && at[i] <= 'F') {
            digit = at[i] - 'A' + 10;
        } else {
            return -1;
        }
        unit = unit * 16 + digit;
    }
    return unit;
}

static void add_utf8(struct text *text, long code) {
    char bytes[4];
    size_t length;

    if (code < 0x80) {
        bytes[0] = (char)code;
        length = 1;
    } else if (code < 0x800) {
        bytes[0] = (char)(0xC0 | (code >> 6));
        length = 2;
    } else if (code < 0x10000) {
        bytes[0] = (char)(0xE0 | (code >> 12));
        length = 3;
    } else {
        bytes[0] = (char)(0xF0 | (code >> 18));
        length = 4;
    }
    for (size_t i = 1; i < length; i++) {
        bytes[i] = (char)(0x80 | ((code >> (6 * (length - 1 - i))) & 0x3F));
    }
    add(text, bytes, length);
}

/*
 * The text of a JSON string, in UTF-8, which the caller frees. NULL if there is no string, or one that holds \u0000 and
 * so does not fit into a C string. Half a surrogate pair becomes U+FFFD.
 */
static char *string_at(const char *at) {
    static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    struct text text = {NULL, 0};
    const char *end, *escape;
    long code, low;
    size_t plain;

    if (at == NULL || *at != '"') {
        return NULL;
    }
    end = skip_string(at) - 1; /* the closing quote */
    add(&text, "", 0);
    for (at++; at < end;) {
        plain = strcspn(at, "\\\"");
        add(&text, at, plain);
        at += plain;
        if (at >= end) {
            break;
        }
        at++; /* the backslash */
        if (*at != 'u') {
            escape = strchr(escapes, *at);
            if (escape != NULL) {
                add(&text, meanings + (escape - escapes), 1);
            }
            at++;
            continue;
        }
        code = hex4(at + 1);
        if (code <= 0) {
            free(text.bytes);
            return NULL;
        }
        at += 5;
        if (code >= 0xD800 && code <= 0xDBFF && at[0] == '\\' && at[1] == 'u') {
            low = hex4(at + 2);
            if (low >= 0xDC00 && low <= 0xDFFF) {
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
                at += 6;
            }
        }
        add_utf8(&text, code >= 0xD800 && code <= 0xDFFF ? 0xFFFD : code);
    }
    return text.bytes;
}

/* The value of a member of an object; NULL if this is no object, or it has no such member. */
static const char *member(const char *at, const char *name, size_t length) {
    char *key;
    int found;

    if (*at != '{') {
        return NULL;
    }
    for (at = skip_space(at + 1); *at == '"'; at = skip_space(at + 1)) {
        key = string_at(at);
        found = key != NULL && strlen(key) == length && memcmp(key, name, length) == 0;
        free(key);
        at = skip_space(skip_string(at));
        if (*at != ':') {
            break;
        }
        at = skip_space(at + 1);
        if (found) {
            return at;
        }
        at = skip_space(skip_value(at));
        if (*at != ',') {
            break;
        }
    }
    return NULL;
}

/* The value at a path such as "result.params.note"; NULL if there is none. */
static const char *value_at(const char *reply, const char *path) {
    const char *at = skip_space(reply);
    size_t length;

    while (at != NULL && *path != '\0') {
        length = strcspn(path, ".");
        at = member(at, path, length);
        path += length + (path[length] == '.');
    }
    return at;
}

/* The text at a path, which the caller frees; NULL if there is none. */
static char *text_at(const char *reply, const char *path) {
    return string_at(value_at(reply, path));
}

/* --- The calls ---------------------------------------------------------------------------------------------------- */

/* Whether a reply says success, which is "code": 0. If not, says why on stderr. */
static int succeeded(const char *what, const char *reply) {
    const char *code = value_at(reply, "code");
    char *msg, *kind, *detail, *delivered;

    if (code != NULL && skip_value(code) == code + 1 && *code == '0') {
        return 1;
    }
    msg = text_at(reply, "msg");
    kind = text_at(reply, "error.kind"); /* an error of the library has these; a server's own refusal has not */
    detail = text_at(reply, "error.detail");
    delivered = text_at(reply, "error.delivered");
    fprintf(stderr, "story: %s: %s\n", what, msg != NULL ? msg : "the reply has no code and no msg");
    if (kind != NULL && detail != NULL && delivered != NULL) {
        fprintf(stderr, "story: %s: %s, delivered: %s\n", kind, detail, delivered);
    }
    free(delivered);
    free(detail);
    free(kind);
    free(msg);
    return 0;
}

/* Makes one call. Returns the text at a path of the reply, which the caller frees; NULL if it did not succeed. */
static char *ask(const char *what, char *(*function)(const char *), const char *request, const char *path) {
    char *reply = function(request);
    char *found = NULL;

    if (succeeded(what, reply)) {
        found = text_at(reply, path);
        if (found == NULL) {
            fprintf(stderr, "story: %s: the reply has no text %s\n", what, path);
        }
    }
    rpa_free(reply); /* whatever came, once, and not with free() */
    return found;
}

/* Gets both tokens out of one reply, for keys or for a refresh token. The caller frees what is not NULL. */
static int ask_tokens(const char *what, char *(*function)(const char *), const char *request, char **access,
                      char **refresh) {
    char *reply = function(request);
    int right = succeeded(what, reply);

    *access = *refresh = NULL;
    if (right) {
        *access = text_at(reply, "result.accessToken");
        *refresh = text_at(reply, "result.refreshToken");
        right = *access != NULL && *refresh != NULL;
        if (!right) {
            fprintf(stderr, "story: %s: the reply has not both tokens\n", what); /* never print what it has */
        }
    }
    rpa_free(reply);
    return right;
}

/* --- The story ---------------------------------------------------------------------------------------------------- */

/* Every step returns whether all was as it should be. `server` holds the fields that each request begins with. */

static int start_job(const char *server, const char *token, char **job) {
    char *request = json("{$,\"accesstoken\":?,\"mode\":\"post\",\"rest_type\":\"/oapi/v1/job/create\",\"data_json\":"
                         "{\"procCode\":\"P001\",\"robotNo\":\"Administrator@0A1B2C3D4E5F\",\"note\":?}}",
                         server, token, NOTE);

    *job = ask("job/create", rpa_call, request, "result.jobNo");
    free(request);
    if (*job != NULL) {
        printf("job started: ok\n");
    }
    return *job != NULL;
}

static int read_back(const char *server, const char *token, const char *job) {
    char *request = json("{$,\"accesstoken\":?,\"mode\":\"get\",\"rest_type\":\"/oapi/v1/job/get\",\"data_json\":"
                         "{\"jobNo\":?}}",
                         server, token, job);
    char *note = ask("job/get", rpa_call, request, "result.params.note");
    int right = note != NULL && strcmp(note, NOTE) == 0;

    if (right) {
        printf("job read back: %s\n", note);
    } else if (note != NULL) {
        fprintf(stderr, "story: job/get: the note is another: %s\n", note);
    }
    free(note);
    free(request);
    return right;
}

static int refresh_token(const char *server, const char *token, const char *refresh) {
    char *request = json("{$,\"refreshtoken\":?}", server, refresh);
    char *new_token, *new_refresh;
    int right = ask_tokens("refreshing", rpa_refresh_token, request, &new_token, &new_refresh);

    if (right && strcmp(new_token, token) == 0) {
        fprintf(stderr, "story: refreshing: the token is the old one\n");
        right = 0;
    }
    if (right) {
        printf("token refreshed: ok\n");
    }
    free(new_refresh);
    free(new_token);
    free(request);
    return right;
}

/* A field is misspelt, so nothing is sent, and the error names the field. */
static int be_refused(const char *server, const char *token) {
    char *request = json("{$,\"acesstoken\":?,\"mode\":\"get\",\"rest_type\":\"/oapi/v1/job/list\"}", server, token);
    char *reply = rpa_call(request);
    char *kind = text_at(reply, "error.kind"), *field = text_at(reply, "error.field");
    int right = kind != NULL && strcmp(kind, "argument") == 0 && field != NULL && strcmp(field, "acesstoken") == 0;

    if (right) {
        printf("refused on purpose: %s %s\n", kind, field);
    } else {
        fprintf(stderr, "story: the misspelt field is not refused as it should be: %s\n", reply);
    }
    free(field);
    free(kind);
    rpa_free(reply);
    free(request);
    return right;
}

/* The first thing to do where calls fail: the cause in one sentence, in Chinese and in English. Here all is well, so that
 * nothing is printed. */
static int look_into(const char *server) {
    char *request = json("{$}", server);
    char *reply = rpa_diagnose(request);
    char *cause = text_at(reply, "result.verdict.en"), *check = text_at(reply, "result.verdict.check");
    int right = cause != NULL && check == NULL;

    if (!right) {
        fprintf(stderr, "story: the diagnosis: %s\n", cause != NULL ? cause : reply);
    }
    free(check);
    free(cause);
    rpa_free(reply);
    free(request);
    return right;
}

static int tell(const char *server) {
    char *request = json("{$,\"accesskey\":?,\"secretkey\":?}", server, ACCESS_KEY, SECRET_KEY);
    char *token, *refresh, *job = NULL;
    int right;

    printf("version %s\n", rpa_version());
    right = ask_tokens("the token", rpa_get_token, request, &token, &refresh);
    if (right) {
        printf("token: ok\n");
        right = start_job(server, token, &job) && read_back(server, token, job) &&
                refresh_token(server, token, refresh) && be_refused(server, token) && look_into(server);
    }
    free(job);
    free(refresh);
    free(token);
    free(request);
    return right;
}

int main(int argc, char **argv) {
    char *tls, *proxy, *server;
    int right;

    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: story <base URL> <fingerprint, or - for plain http> [proxy, or - for none]\n");
        return 2;
    }
#ifdef _WIN32
    SetConsoleOutputCP(CP_UTF8); /* what is printed here is UTF-8 */
#endif
    tls = strcmp(argv[2], "-") == 0 ? json("") : json(",\"tls\":{\"pin_sha256\":?}", argv[2]);
    if (argc == 3) {
        proxy = json("");
    } else {
        proxy = strcmp(argv[3], "-") == 0 ? json(",\"proxy\":null") : json(",\"proxy\":?", argv[3]);
    }
    server = json("\"host\":?$$", argv[1], tls, proxy);
    right = tell(server);
    free(server);
    free(proxy);
    free(tls);
    return right ? 0 : 1;
}
