/* The same call on libcurl, with one handle for each caller, and signed with OpenSSL. The parameters are put into order
 * beforehand; all else is done for each call, as in the library. */
#include "peer.h"
#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

struct parameter {
    const char *name, *value;
};

static const struct parameter parameters[] = {
    { "pageNum", "1" }, { "pageSize", "20" }, { "procName", "月结报表" }, { "robotName", "财务部-机器人01" },
};

struct handle {
    CURL *curl;
    char *reply;
    size_t length, capacity;
    char *text, *source; /* large enough for each step of a signature */
};

static void peer_start(const struct task *task)
{
    (void)task;
    if (curl_global_init(CURL_GLOBAL_ALL) != 0) die("no libcurl", NULL);
}

static size_t receive(char *bytes, size_t size, size_t count, void *argument)
{
    struct handle *handle = argument;
    size *= count;
    if (handle->length + size + 1 > handle->capacity) {
        handle->capacity = (handle->length + size + 1) * 2;
        handle->reply = realloc(handle->reply, handle->capacity);
        if (handle->reply == NULL) die("no memory", NULL);
    }
    memcpy(handle->reply + handle->length, bytes, size);
    handle->length += size;
    handle->reply[handle->length] = 0;
    return size;
}

static void *peer_open(const struct task *task)
{
    struct handle *handle = allocate(sizeof *handle);
    memset(handle, 0, sizeof *handle);
    handle->curl = curl_easy_init();
    handle->text = allocate((size_t)task->bytes + 4096);
    handle->source = allocate((size_t)task->bytes * 3 + 4096);
    curl_easy_setopt(handle->curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(handle->curl, CURLOPT_WRITEDATA, handle);
    curl_easy_setopt(handle->curl, CURLOPT_PROXY, "");
    curl_easy_setopt(handle->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle->curl, CURLOPT_TIMEOUT_MS, 30000L);
    if (*task->ca) curl_easy_setopt(handle->curl, CURLOPT_CAINFO, task->ca);
    return handle;
}

/* Percent-encodes, and returns the end. */
static char *encode(char *out, const char *text, const char *kept)
{
    static const char hex[] = "0123456789ABCDEF";
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        int plain = (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
        if (plain || strchr(kept, byte) != NULL) {
            *out++ = *text;
        } else {
            *out++ = '%';
            *out++ = hex[byte >> 4];
            *out++ = hex[byte & 15];
        }
    }
    *out = 0;
    return out;
}

static void sign(struct handle *handle, const char *timestamp, char *signature)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    char hex[65];
    strcat(handle->text, "&token=" TOKEN "&timestamp=");
    strcat(handle->text, timestamp);
    char *end = encode(handle->source, handle->text, "-_.~/");
    HMAC(EVP_sha256(), TOKEN, (int)strlen(TOKEN), (unsigned char *)handle->source, (size_t)(end - handle->source), digest, &length);
    for (unsigned i = 0; i < length; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    EVP_EncodeBlock((unsigned char *)signature, (unsigned char *)hex, 64);
}

static void peer_call(const struct task *task, void *argument)
{
    struct handle *handle = argument;
    char url[4096], timestamp[32], signature[128], header[256];
    struct curl_slist *headers = NULL;
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    snprintf(timestamp, sizeof timestamp, "%lld", time.tv_sec * 1000LL + time.tv_nsec / 1000000);

    char *end = url + snprintf(url, sizeof url, "%s%s", task->base, task->path);
    char *text = handle->text;
    if (task->bytes == 0) {
        for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
            *end++ = i == 0 ? '?' : '&';
            end = encode(end, parameters[i].name, "-_.~");
            *end++ = '=';
            end = encode(end, parameters[i].value, "-_.~");
            text += sprintf(text, "%s%s=%s", i == 0 ? "" : "&", parameters[i].name, parameters[i].value);
        }
    } else {
        text += sprintf(text, "{\"note\": \"");
        memset(text, 'x', (size_t)task->bytes);
        strcpy(text + task->bytes, "\"}");
        curl_easy_setopt(handle->curl, CURLOPT_CUSTOMREQUEST, "PUT");
        curl_easy_setopt(handle->curl, CURLOPT_POSTFIELDSIZE, (long)strlen(handle->text));
        curl_easy_setopt(handle->curl, CURLOPT_COPYPOSTFIELDS, handle->text);
        headers = curl_slist_append(headers, "content-type: application/json;charset=utf-8");
        headers = curl_slist_append(headers, "expect:");
    }
    sign(handle, timestamp, signature);
    headers = curl_slist_append(headers, "accesstoken: " TOKEN);
    snprintf(header, sizeof header, "timestamp: %s", timestamp);
    headers = curl_slist_append(headers, header);
    snprintf(header, sizeof header, "signature: %s", signature);
    headers = curl_slist_append(headers, header);
    curl_easy_setopt(handle->curl, CURLOPT_URL, url);
    curl_easy_setopt(handle->curl, CURLOPT_HTTPHEADER, headers);
    handle->length = 0;
    CURLcode result = curl_easy_perform(handle->curl);
    if (result != CURLE_OK) die("libcurl", curl_easy_strerror(result));
    curl_slist_free_all(headers);
    check(handle->reply);
}

static void peer_close(void *argument)
{
    struct handle *handle = argument;
    curl_easy_cleanup(handle->curl);
    free(handle->reply);
    free(handle->text);
    free(handle->source);
    free(handle);
}
