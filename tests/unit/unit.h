/* What every unit test begins with: cmocka with what it needs before it, and a fresh pool per test. */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <apr_general.h>
#include <apr_strings.h>
#include "tds_err.h"

static apr_pool_t *pool;
static tds_err_t err;

static inline int unit_setup(void **state)
{
    (void)state;
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) return -1;
    tds_err_init(&err, pool);
    return 0;
}

static inline int unit_teardown(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    return 0;
}

#define UNIT(fn) cmocka_unit_test_setup_teardown(fn, unit_setup, unit_teardown)
#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))
#define assert_ok(expr) assert_int_equal((expr), APR_SUCCESS)

#define UNIT_MAIN(tests)                                                                           \
    int main(void)                                                                                 \
    {                                                                                              \
        int failed;                                                                                \
        if (apr_initialize() != APR_SUCCESS) return 1;                                             \
        failed = cmocka_run_group_tests(tests, NULL, NULL);                                        \
        apr_terminate();                                                                           \
        return failed;                                                                             \
    }

#endif
