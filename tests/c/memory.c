/* Makes a call, frees the reply, wipes its own copies, and counts what remains of secrets in its own memory.
 *
 * Reads lines of hexadecimal digits, each byte XORed with MASK, so that no secret stands here but in the request that is
 * called with: first the name of the function, then the request, then what to look for. Prints, for each of those, how
 * often it was found while the reply lived and how often after it was freed, and then where. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rpa_openapi.h"

#define MASK 0x5a
#define LINES 64

static char *lines[LINES];
static size_t lengths[LINES];

static int digit(int c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* The rest of stdin, into memory that stays masked. */
static int read_lines(void)
{
    int count = 0;
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    while (count < LINES && (length = getline(&line, &size, stdin)) > 0) {
        lengths[count] = (size_t)length / 2;
        lines[count] = malloc(lengths[count] + 1);
        for (size_t i = 0; i < lengths[count]; i++)
            lines[count][i] = (char)(digit(line[2 * i]) * 16 + digit(line[2 * i + 1]));
        count++;
    }
    free(line);
    return count;
}

static void unmask(char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) text[i] ^= MASK;
}

/* How often a masked text stands unmasked in a region, which may be unmapped under our hands: so it is read as a file. */
static int count_in(int memory, uint64_t from, uint64_t to, const char *masked, size_t length)
{
    static unsigned char piece[1 << 16];
    int found = 0;
    for (uint64_t at = from; at < to; at += sizeof piece - 256) {
        size_t wanted = to - at < sizeof piece ? (size_t)(to - at) : sizeof piece;
        ssize_t got = pread(memory, piece, wanted, (off_t)at);
        if (got < (ssize_t)length) continue;
        size_t end = (size_t)got - length + 1;
        if (end > sizeof piece - 256) end = sizeof piece - 256;
        for (size_t i = 0; i < end; i++) {
            size_t same = 0;
            while (same < length && piece[i + same] == (unsigned char)(masked[same] ^ MASK)) same++;
            found += same == length;
        }
    }
    /* What was read must not be found the next time. */
    memset(piece, 0, sizeof piece);
    return found;
}

/* How often it stands in all memory that can be written. */
static int count_all(const char *masked, size_t length, int tell)
{
    char line[512];
    int found = 0, memory = open("/proc/self/mem", O_RDONLY);
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, maps) != NULL) {
        uint64_t from, to;
        char rights[8], name[256] = "";
        if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %255s", &from, &to, rights, name) < 3 || rights[1] != 'w') continue;
        int here = count_in(memory, from, to, masked, length);
        if (here > 0 && tell) printf("  %d in %s\n", here, *name ? name : "memory of its own");
        found += here;
    }
    fclose(maps);
    close(memory);
    return found;
}

int main(void)
{
    int count = read_lines();
    if (count < 3) return 2;
    unmask(lines[0], lengths[0]);
    lines[0][lengths[0]] = 0;
    char *function = lines[0], *request = lines[1];

    unmask(request, lengths[1]);
    request[lengths[1]] = 0;
    char *reply = strcmp(function, "rpa_call") == 0 ? rpa_call(request)
        : strcmp(function, "rpa_sign") == 0 ? rpa_sign(request)
        : strcmp(function, "rpa_get_token") == 0 ? rpa_get_token(request)
                                                 : rpa_refresh_token(request);
    /* No more of it: stdio has a buffer. */
    printf("%.12s\n", reply);
    int before[LINES];
    for (int i = 2; i < count; i++) before[i] = count_all(lines[i], lengths[i], 0);
    /* A leak, planted to show that the search finds one. */
    char *volatile leak = getenv("RPA_PLANT") != NULL ? strdup(request) : NULL;
    rpa_free(reply);
    memset(request, 0, lengths[1]);
    for (int i = 2; i < count; i++) {
        printf("%d %d %d\n", i - 2, before[i], count_all(lines[i], lengths[i], 0));
        count_all(lines[i], lengths[i], 1);
    }
    free(leak);
    return 0;
}
