/* Inside of a snapshot of card ranges. For srv_ranges.c, srv_load.c and nobody else. */
#ifndef SRV_RANGES_INT_H
#define SRV_RANGES_INT_H

#include "srv_ranges.h"

#define SRV_DIGITS_MIN 13
#define SRV_DIGITS_MAX 19

/* tag: digits - 13, what to do, and the order of changes. */
#define SRV_TAG(digits, action, order) \
    ((apr_uint32_t)((digits)-SRV_DIGITS_MIN) << 29 | (apr_uint32_t)(action) << 27 | (order))
#define SRV_TAG_DIGITS(tag) ((int)((tag) >> 29) + SRV_DIGITS_MIN)
#define SRV_TAG_ACTION(tag) ((tag) >> 27 & 3)
#define SRV_TAG_ORDER(tag)  ((tag)&SRV_ORDER_MAX)
#define SRV_ORDER_MAX       0x7ffffffu

typedef struct srv_row_t {
    apr_uint64_t start, end; /* 19 digits fit: 10^19 < 2^64 */
    apr_uint32_t profile;    /* where it stands in profiles */
    apr_uint32_t tag;
} srv_row_t;

/* What ranges have in common. No padding: it is compared as bytes. */
typedef struct srv_profile_t {
    const srv_ds_t *ds;
    apr_uint64_t info[TDS_V_COUNT][2]; /* acsInfoInd by version: bit n of 128 */
    apr_uint32_t url[TDS_V_COUNT];     /* where it stands in urls; 0: none */
    apr_uint32_t acs, dss;             /* TDS_VER_BIT; dss 0: those of the PRes */
    apr_uint32_t unused[2];
} srv_profile_t;

/* Records one behind the other, each once. */
typedef struct srv_store_t {
    char *bytes;
    apr_size_t len, cap;
    apr_size_t fixed;    /* length of a record; 0: texts that end with NUL */
    apr_uint32_t *slots; /* place + 1 by hash; 0: free */
    apr_size_t nslots, used;
} srv_store_t;

struct srv_ranges_t {
    srv_row_t *rows; /* by digits, then start */
    apr_size_t n;
    apr_size_t first[SRV_DIGITS_MAX + 2]; /* of the rows with so many digits */
    srv_store_t profiles, urls;
    unsigned dss; /* of the PRes */
};

/* An empty one that goes with pool. */
srv_ranges_t *srv_ranges_new(apr_pool_t *pool);

/* Digits of a card number, or 0; its value. */
int srv_digits_of(const char *text, apr_size_t len);
apr_uint64_t srv_number_of(const char *text);

/* Where the record stands, put there if it was not; 0 when out of memory. */
apr_uint32_t srv_store_put(srv_store_t *store, const void *record, apr_size_t len);
void srv_store_drop(srv_store_t *store);

/* By digits, start, end, order. */
int srv_row_order(const void *a, const void *b);

/* By srv_row_order(). */
void srv_rows_sort(srv_row_t *rows, apr_size_t n);

/* Sort its rows, find the first of each length. */
void srv_ranges_sort(srv_ranges_t *ranges);

#endif
