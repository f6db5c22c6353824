/* Preloaded, it makes the lookup of names that end with ".hung" wait for as long as the file GATE exists, as a resolver
 * that nobody answers does. They are then found at 127.0.0.1. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int lookup(const char *, const char *, const struct addrinfo *, struct addrinfo **);

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
    lookup *real;
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    size_t length = name == NULL ? 0 : strlen(name);
    if (length < 5 || strcmp(name + length - 5, ".hung") != 0) return real(name, service, hints, found);
    while (access(getenv("GATE"), F_OK) == 0) usleep(5000);
    return real("127.0.0.1", service, hints, found);
}
