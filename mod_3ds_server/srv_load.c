#include "srv_ranges_int.h"

#include <stdlib.h>
#include <string.h>
#include <apr_strings.h>

/* A PRes to a snapshot: changes are collected as they come, and applied when the whole PRes is known to be good. */

#define DETAIL_MAX 2048

enum { ACTION_ADD, ACTION_DELETE, ACTION_MODIFY };

struct srv_load_t {
    const srv_ds_t *ds;
    const srv_ranges_t *old;
    int full;
    srv_row_t *rows; /* changes in the order they came */
    apr_size_t n, cap;
    srv_store_t profiles, urls;
    const char *bad; /* elements of a range that is none */
    apr_pool_t *pool;
};

void srv_load_abort(srv_load_t *load)
{
    free(load->rows);
    load->rows = NULL;
    load->n = load->cap = 0;
    srv_store_drop(&load->profiles);
    srv_store_drop(&load->urls);
}

static apr_status_t load_gone(void *baton)
{
    srv_load_abort(baton);
    return APR_SUCCESS;
}

srv_load_t *srv_load_begin(const srv_ds_t *ds, const srv_ranges_t *old, int full, apr_pool_t *pool)
{
    srv_load_t *load = apr_pcalloc(pool, sizeof *load);

    load->ds = ds;
    load->old = old;
    load->full = full || !old;
    load->pool = pool;
    load->profiles.fixed = sizeof(srv_profile_t);
    apr_pool_cleanup_register(pool, load, load_gone, apr_pool_cleanup_null);
    return load;
}

/* ---- an item ----------------------------------------------------------- */

/* "2.1.0" to a number that can be compared; 0 of none. */
static unsigned version_number(const char *text)
{
    unsigned n = 0, part = 0;

    for (; text && *text; ++text) {
        if (*text != '.') {
            part = part * 10 + (unsigned)(*text - '0');
            continue;
        }
        n = n * 100 + part;
        part = 0;
    }
    return n * 100 + part;
}

/* tds_ver_parse() of what may be no text. */
static tds_ver_e version_of(const json_t *text)
{
    return json_is_string(text) ? tds_ver_parse(json_string_value(text)) : TDS_V_NONE;
}

/* The versions we know from first to last. */
static unsigned versions_between(const json_t *first, const json_t *last)
{
    unsigned from = version_number(json_string_value(first)), to = version_number(json_string_value(last)), mask = 0;
    int v;

    for (v = TDS_V_NONE + 1; v < TDS_V_COUNT; ++v) {
        unsigned n = version_number(tds_ver_text((tds_ver_e)v));

        if (from <= n && n <= to) mask |= TDS_VER_BIT(v);
    }
    return mask;
}

static unsigned versions_listed(const json_t *list)
{
    unsigned mask = 0;
    apr_size_t i;

    for (i = 0; i < json_array_size(list); ++i) mask |= TDS_VER_BIT(version_of(json_array_get(list, i)));
    return mask & ~TDS_VER_BIT(TDS_V_NONE);
}

/* Of the DS: by list in 2.3.1, by first and last before; without a last one, from the first on. 0: nothing is said. */
static unsigned ds_versions(const json_t *list, const json_t *first, const json_t *last)
{
    if (list) return versions_listed(list);
    if (first && !last) return ~0u << version_of(first);
    return last ? versions_between(first, last) : 0;
}

static unsigned ds_versions_of_item(const json_t *item)
{
    return ds_versions(json_object_get(item, "dsProtocolVersions"), json_object_get(item, "dsStartProtocolVersion"),
                       json_object_get(item, "dsEndProtocolVersion"));
}

/* acsInfoInd and threeDSMethodURL of object for all versions in mask. */
static int offer(srv_load_t *load, srv_profile_t *profile, const json_t *object, unsigned mask)
{
    const json_t *list = json_object_get(object, "acsInfoInd");
    const char *url = tds_json_get(object, "threeDSMethodURL");
    apr_uint64_t info[2] = {0, 0};
    apr_uint32_t at = 0;
    apr_size_t i;
    int v;

    for (i = 0; i < json_array_size(list); ++i) {
        const char *code = json_string_value(json_array_get(list, i));
        unsigned n = code ? version_number(code) : 0;

        if (!n || n > 99) continue;
        info[n / 64] |= (apr_uint64_t)1 << n % 64;
    }
    if (url && !(at = srv_store_put(&load->urls, url, strlen(url) + 1))) return 0;
    for (v = TDS_V_NONE + 1; v < TDS_V_COUNT; ++v) {
        if (!(mask & TDS_VER_BIT(v))) continue;
        profile->url[v] = at;
        memcpy(profile->info[v], info, sizeof info);
    }
    profile->acs |= mask;
    return 1;
}

/* Where the data of the item stand; 0 when out of memory. */
static apr_uint32_t profile_of(srv_load_t *load, const json_t *item)
{
    const json_t *list = json_object_get(item, "acsProtocolVersions");
    srv_profile_t profile = {.ds = load->ds, .dss = ds_versions_of_item(item)};
    apr_size_t i;

    if (!list && !offer(load, &profile, item,
                        versions_between(json_object_get(item, "acsStartProtocolVersion"),
                                         json_object_get(item, "acsEndProtocolVersion"))))
        return 0;
    for (i = 0; i < json_array_size(list); ++i) {
        const json_t *acs = json_array_get(list, i);
        tds_ver_e version = version_of(json_object_get(acs, "version"));

        if (version && !offer(load, &profile, acs, TDS_VER_BIT(version))) return 0;
    }
    return srv_store_put(&load->profiles, &profile, sizeof profile);
}

static int more_rows(srv_load_t *load)
{
    apr_size_t cap = load->cap * 3 / 2 + 64;
    srv_row_t *more = realloc(load->rows, cap * sizeof *more);

    if (!more) return 0;
    load->rows = more;
    load->cap = cap;
    return 1;
}

static apr_status_t add_range(srv_load_t *load, const json_t *start, const json_t *end, const char *names, int action,
                              apr_uint32_t profile, tds_err_t *err)
{
    const char *from = json_string_value(start), *to = json_string_value(end);
    int digits = srv_digits_of(from, json_string_length(start));
    srv_row_t *row;

    if (!digits || srv_digits_of(to, json_string_length(end)) != digits || strcmp(from, to) > 0) {
        if (!load->bad) load->bad = names;
        return APR_SUCCESS;
    }
    if (load->n > SRV_ORDER_MAX || (load->n == load->cap && !more_rows(load)))
        return TDS_FAIL(err, APR_ENOMEM, 0, NULL, "out of memory for card ranges");
    row = &load->rows[load->n++];
    row->start = srv_number_of(from);
    row->end = srv_number_of(to);
    row->profile = profile;
    row->tag = SRV_TAG(digits, action, (apr_uint32_t)load->n - 1);
    return APR_SUCCESS;
}

apr_status_t srv_load_add(void *baton, const json_t *item, tds_err_t *err)
{
    srv_load_t *load = baton;
    const json_t *list = json_object_get(item, "ranges");
    const char *ind = tds_json_get(item, "actionInd");
    int action = !ind || *ind == 'A' ? ACTION_ADD : *ind == 'D' ? ACTION_DELETE : ACTION_MODIFY;
    apr_uint32_t profile = profile_of(load, item);
    apr_status_t rv = APR_SUCCESS;
    apr_size_t i;

    if (!profile) return TDS_FAIL(err, APR_ENOMEM, 0, NULL, "out of memory for card ranges");
    if (!list)
        return add_range(load, json_object_get(item, "startRange"), json_object_get(item, "endRange"),
                         "cardRangeData.startRange,cardRangeData.endRange", action, profile, err);
    for (i = 0; i < json_array_size(list) && rv == APR_SUCCESS; ++i) {
        const json_t *range = json_array_get(list, i);

        rv = add_range(load, json_object_get(range, "start"), json_object_get(range, "end"),
                       "cardRangeData.ranges.start,cardRangeData.ranges.end", action, profile, err);
    }
    return rv;
}

/* ---- the whole --------------------------------------------------------- */

/* Ranges for an errorDetail. */
typedef struct list_t {
    char text[DETAIL_MAX + 1];
    apr_size_t len;
} list_t;

static void list_add(list_t *list, const srv_row_t *row, char action)
{
    const char *comma = list->len ? "," : "";
    int digits = SRV_TAG_DIGITS(row->tag), n;
    char one[64];

    n = apr_snprintf(one, sizeof one, "%s%0*" APR_UINT64_T_FMT "-%0*" APR_UINT64_T_FMT, comma, digits, row->start,
                     digits, row->end);
    if (action) n += apr_snprintf(one + n, sizeof one - (apr_size_t)n, ":%c", action);
    if (list->len + (apr_size_t)n > DETAIL_MAX) return;
    memcpy(list->text + list->len, one, (apr_size_t)n + 1);
    list->len += (apr_size_t)n;
}

static int same_range(const srv_row_t *a, const srv_row_t *b)
{
    return a->start == b->start && a->end == b->end && a->tag >> 29 == b->tag >> 29;
}

/* The DS is told the bounds as it gave them: they are no account numbers, even where the check digit is right. */
static apr_status_t fail_ranges(tds_err_t *err, int proto, const char *ranges, const char *text)
{
    apr_status_t rv = TDS_FAIL(err, APR_EINVAL, proto, NULL, "%s", text);

    err->elements = apr_pstrdup(err->pool, ranges);
    return rv;
}

static apr_status_t overlap_check(const srv_ranges_t *ranges, tds_ver_e version, tds_err_t *err)
{
    const srv_row_t *far = ranges->rows; /* the one that reaches farthest so far */
    const srv_row_t *told = NULL;
    list_t list = {.len = 0};
    apr_size_t i;

    for (i = 1; i < ranges->n; ++i) {
        const srv_row_t *row = &ranges->rows[i];

        if (row->tag >> 29 == far->tag >> 29 && row->start <= far->end) {
            if (told != far) list_add(&list, far, '\0');
            list_add(&list, row, '\0');
            told = row->end > far->end ? row : far;
        }
        if (row->tag >> 29 != far->tag >> 29 || row->end > far->end) far = row;
    }
    if (!list.len) return APR_SUCCESS;
    if (version >= TDS_V231) return fail_ranges(err, 205, list.text, "PRes: card ranges overlap");
    return TDS_FAIL(err, APR_EINVAL, 203, "cardRangeData.startRange,cardRangeData.endRange",
                    "PRes: card ranges overlap");
}

/* The old row with these very bounds, or NULL. */
static srv_row_t *old_row(srv_row_t *rows, apr_size_t n, const srv_row_t *like)
{
    apr_size_t low = 0, high = n;

    while (low < high) {
        apr_size_t mid = low + (high - low) / 2;
        srv_row_t at = rows[mid];

        at.tag |= SRV_ORDER_MAX;
        if (srv_row_order(&at, like) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low < n && same_range(&rows[low], like) ? &rows[low] : NULL;
}

/* Changes of one range, in order: what it is in the end. profile 0: it is not. */
static apr_uint32_t apply(const srv_row_t *from, const srv_row_t *to, apr_uint32_t profile, list_t *impossible)
{
    for (; from < to; ++from) {
        apr_uint32_t action = SRV_TAG_ACTION(from->tag);

        if (!profile == (action != ACTION_ADD))
            list_add(impossible, from, "ADM"[action]);
        else
            profile = action == ACTION_DELETE ? 0 : from->profile;
    }
    return profile;
}

/* The data of the old rows, moved to the stores of the load. */
static int adopt(srv_load_t *load, srv_row_t *rows, apr_size_t n)
{
    const srv_store_t *from = &load->old->profiles;
    apr_uint32_t *moved = calloc(from->len / sizeof(srv_profile_t) + 1, sizeof *moved);
    apr_size_t i;
    int v, ok = moved != NULL;

    for (i = 0; i < n && ok; ++i) {
        apr_uint32_t *to = &moved[rows[i].profile / sizeof(srv_profile_t)];

        if (!*to) {
            srv_profile_t profile;

            memcpy(&profile, from->bytes + rows[i].profile, sizeof profile);
            for (v = 0; v < TDS_V_COUNT && ok; ++v) {
                const char *url = load->old->urls.bytes + profile.url[v];

                if (profile.url[v]) ok = (profile.url[v] = srv_store_put(&load->urls, url, strlen(url) + 1)) != 0;
            }
            ok = ok && (*to = srv_store_put(&load->profiles, &profile, sizeof profile)) != 0;
        }
        rows[i].profile = *to;
    }
    free(moved);
    return ok;
}

/* The old rows with the changes applied; they replace those of the load. */
static apr_status_t merge(srv_load_t *load, tds_ver_e version, tds_err_t *err)
{
    apr_size_t nold = load->old->n, n = nold, i, j, kept;
    srv_row_t *rows = malloc((nold + load->n + 1) * sizeof *rows), *row;
    list_t impossible = {.len = 0};

    if (!rows) return TDS_FAIL(err, APR_ENOMEM, 0, NULL, "out of memory for card ranges");
    if (nold) memcpy(rows, load->old->rows, nold * sizeof *rows);
    if (!adopt(load, rows, nold)) {
        free(rows);
        return TDS_FAIL(err, APR_ENOMEM, 0, NULL, "out of memory for card ranges");
    }
    srv_rows_sort(load->rows, load->n);
    for (i = 0; i < load->n; i = j) {
        apr_uint32_t profile;

        for (j = i + 1; j < load->n && same_range(&load->rows[i], &load->rows[j]); ++j) continue;
        row = old_row(rows, nold, &load->rows[i]);
        profile = apply(&load->rows[i], &load->rows[j], row ? row->profile : 0, &impossible);
        if (!row && profile) {
            row = &rows[n++];
            *row = load->rows[i];
        }
        if (row) row->profile = profile;
    }
    for (i = kept = 0; i < n; ++i)
        if (rows[i].profile) rows[kept++] = rows[i];
    free(load->rows);
    load->rows = rows;
    load->n = kept;
    if (!impossible.len) return APR_SUCCESS;
    if (version >= TDS_V231)
        return fail_ranges(err, 206, impossible.text, "PRes: card range action not possible");
    return TDS_FAIL(err, APR_EINVAL, 203, "cardRangeData.actionInd", "PRes: card range action not possible");
}

/* Last in, first out: the order turned. */
static void reverse(srv_load_t *load)
{
    apr_size_t i;

    for (i = 0; i < load->n; ++i)
        load->rows[i].tag = (load->rows[i].tag & ~SRV_ORDER_MAX) | (apr_uint32_t)(load->n - 1 - i);
}

static srv_ranges_t *hand_over(srv_load_t *load, apr_pool_t *pool)
{
    srv_ranges_t *ranges = srv_ranges_new(pool);
    srv_row_t *less = realloc(load->rows, (load->n + 1) * sizeof *less);

    ranges->rows = less ? less : load->rows;
    ranges->n = load->n;
    ranges->profiles = load->profiles;
    ranges->urls = load->urls;
    free(ranges->profiles.slots); /* nothing more is put in */
    free(ranges->urls.slots);
    ranges->profiles.slots = ranges->urls.slots = NULL;
    ranges->profiles.nslots = ranges->urls.nslots = 0;
    load->rows = NULL;
    load->profiles = (srv_store_t){.fixed = load->profiles.fixed};
    load->urls = (srv_store_t){.fixed = 0};
    srv_ranges_sort(ranges);
    return ranges;
}

apr_status_t srv_load_commit(srv_ranges_t **pranges, srv_load_t *load, const tds_msg_t *pres, apr_pool_t *pool,
                             tds_err_t *err)
{
    const char *order = tds_msg_get(pres, TDS_E_READ_ORDER);
    int full = load->full || !tds_msg_get(pres, TDS_E_SERIAL_NUM); /* S-06 */
    apr_status_t rv = APR_SUCCESS;
    srv_ranges_t *ranges;

    *pranges = NULL;
    if (tds_msg_get(pres, TDS_E_CARD_RANGE_DATA_FILE_URL)) {
        srv_load_abort(load);
        *pranges = (srv_ranges_t *)load->old;
        return APR_SUCCESS;
    }
    if (load->bad)
        rv = TDS_FAIL(err, APR_EINVAL, 203, load->bad, "PRes: a range of card numbers that is none");
    else if (!full) {
        if (order && !strcmp(order, "02")) reverse(load);
        rv = merge(load, pres->version, err);
    }
    if (rv == APR_SUCCESS) {
        ranges = hand_over(load, pool);
        ranges->dss = ds_versions(pres->elem[TDS_E_DS_PROTOCOL_VERSIONS], pres->elem[TDS_E_DS_START_PROTOCOL_VERSION],
                                  pres->elem[TDS_E_DS_END_PROTOCOL_VERSION]);
        if ((rv = overlap_check(ranges, pres->version, err)) == APR_SUCCESS) *pranges = ranges;
    }
    srv_load_abort(load);
    return rv;
}
