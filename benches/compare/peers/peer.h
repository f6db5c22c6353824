/* What the peers in C share: their arguments, their threads and their clock. A peer includes this, and defines the four
 * functions below. */
#ifndef PEER_H
#define PEER_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The arguments, each as `name=value`. */
struct task {
    const char *base;  /* http://127.0.0.1:8080 */
    const char *ca;    /* a PEM file, or "" */
    const char *path;  /* /oapi/v1/job/list */
    long threads, warmup, calls;
    long bytes;        /* 0: a get with a few parameters; else a put with one so long */
};

static void peer_start(const struct task *task);           /* once, before the threads */
static void *peer_open(const struct task *task);           /* one caller's handle */
static void peer_call(const struct task *task, void *handle);
static void peer_close(void *handle);

#define TOKEN "9f2c4b7e1d5a48c0b3e6a7d812f45c90"

static void die(const char *why, const char *what)
{
    fprintf(stderr, "%s: %s\n", why, what == NULL ? "" : what);
    exit(1);
}

static void *allocate(size_t size)
{
    void *memory = malloc(size);
    if (memory == NULL) die("no memory", NULL);
    return memory;
}

/* A reply counts only if it is the server's, and whole. */
static void check(const char *reply)
{
    size_t length = strlen(reply);
    if (strstr(reply, "\"code\":0") == NULL || reply[length - 1] != '}') die("an unexpected reply", reply);
}

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

struct caller {
    const struct task *task;
    pthread_barrier_t *start;
    long long *took; /* one for each call */
    pthread_t thread;
};

static void *run(void *argument)
{
    struct caller *caller = argument;
    void *handle = peer_open(caller->task);
    for (long i = 0; i < caller->task->warmup; i++) peer_call(caller->task, handle);
    pthread_barrier_wait(caller->start);
    for (long i = 0; i < caller->task->calls; i++) {
        long long begun = now();
        peer_call(caller->task, handle);
        caller->took[i] = now() - begun;
    }
    pthread_barrier_wait(caller->start);
    peer_close(handle);
    return NULL;
}

static struct task read_task(int count, char **arguments)
{
    struct task task = { "", "", "", 1, 0, 1, 0 };
    for (int i = 1; i < count; i++) {
        char *value = strchr(arguments[i], '=');
        if (value == NULL) die("not name=value", arguments[i]);
        *value++ = 0;
        if (strcmp(arguments[i], "base") == 0) task.base = value;
        else if (strcmp(arguments[i], "ca") == 0) task.ca = value;
        else if (strcmp(arguments[i], "path") == 0) task.path = value;
        else if (strcmp(arguments[i], "threads") == 0) task.threads = atol(value);
        else if (strcmp(arguments[i], "warmup") == 0) task.warmup = atol(value);
        else if (strcmp(arguments[i], "calls") == 0) task.calls = atol(value);
        else if (strcmp(arguments[i], "bytes") == 0) task.bytes = atol(value);
        else die("an unknown argument", arguments[i]);
    }
    return task;
}

/* VmRSS, the resident memory now, or VmHWM, the most that it ever was. */
static long resident_kib(const char *name)
{
    char line[256];
    long kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    if (status == NULL) die("no /proc", NULL);
    while (fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, name, strlen(name)) == 0) kib = atol(line + strlen(name) + 1);
    fclose(status);
    return kib;
}

/* Prints the resident memory before and after the calls and at its peak, how long all calls took, and how long each did. */
int main(int count, char **arguments)
{
    struct task task = read_task(count, arguments);
    struct caller *callers = allocate((size_t)task.threads * sizeof *callers);
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, (unsigned)task.threads + 1);
    peer_start(&task);
    for (long i = 0; i < task.threads; i++) {
        long long *took = allocate((size_t)task.calls * sizeof *took);
        memset(took, 0, (size_t)task.calls * sizeof *took); /* so that it is resident before the calls */
        callers[i] = (struct caller){ .task = &task, .start = &start, .took = took };
    }
    long before = resident_kib("VmRSS");
    for (long i = 0; i < task.threads; i++)
        if (pthread_create(&callers[i].thread, NULL, run, &callers[i]) != 0) die("no thread", NULL);
    pthread_barrier_wait(&start);
    long long begun = now();
    pthread_barrier_wait(&start);
    long long wall = now() - begun;
    for (long i = 0; i < task.threads; i++) pthread_join(callers[i].thread, NULL);
    printf("resident %ld %ld %ld\nwall %lld\n", before, resident_kib("VmRSS"), resident_kib("VmHWM"), wall);
    for (long i = 0; i < task.threads; i++)
        for (long call = 0; call < task.calls; call++) printf("%lld\n", callers[i].took[call]);
    return 0;
}

#endif
