#include "tds_rec.h"

#include <limits.h>
#include <string.h>
#include <apr_strings.h>

/* Each row: tag, length as a varint, value. Numbers are big-endian without leading zero bytes. */

static tds_bytes_t number_bytes(unsigned char buf[8], apr_uint64_t v)
{
    int n = 8;

    while (v) {
        buf[--n] = (unsigned char)v;
        v >>= 8;
    }
    return TDS_BYTES(buf + n, (apr_size_t)(8 - n));
}

static tds_bytes_t row_value(const tds_rec_row_t *row, const void *record, unsigned char buf[8])
{
    const char *at = (const char *)record + row->offset;

    switch (row->kind) {
    case TDS_REC_STR: {
        const char *s = *(const char *const *)at;
        return s ? TDS_BYTES(s, strlen(s) + 1) : TDS_BYTES(NULL, 0); /* the NUL tells "" from absent */
    }
    case TDS_REC_U32:
        return number_bytes(buf, *(const unsigned *)at);
    case TDS_REC_I64:
        return number_bytes(buf, (apr_uint64_t) * (const apr_int64_t *)at);
    case TDS_REC_BYTES:
    case TDS_REC_REST:
        return *(const tds_bytes_t *)at;
    }
    return TDS_BYTES(NULL, 0);
}

static unsigned char *put_varint(unsigned char *to, apr_size_t v)
{
    for (; v >= 0x80; v >>= 7) *to++ = (unsigned char)(v | 0x80);
    *to++ = (unsigned char)v;
    return to;
}

apr_status_t tds_rec_encode(unsigned char **out, apr_size_t *outlen, const tds_rec_row_t *rows, int nrows,
                            const void *record, apr_pool_t *pool)
{
    unsigned char num[8], *start, *o;
    apr_size_t need = 0;
    int i;

    for (i = 0; i < nrows; ++i) need += row_value(&rows[i], record, num).len + 6;
    start = o = apr_palloc(pool, need);
    for (i = 0; i < nrows; ++i) {
        tds_bytes_t v = row_value(&rows[i], record, num);
        if (!v.len) continue;
        if (rows[i].kind != TDS_REC_REST) {
            *o++ = rows[i].tag;
            o = put_varint(o, v.len);
        }
        memcpy(o, v.data, v.len);
        o += v.len;
    }
    tds_wipe_later(pool, start, need);
    *out = start;
    *outlen = (apr_size_t)(o - start);
    return APR_SUCCESS;
}

static apr_status_t row_set(const tds_rec_row_t *row, void *record, const unsigned char *v, apr_size_t len,
                            apr_pool_t *pool)
{
    char *at = (char *)record + row->offset;
    apr_uint64_t n = 0;
    apr_size_t i;

    if (row->kind == TDS_REC_STR) {
        if (v[len - 1]) return APR_EINVAL;
        *(const char **)at = apr_pmemdup(pool, v, len);
        return APR_SUCCESS;
    }
    if (row->kind == TDS_REC_BYTES) {
        *(tds_bytes_t *)at = TDS_BYTES(apr_pmemdup(pool, v, len), len);
        return APR_SUCCESS;
    }
    if (len > 8) return APR_EINVAL;
    for (i = 0; i < len; ++i) n = n << 8 | v[i];
    if (row->kind == TDS_REC_U32 && n > UINT_MAX) return APR_EINVAL;
    if (row->kind == TDS_REC_U32) *(unsigned *)at = (unsigned)n;
    else *(apr_int64_t *)at = (apr_int64_t)n;
    return APR_SUCCESS;
}

/* One after the other into one piece of memory, which is large enough for all of them. */
static void keep_row(const tds_rec_row_t *row, void *record, const unsigned char *from, apr_size_t len, apr_size_t all,
                     apr_pool_t *pool)
{
    tds_bytes_t *rest = (tds_bytes_t *)(void *)((char *)record + row->offset);

    if (!rest->len) {
        rest->data = apr_palloc(pool, all);
        tds_wipe_later(pool, (void *)rest->data, all);
    }
    memcpy((char *)rest->data + rest->len, from, len);
    rest->len += len;
}

apr_status_t tds_rec_check(const void *record, const tds_rec_bound_t *bounds, int nbounds)
{
    int i;

    for (i = 0; i < nbounds; ++i) {
        if (*(const unsigned *)(const void *)((const char *)record + bounds[i].offset) >= bounds[i].count) return APR_EINVAL;
    }
    return APR_SUCCESS;
}

apr_status_t tds_rec_decode(void *record, const tds_rec_row_t *rows, int nrows, const unsigned char *bytes,
                            apr_size_t len, apr_pool_t *pool)
{
    const unsigned char *end = bytes + len;
    const tds_rec_row_t *rest = NULL;
    apr_status_t rv;
    int r;

    for (r = 0; r < nrows; ++r) {
        if (rows[r].kind == TDS_REC_REST) rest = &rows[r];
    }
    while (bytes < end) {
        const unsigned char *start = bytes;
        unsigned char tag = *bytes++;
        apr_size_t n = 0;
        int shift = 0, i;

        do {
            if (bytes == end || shift > 28) return APR_EINVAL;
            n |= (apr_size_t)(*bytes & 0x7f) << shift;
            shift += 7;
        } while (*bytes++ & 0x80);
        if (!n || n > (apr_size_t)(end - bytes)) return APR_EINVAL;
        for (i = 0; i < nrows && (rows[i].tag != tag || rows[i].kind == TDS_REC_REST); ++i) continue;
        if (i < nrows && (rv = row_set(&rows[i], record, bytes, n, pool)) != APR_SUCCESS) return rv;
        bytes += n;
        if (i == nrows && rest) keep_row(rest, record, start, (apr_size_t)(bytes - start), len, pool);
    }
    return APR_SUCCESS;
}
