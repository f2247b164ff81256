/* Nanoseconds per message of each file given: the bare jansson parse (json_loadb() as it is, and with
 * JSON_REJECT_DUPLICATES, which the codec uses), and decode and check by the codec. Median of rounds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <apr_general.h>
#include "tds_msg.h"

#define ROUNDS 21

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void once_bare(const char *text, size_t len, apr_pool_t *pool)
{
    json_decref(json_loadb(text, len, 0, NULL));
}

static void once_parse(const char *text, size_t len, apr_pool_t *pool)
{
    json_decref(json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL));
}

static int bad;

static void once_decode(const char *text, size_t len, apr_pool_t *pool)
{
    tds_msg_t *msg;
    tds_err_t err;

    tds_err_init(&err, pool);
    bad += tds_msg_decode(&msg, text, len, NULL, pool, &err) != APR_SUCCESS;
    apr_pool_clear(pool);
}

static double per_call(void (*fn)(const char *, size_t, apr_pool_t *), const char *text, size_t len, int n, apr_pool_t *pool)
{
    double start = now_ns();
    int i;

    for (i = 0; i < n; ++i) fn(text, len, pool);
    return (now_ns() - start) / n;
}

static void measure(const char *path, apr_pool_t *pool)
{
    static char text[65536];
    double bare[ROUNDS], parse[ROUNDS], decode[ROUNDS];
    FILE *f = fopen(path, "rb");
    size_t len;
    int i, n;

    if (!f) exit(1);
    len = fread(text, 1, sizeof text, f);
    (void)fclose(f);
    bad = 0;
    n = (int)(2e6 / per_call(once_parse, text, len, 20, pool)) + 1; /* 2 ms a round */
    for (i = 0; i < ROUNDS; ++i) { /* one after the other, so that a noisy minute hits both */
        bare[i] = per_call(once_bare, text, len, n, pool);
        parse[i] = per_call(once_parse, text, len, n, pool);
        decode[i] = per_call(once_decode, text, len, n, pool);
    }
    qsort(bare, ROUNDS, sizeof *bare, by_value);
    qsort(parse, ROUNDS, sizeof *parse, by_value);
    qsort(decode, ROUNDS, sizeof *decode, by_value);
    printf("%-58s %6zu bytes  bare %7.0f ns  no duplicates %7.0f ns  decode %7.0f ns  ratio %.2f, %.2f%s\n", path, len,
           bare[ROUNDS / 2], parse[ROUNDS / 2], decode[ROUNDS / 2], decode[ROUNDS / 2] / bare[ROUNDS / 2],
           decode[ROUNDS / 2] / parse[ROUNDS / 2], bad ? "  (refused)" : "");
}

int main(int argc, char **argv)
{
    apr_pool_t *pool;
    int i;

    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS) return 1;
    for (i = 1; i < argc; ++i) measure(argv[i], pool);
    return 0;
}
