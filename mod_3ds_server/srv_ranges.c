#include "srv_ranges_int.h"

#include <stdlib.h>
#include <string.h>

/* ---- records, each once ------------------------------------------------ */

static apr_uint32_t hash_of(const char *bytes, apr_size_t len)
{
    apr_uint32_t h = 2166136261u;

    while (len--) h = (h ^ (unsigned char)*bytes++) * 16777619u;
    return h ^ h >> 15;
}

static apr_uint32_t *slot_of(const srv_store_t *s, const char *record, apr_size_t len)
{
    apr_size_t i = hash_of(record, len) & (s->nslots - 1);

    for (; s->slots[i]; i = (i + 1) & (s->nslots - 1)) {
        apr_size_t at = s->slots[i] - 1;

        if (at + len <= s->len && !memcmp(s->bytes + at, record, len)) break;
    }
    return &s->slots[i];
}

static int more_slots(srv_store_t *s)
{
    srv_store_t more = *s;
    apr_size_t at, len;

    more.nslots = s->nslots ? s->nslots * 2 : 64;
    more.slots = calloc(more.nslots, sizeof *more.slots);
    if (!more.slots) return 0;
    for (at = s->fixed ? s->fixed : 1; at < s->len; at += len) { /* the first one is a dummy: place 0 means none */
        len = s->fixed ? s->fixed : strlen(s->bytes + at) + 1;
        *slot_of(&more, s->bytes + at, len) = (apr_uint32_t)at + 1;
    }
    free(s->slots);
    s->slots = more.slots;
    s->nslots = more.nslots;
    return 1;
}

static int more_bytes(srv_store_t *s, apr_size_t len)
{
    apr_size_t cap = (s->len + len) * 3 / 2 + 1024;
    char *more = s->len + len < 0xffffffffu ? realloc(s->bytes, cap) : NULL;

    if (!more) return 0;
    s->bytes = more;
    s->cap = cap;
    return 1;
}

apr_uint32_t srv_store_put(srv_store_t *s, const void *record, apr_size_t len)
{
    apr_uint32_t *slot;

    if (!s->len) {
        apr_size_t dummy = s->fixed ? s->fixed : 1;

        if (!more_bytes(s, dummy)) return 0;
        memset(s->bytes, 0, dummy);
        s->len = dummy;
    }
    if (s->used * 2 >= s->nslots && !more_slots(s)) return 0;
    slot = slot_of(s, record, len);
    if (*slot) return *slot - 1;
    if (s->len + len > s->cap && !more_bytes(s, len)) return 0;
    memcpy(s->bytes + s->len, record, len);
    *slot = (apr_uint32_t)s->len + 1;
    s->len += len;
    s->used++;
    return *slot - 1;
}

void srv_store_drop(srv_store_t *s)
{
    free(s->bytes);
    free(s->slots);
    *s = (srv_store_t){.fixed = s->fixed};
}

/* ---- the snapshot ------------------------------------------------------ */

static apr_status_t ranges_gone(void *baton)
{
    srv_ranges_t *ranges = baton;

    free(ranges->rows);
    srv_store_drop(&ranges->profiles);
    srv_store_drop(&ranges->urls);
    return APR_SUCCESS;
}

srv_ranges_t *srv_ranges_new(apr_pool_t *pool)
{
    srv_ranges_t *ranges = apr_pcalloc(pool, sizeof *ranges);

    ranges->profiles.fixed = sizeof(srv_profile_t);
    apr_pool_cleanup_register(pool, ranges, ranges_gone, apr_pool_cleanup_null);
    return ranges;
}

int srv_digits_of(const char *text, apr_size_t len)
{
    return len < SRV_DIGITS_MIN || len > SRV_DIGITS_MAX || strspn(text, "0123456789") != len ? 0 : (int)len;
}

apr_uint64_t srv_number_of(const char *text)
{
    apr_uint64_t n = 0;

    for (; *text; ++text) n = n * 10 + (apr_uint64_t)(*text - '0');
    return n;
}

int srv_row_order(const void *a, const void *b)
{
    const srv_row_t *x = a, *y = b;

    if (x->tag >> 29 != y->tag >> 29) return x->tag >> 29 < y->tag >> 29 ? -1 : 1;
    if (x->start != y->start) return x->start < y->start ? -1 : 1;
    if (x->end != y->end) return x->end < y->end ? -1 : 1;
    return SRV_TAG_ORDER(x->tag) < SRV_TAG_ORDER(y->tag) ? -1 : SRV_TAG_ORDER(x->tag) > SRV_TAG_ORDER(y->tag);
}

/* The heap below at, of n rows, is in order but for its top. */
static void sift(srv_row_t *rows, apr_size_t at, apr_size_t n)
{
    srv_row_t row = rows[at];
    apr_size_t child;

    for (; (child = at * 2 + 1) < n; at = child) {
        if (child + 1 < n && srv_row_order(&rows[child], &rows[child + 1]) < 0) ++child;
        if (srv_row_order(&row, &rows[child]) >= 0) break;
        rows[at] = rows[child];
    }
    rows[at] = row;
}

static void heap_sort(srv_row_t *rows, apr_size_t n)
{
    apr_size_t i;

    for (i = n / 2; i-- > 0;) sift(rows, i, n);
    for (i = n; i-- > 1;) {
        srv_row_t last = rows[i];

        rows[i] = rows[0];
        rows[0] = last;
        sift(rows, 0, i);
    }
}

/* Quick sort, and heap sort where that goes wrong: in place, while qsort() of the C library takes as much memory again.
 */
static void sort(srv_row_t *rows, apr_size_t n, int depth)
{
    while (n > 16 && depth-- > 0) {
        srv_row_t pivot = rows[n / 2], swap;
        apr_size_t i = 0, j = n - 1;

        for (;;) {
            while (srv_row_order(&rows[i], &pivot) < 0) ++i;
            while (srv_row_order(&pivot, &rows[j]) < 0) --j;
            if (i >= j) break;
            swap = rows[i];
            rows[i++] = rows[j];
            rows[j--] = swap;
        }
        sort(rows + j + 1, n - j - 1, depth);
        n = j + 1;
    }
    if (n > 1) heap_sort(rows, n);
}

void srv_rows_sort(srv_row_t *rows, apr_size_t n)
{
    apr_size_t i;

    for (i = 1; i < n && srv_row_order(&rows[i - 1], &rows[i]) <= 0; ++i) continue;
    if (i < n) sort(rows, n, 64);
}

void srv_ranges_sort(srv_ranges_t *ranges)
{
    apr_size_t i;
    int digits = 0;

    srv_rows_sort(ranges->rows, ranges->n);
    for (i = 0; i < ranges->n; ++i)
        while (digits <= SRV_TAG_DIGITS(ranges->rows[i].tag)) ranges->first[digits++] = i;
    while (digits <= SRV_DIGITS_MAX + 1) ranges->first[digits++] = ranges->n;
}

static const srv_profile_t *profile_at(const srv_ranges_t *ranges, const srv_row_t *row)
{
    return (const srv_profile_t *)(const void *)(ranges->profiles.bytes + row->profile);
}

static apr_status_t row_make(srv_row_t *row, srv_ranges_t *ranges, const srv_range_t *from, tds_err_t *err)
{
    int digits = srv_digits_of(from->start, strlen(from->start));
    srv_profile_t profile;

    memset(&profile, 0, sizeof profile); /* compared as bytes */
    profile.ds = from->ds;
    profile.acs = profile.dss = from->versions;
    if (!digits || srv_digits_of(from->end, strlen(from->end)) != digits || strcmp(from->start, from->end) > 0)
        return TDS_FAIL(err, APR_EINVAL, 0, NULL, "%s: not a range of card numbers", from->start);
    *row =
        (srv_row_t){.start = srv_number_of(from->start), .end = srv_number_of(from->end), .tag = SRV_TAG(digits, 0, 0)};
    if (!(row->profile = srv_store_put(&ranges->profiles, &profile, sizeof profile)))
        return TDS_FAIL(err, APR_ENOMEM, 0, NULL, "out of memory");
    return APR_SUCCESS;
}

apr_status_t srv_ranges_make(srv_ranges_t **pranges, const srv_range_t *rows, int n, apr_pool_t *pool, tds_err_t *err)
{
    srv_ranges_t *ranges = srv_ranges_new(pool);
    apr_status_t rv;
    int i;

    ranges->n = (apr_size_t)n;
    ranges->rows = calloc(ranges->n + 1, sizeof *ranges->rows);
    if (!ranges->rows) return TDS_FAIL(err, APR_ENOMEM, 0, NULL, "out of memory");
    for (i = 0; i < n; ++i)
        if ((rv = row_make(&ranges->rows[i], ranges, &rows[i], err)) != APR_SUCCESS) return rv;
    srv_ranges_sort(ranges);
    for (i = 1; i < n; ++i) {
        const srv_row_t *a = &ranges->rows[i - 1], *b = a + 1;
        int digits = SRV_TAG_DIGITS(b->tag);

        if (SRV_TAG_DIGITS(a->tag) == digits && b->start <= a->end)
            return TDS_FAIL(err, APR_EINVAL, 0, NULL,
                            "range %0*" APR_UINT64_T_FMT " of %s overlaps range %0*" APR_UINT64_T_FMT " of %s", digits,
                            b->start, profile_at(ranges, b)->ds->name, digits, a->start,
                            profile_at(ranges, a)->ds->name);
    }
    *pranges = ranges;
    return APR_SUCCESS;
}

int srv_ranges_find(const srv_ranges_t *ranges, const char *pan, srv_hit_t *hit)
{
    int digits = srv_digits_of(pan, strlen(pan));
    apr_uint64_t n = digits ? srv_number_of(pan) : 0;
    apr_size_t from = digits ? ranges->first[digits] : 0, low = from, high = digits ? ranges->first[digits + 1] : 0;
    const srv_profile_t *profile;

    while (low < high) { /* the first that starts above n */
        apr_size_t mid = low + (high - low) / 2;

        if (ranges->rows[mid].start <= n)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == from || n > ranges->rows[low - 1].end) return 0;
    profile = profile_at(ranges, &ranges->rows[low - 1]);
    *hit = (srv_hit_t){.ds = profile->ds,
                       .versions = profile->acs & (profile->dss ? profile->dss : ranges->dss),
                       .ranges = ranges,
                       .profile = profile};
    return 1;
}

const char *srv_hit_method_url(const srv_hit_t *hit, tds_ver_e version)
{
    apr_uint32_t at = hit->profile->url[version];

    return at ? hit->ranges->urls.bytes + at : NULL;
}

int srv_hit_info(const srv_hit_t *hit, tds_ver_e version, int code)
{
    return code > 0 && code < 100 && (hit->profile->info[version][code / 64] >> code % 64 & 1);
}

apr_size_t srv_ranges_count(const srv_ranges_t *ranges)
{
    return ranges->n;
}

apr_size_t srv_ranges_size(const srv_ranges_t *ranges)
{
    return sizeof *ranges + ranges->n * sizeof *ranges->rows + ranges->profiles.cap + ranges->urls.cap +
           (ranges->profiles.nslots + ranges->urls.nslots) * sizeof(apr_uint32_t);
}
