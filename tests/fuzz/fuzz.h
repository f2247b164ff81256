/* What every fuzz target has in common: LLVMFuzzerTestOneInput(), called by libFuzzer, or by standalone.c for each
 * file. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <apr_general.h>
#include <apr_strings.h>
#include "tds_err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A promise of the code under test is broken. */
#define MUST(x)                                                     \
    do {                                                            \
        if (!(x)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x); \
            abort();                                                \
        }                                                           \
    } while (0)

/* The target: one execution. What pool holds goes afterwards. */
static void one(const uint8_t *data, size_t size, apr_pool_t *pool);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *mine;

    if (!mine) {
        MUST(apr_initialize() == APR_SUCCESS);
        MUST(apr_pool_create(&mine, NULL) == APR_SUCCESS);
    }
    one(data, size, mine);
    apr_pool_clear(mine);
    return 0;
}

/* A copy with nothing behind it, so that an overrun is seen. To be freed. */
static inline char *fuzz_exact(const uint8_t *data, size_t size)
{
    char *exact = malloc(size ? size : 1);

    MUST(exact);
    if (size) memcpy(exact, data, size);
    return exact;
}

#endif
