/* Calls on two threads, while the main thread changes the environment all the time: a library that reads the environment
 * then reads memory that is no longer there (run with MALLOC_PERTURB_ set, so that this memory holds nothing of use). The
 * first argument is the request, the second for how many rounds variables are set and taken away. Prints how many calls
 * were made. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "rpa_openapi.h"

/* So many that to search them takes a while, and so few that their list lies among other memory and moves as it grows. */
#define FEWEST 3000
#define MOST 9000

static const char *request;
static atomic_int ended;
static atomic_long calls;

static void *call(void *unused)
{
    while (!atomic_load(&ended)) {
        rpa_free(rpa_call(request));
        atomic_fetch_add(&calls, 1);
    }
    return unused;
}

/* Sets a variable or takes it away, and has memory of its own in between, as every host has: it lies behind the list of the
 * variables, which then has to move to grow. */
static void change(int number, int set)
{
    static void *others[64];
    char name[32];
    snprintf(name, sizeof name, "CHANGED_%d", number);
    if (set)
        setenv(name, "x", 1);
    else
        unsetenv(name);
    free(others[number % 64]);
    others[number % 64] = malloc(4000 + 16 * (size_t)(number % 64));
}

int main(int count, char **arguments)
{
    pthread_t threads[2];
    int rounds = count > 2 ? atoi(arguments[2]) : 0;
    if (rounds <= 0) return 2;
    request = arguments[1];
    for (int number = 0; number < FEWEST; number++) change(number, 1);
    /* What has to be read is read now. */
    rpa_free(rpa_call(request));
    for (int i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, call, NULL) != 0) return 3;
    for (int round = 0; round < rounds; round++) {
        for (int number = FEWEST; number < MOST; number++) change(number, 1);
        for (int number = MOST; number-- > FEWEST;) change(number, 0);
    }
    atomic_store(&ended, 1);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    printf("calls: %ld\n", atomic_load(&calls));
    return 0;
}
