/* Rows of a record: how a C structure becomes the compact bytes that are sealed and stored. Each member
 * is one row {tag, kind, offset}. A member that is absent (NULL, 0) takes no byte. A tag is never
 * reused. Rows that a release does not know are kept to the byte and saved again, so nodes of two releases can share a store. */
#ifndef TDS_REC_H
#define TDS_REC_H

#include <stddef.h>
#include "tds_err.h"
#include "tds_hash.h"

typedef enum tds_rec_kind_e {
    TDS_REC_STR,   /* const char * */
    TDS_REC_U32,   /* unsigned */
    TDS_REC_I64,   /* apr_int64_t: times in microseconds */
    TDS_REC_BYTES, /* tds_bytes_t */
    TDS_REC_REST,  /* tds_bytes_t, one such row with tag 0: all rows with tags that no other row has, as they were */
} tds_rec_kind_e;

typedef struct tds_rec_row_t {
    unsigned char tag; /* 1..255 */
    tds_rec_kind_e kind;
    apr_size_t offset;
} tds_rec_row_t;

/* The bytes live in pool and are wiped with it: records hold card data. */
apr_status_t tds_rec_encode(unsigned char **out, apr_size_t *outlen, const tds_rec_row_t *rows, int nrows,
                            const void *record, apr_pool_t *pool);

/* Of a U32 that is used as an index, or as a set of bits: what there may be of it. */
typedef struct tds_rec_bound_t {
    apr_size_t offset;
    unsigned count; /* the value is less than this */
} tds_rec_bound_t;

/* APR_EINVAL: a newer release, or somebody else, has written a value that this one does not know. */
apr_status_t tds_rec_check(const void *record, const tds_rec_bound_t *bounds, int nbounds);

/* Strings and bytes are copied into pool. Members without a row in the bytes are left as they are; without a row of kind REST
 * unknown rows are skipped. APR_EINVAL: not what tds_rec_encode makes. */
apr_status_t tds_rec_decode(void *record, const tds_rec_row_t *rows, int nrows, const unsigned char *bytes,
                            apr_size_t len, apr_pool_t *pool);

#endif
