/*
 * Every function of the library as a C programmer calls it, by rpa_openapi.h alone.
 *
 *     story https://127.0.0.1:8443 <SHA-256 fingerprint of the server's certificate>
 *
 * The server is the emulator of the control center, `control_center --tls`. The exit status is 0 only if everything was
 * as it should be; what was not is said on stderr. Compiles as C99, C11 and C++. With PLANT_LEAK defined it frees no
 * reply, for checking that a search for leaks finds them.
 */
#include "rpa_openapi.h" /* first, so that it must stand on its own */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACCESS_KEY "demo-access-key"
#define SECRET_KEY "demo-secret-key"

/* A known answer of the signing rule, computed with Python. */
#define KNOWN_TOKEN "9f2c4b7e1d5a48c0b3e6a7d812f45c90"
#define KNOWN_DATA "{\"procCode\":\"P001\",\"pageNum\":1,\"pageSize\":20}"
#define KNOWN_SIGNATURE \
    "MDdjYTc1YTUxNjdkMGFlNjQxYWFjNTA2MmUzMzc3MzRhNzg2NWY2ZTBhZjRlMDJlOThjODFkNjMyMTMwZDEwMw=="

/* All that makes a query go wrong: what separates, what escapes, what is not ASCII. */
#define NOTE "月结 & 完成 = 100% + #1 😀"

typedef char *(*rpa_function)(const char *request);

static int failures = 0;

static void check(int right, const char *what) {
    if (!right) {
        fprintf(stderr, "story: not as it should be: %s\n", what);
        failures++;
    }
}

/* Like sprintf, into memory of its own, which the caller frees. */
static char *text(const char *format, ...) {
    va_list values, again;
    int length;
    char *made;

    va_start(values, format);
    va_copy(again, values);
    length = vsnprintf(NULL, 0, format, values);
    va_end(values);
    made = length < 0 ? NULL : (char *)malloc((size_t)length + 1);
    if (made == NULL) {
        fprintf(stderr, "story: out of memory\n");
        exit(3);
    }
    vsnprintf(made, (size_t)length + 1, format, again);
    va_end(again);
    return made;
}

/* The text of a field of a reply, which the caller frees; NULL if there is none. Good for texts without a backslash. */
static char *field(const char *reply, const char *name) {
    char *key = text("\"%s\":\"", name);
    const char *begin = strstr(reply, key);
    const char *end;
    char *value = NULL;

    if (begin != NULL) {
        begin += strlen(key);
        end = strchr(begin, '"');
        if (end != NULL) {
            value = text("%.*s", (int)(end - begin), begin);
        }
    }
    free(key);
    return value;
}

/*
 * Makes one call. The reply must hold `wanted`, and is freed whatever it holds. Returns the text of the field `name`,
 * which the caller frees; NULL if no name was given, or the reply has no such field.
 */
static char *call(const char *what, rpa_function function, const char *request, const char *wanted, const char *name) {
    char *reply = function(request);
    char *value = NULL;

    if (reply == NULL) {
        fprintf(stderr, "story: %s: the reply is NULL\n", what);
        failures++;
        return NULL;
    }
    if (strstr(reply, wanted) == NULL) {
        fprintf(stderr, "story: %s: the reply has no %s: %s\n", what, wanted, reply);
        failures++;
    } else if (name != NULL) {
        value = field(reply, name);
        if (value == NULL) {
            fprintf(stderr, "story: %s: the reply has no text %s\n", what, name);
            failures++;
        }
    }
#ifndef PLANT_LEAK
    rpa_free(reply);
#endif
    return value;
}

static void the_versions_agree(void) {
    char *numbers =
        text("%d.%d.%d", RPA_OPENAPI_VERSION_MAJOR, RPA_OPENAPI_VERSION_MINOR, RPA_OPENAPI_VERSION_PATCH);
    size_t length = strlen(numbers);

    check(strcmp(rpa_version(), RPA_OPENAPI_VERSION) == 0, "the library has the version of the header");
    /* The three numbers, and then the end or a suffix such as "-rc.1": strchr finds the NUL too. */
    check(strncmp(RPA_OPENAPI_VERSION, numbers, length) == 0 && strchr("-+", RPA_OPENAPI_VERSION[length]) != NULL,
          "the macros of the header have one version");
    free(numbers);
}

static void null_is_answered(void) {
    call("rpa_get_token(NULL)", rpa_get_token, NULL, "\"kind\":\"argument\"", NULL);
    call("rpa_refresh_token(NULL)", rpa_refresh_token, NULL, "\"kind\":\"argument\"", NULL);
    call("rpa_call(NULL)", rpa_call, NULL, "\"kind\":\"argument\"", NULL);
    call("rpa_sign(NULL)", rpa_sign, NULL, "\"kind\":\"argument\"", NULL);
    rpa_free(NULL);
}

static void the_known_answer_is_given(void) {
    char *signature = call("rpa_sign", rpa_sign,
                           "{\"host\":\"https://control-center.example\",\"rest_type\":\"/oapi/v1/job/list\","
                           "\"mode\":\"get\",\"accesstoken\":\"" KNOWN_TOKEN "\",\"timestamp\":1606694400000,"
                           "\"data_json\":" KNOWN_DATA "}",
                           "\"code\":0", "signature");

    check(signature != NULL && strcmp(signature, KNOWN_SIGNATURE) == 0, "the signature is the known answer");
    free(signature);
}

/* A signed GET to the emulator's echo, which answers the query as it decoded it. */
static void a_value_arrives_whole(const char *server, const char *token) {
    char *request = text("{%s,\"accesstoken\":\"%s\",\"rest_type\":\"/oapi/v1/echo\",\"mode\":\"get\","
                         "\"data_json\":{\"note\":\"%s\"}}",
                         server, token, NOTE);

    call("rpa_call", rpa_call, request, "[\"note\",\"" NOTE "\"]", NULL);
    free(request);
}

/* A new access token for a refresh token; the caller frees it. */
static char *refreshed(const char *server, const char *refresh_token) {
    char *request = text("{%s,\"refreshtoken\":\"%s\"}", server, refresh_token);
    char *access_token = call("rpa_refresh_token", rpa_refresh_token, request, "\"code\":0", "accessToken");

    free(request);
    return access_token;
}

/* Gets both tokens in one call: the reply is read here, twice, and then freed. */
static void get_tokens(const char *server, char **access_token, char **refresh_token) {
    char *request = text("{%s,\"accesskey\":\"" ACCESS_KEY "\",\"secretkey\":\"" SECRET_KEY "\"}", server);
    char *reply = rpa_get_token(request);

    free(request);
    *access_token = reply == NULL ? NULL : field(reply, "accessToken");
    *refresh_token = reply == NULL ? NULL : field(reply, "refreshToken");
    if (*access_token == NULL || *refresh_token == NULL) {
        fprintf(stderr, "story: rpa_get_token: the reply has not both tokens: %s\n", reply == NULL ? "NULL" : reply);
        failures++;
    }
#ifndef PLANT_LEAK
    rpa_free(reply);
#endif
}

int main(int argc, char **argv) {
    char *server, *access_token, *refresh_token, *new_token;

    if (argc != 3) {
        fprintf(stderr, "usage: story <base URL> <fingerprint>\n");
        return 2;
    }
    /* The fields that each request to the server begins with. */
    server = text("\"host\":\"%s\",\"tls\":{\"pin_sha256\":\"%s\"},\"proxy\":null", argv[1], argv[2]);

    the_versions_agree();
    null_is_answered();
    the_known_answer_is_given();

    get_tokens(server, &access_token, &refresh_token);
    if (access_token != NULL && refresh_token != NULL) {
        a_value_arrives_whole(server, access_token);
        new_token = refreshed(server, refresh_token);
        if (new_token != NULL) {
            check(strcmp(new_token, access_token) != 0, "a refreshed token is another one");
            a_value_arrives_whole(server, new_token);
        }
        free(new_token);
    }
    free(refresh_token);
    free(access_token);
    free(server);

    if (failures > 0) {
        return 1;
    }
    printf("story: all as it should be, version %s\n", rpa_version());
    return 0;
}
