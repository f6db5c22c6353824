/* The library, through its C interface. */
#include "peer.h"
#include "rpa_openapi.h"

static char *request;

static void peer_start(const struct task *task)
{
    char *padding = allocate((size_t)task->bytes + 1);
    memset(padding, 'x', (size_t)task->bytes);
    padding[task->bytes] = 0;
    size_t size = strlen(task->base) + strlen(task->path) + strlen(task->ca) + (size_t)task->bytes + 512;
    request = allocate(size);
    snprintf(request, size,
             "{\"host\":\"%s\",\"proxy\":null,%s%s%s\"rest_type\":\"%s\",\"mode\":\"%s\",\"accesstoken\":\"" TOKEN "\",\"data_json\":%s%s%s}",
             task->base, *task->ca ? "\"tls\":{\"ca_file\":\"" : "", task->ca, *task->ca ? "\"}," : "", task->path,
             task->bytes ? "put" : "get", task->bytes ? "{\"note\":\"" : "", padding,
             task->bytes ? "\"}" : "{\"procName\":\"月结报表\",\"robotName\":\"财务部-机器人01\",\"pageNum\":1,\"pageSize\":20}");
    free(padding);
}

static void *peer_open(const struct task *task)
{
    (void)task;
    return NULL;
}

static void peer_call(const struct task *task, void *handle)
{
    (void)task;
    (void)handle;
    char *reply = rpa_call(request);
    check(reply);
    rpa_free(reply);
}

static void peer_close(void *handle)
{
    (void)handle;
}
