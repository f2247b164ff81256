#include "srv_ranges.h"

#include <stdlib.h>
#include <string.h>

#define DIGITS_MIN 13
#define DIGITS_MAX 19

typedef struct row_t {
    apr_uint64_t start, end;
    unsigned versions;
    const srv_ds_t *ds;
    const char *text; /* start, as written */
} row_t;

/* One sorted list per length: 16-digit cards never meet 19-digit ones. */
struct srv_ranges_t {
    row_t *rows[DIGITS_MAX + 1];
    int count[DIGITS_MAX + 1];
};

static apr_size_t length_of(const char *digits)
{
    apr_size_t len = strspn(digits, "0123456789");

    return digits[len] || len < DIGITS_MIN || len > DIGITS_MAX ? 0 : len;
}

/* 19 digits fit: 10^19 < 2^64. */
static apr_uint64_t number_of(const char *digits)
{
    apr_uint64_t n = 0;

    for (; *digits; ++digits) n = n * 10 + (apr_uint64_t)(*digits - '0');
    return n;
}

static int by_start(const void *a, const void *b)
{
    const row_t *x = a, *y = b;

    return x->start < y->start ? -1 : x->start > y->start;
}

static void add_rows(srv_ranges_t *ranges, const srv_range_t *rows, int n, apr_size_t len, apr_pool_t *pool)
{
    int i, m = 0;

    for (i = 0; i < n; ++i) m += strlen(rows[i].start) == len;
    ranges->count[len] = m;
    ranges->rows[len] = apr_palloc(pool, (apr_size_t)(m ? m : 1) * sizeof(row_t));
    for (i = m = 0; i < n; ++i) {
        if (strlen(rows[i].start) != len) continue;
        ranges->rows[len][m++] = (row_t){.start = number_of(rows[i].start),
                                         .end = number_of(rows[i].end),
                                         .versions = rows[i].versions,
                                         .ds = rows[i].ds,
                                         .text = rows[i].start};
    }
    qsort(ranges->rows[len], (size_t)m, sizeof(row_t), by_start);
}

apr_status_t srv_ranges_make(srv_ranges_t **pranges, const srv_range_t *rows, int n, apr_pool_t *pool, tds_err_t *err)
{
    srv_ranges_t *ranges = apr_pcalloc(pool, sizeof *ranges);
    apr_size_t len;
    int i;

    for (i = 0; i < n; ++i) {
        if (!length_of(rows[i].start) || length_of(rows[i].start) != length_of(rows[i].end) ||
            strcmp(rows[i].start, rows[i].end) > 0)
            return TDS_FAIL(err, APR_EINVAL, 0, NULL, "%s: not a range of card numbers", rows[i].start);
    }
    for (len = DIGITS_MIN; len <= DIGITS_MAX; ++len) {
        add_rows(ranges, rows, n, len, pool);
        for (i = 1; i < ranges->count[len]; ++i) {
            const row_t *a = &ranges->rows[len][i - 1], *b = a + 1;
            if (b->start <= a->end)
                return TDS_FAIL(err, APR_EINVAL, 0, NULL, "range %s of %s overlaps range %s of %s", b->text, b->ds->name,
                                a->text, a->ds->name);
        }
    }
    *pranges = ranges;
    return APR_SUCCESS;
}

int srv_ranges_find(const srv_ranges_t *ranges, const char *pan, srv_hit_t *hit)
{
    apr_size_t len = length_of(pan);
    apr_uint64_t n = len ? number_of(pan) : 0;
    const row_t *rows = ranges->rows[len];
    int low = 0, high = len ? ranges->count[len] : 0;

    while (low < high) { /* the first that starts above n */
        int mid = low + (high - low) / 2;
        if (rows[mid].start <= n) low = mid + 1;
        else high = mid;
    }
    if (!low || n > rows[low - 1].end) return 0;
    *hit = (srv_hit_t){.ds = rows[low - 1].ds, .versions = rows[low - 1].versions};
    return 1;
}
