#include "tds_pres_int.h"

#include <stdlib.h>

/* The verdict over a PRes whose items are gone. */

#define SCRATCH_ITEMS 64 /* the memory that checks took is given back after so many */

struct tds_pres_t {
    tds_msg_rules_t rules;
    tds_pres_item_fn *fn;
    void *baton;
    apr_pool_t *pool, *scratch;
    tds_json_push_t *push;
    tds_tree_t *tree;
    apr_status_t rv; /* of the reading */
    tds_err_t err;   /* of the sink */
    apr_size_t count;
    unsigned versions; /* the items are checked by these; 0: not decided yet */
    tds_ctx_t ctx[TDS_V_COUNT];
    const tds_val_t *val[TDS_V_COUNT]; /* of cardRangeData */
    apr_uint64_t *hashes;              /* of the items, as long as equal ones matter */
    apr_size_t nhashes, hashes_max, hashes_cap;
};

static apr_status_t pres_gone(void *baton)
{
    free(((tds_pres_t *)baton)->hashes);
    return APR_SUCCESS;
}

/* ---- items ------------------------------------------------------------- */

static const tds_val_t *val_of_items(tds_ver_e version)
{
    const tds_table_t *t = &tds_tables[TDS_MSG_PRES];
    int i;

    for (i = 0; i < t->nrows; ++i) {
        const tds_row_t *row = &tds_rows[t->row + i];

        if (row->elem == TDS_E_CARD_RANGE_DATA && (row->vers & TDS_VER_BIT(version))) return &tds_vals[row->val];
    }
    return NULL;
}

/* The version, if it is known; else all it may turn out to be. */
static unsigned candidates(const tds_pres_t *pres)
{
    const char *text = tds_json_get(tds_tree_root(pres->tree), "messageVersion");
    tds_ver_e version = pres->rules.version_must ? pres->rules.version_must : text ? tds_ver_parse(text) : TDS_V_NONE;

    if (version) return TDS_VER_BIT(version);
    return pres->rules.versions ? pres->rules.versions : tds_tables[TDS_MSG_PRES].vers;
}

static unsigned items_begin(void *baton)
{
    tds_pres_t *pres = baton;
    int v;

    if (pres->versions) return pres->versions; /* the array is there twice */
    pres->versions = candidates(pres);
    for (v = TDS_V_NONE + 1; v < TDS_V_COUNT; ++v) {
        tds_msg_t *msg;

        if (!(pres->versions & TDS_VER_BIT(v)) || !(pres->val[v] = val_of_items(v))) continue;
        msg = apr_pcalloc(pres->pool, sizeof(*msg));
        msg->type = TDS_MSG_PRES;
        msg->version = v;
        msg->pool = pres->scratch;
        tds_check_start(&pres->ctx[v], msg, &pres->rules, pres->pool);
        if (v >= TDS_V231 && (pres->val[v]->flags & TDS_VF_UNIQUE)) pres->hashes_max = pres->val[v]->max_items;
    }
    return pres->versions;
}

static int hash_keep(tds_pres_t *pres, apr_uint64_t hash)
{
    if (pres->nhashes == pres->hashes_max) return 1; /* or more than there may be */
    if (pres->nhashes == pres->hashes_cap) {
        apr_size_t cap = pres->hashes_cap ? pres->hashes_cap * 2 : 64;
        apr_uint64_t *more = realloc(pres->hashes, cap * sizeof(*more));

        if (!more) return 0;
        pres->hashes = more;
        pres->hashes_cap = cap;
    }
    pres->hashes[pres->nhashes++] = hash;
    return 1;
}

/* By each version the message may have. 1 when it is good by one of them, and all before it were. */
static int item_good(tds_pres_t *pres, const json_t *item)
{
    static const tds_path_t path = {NULL, TDS_E_CARD_RANGE_DATA};
    int v, good = 0;

    for (v = TDS_V_NONE + 1; v < TDS_V_COUNT; ++v) {
        if (!pres->val[v]) continue;
        tds_item_check(&pres->ctx[v], pres->val[v], item, &path);
        good |= !pres->ctx[v].faults;
    }
    if (pres->count % SCRATCH_ITEMS == 0) apr_pool_clear(pres->scratch);
    return good;
}

static apr_status_t on_item(void *baton, const json_t *item, apr_uint64_t hash)
{
    tds_pres_t *pres = baton;

    pres->count++;
    if (!hash_keep(pres, hash)) return APR_ENOMEM;
    if (!item_good(pres, item) || !pres->fn || tds_tree_duplicates(pres->tree)) return APR_SUCCESS;
    return pres->fn(pres->baton, item, &pres->err);
}

static int by_value(const void *a, const void *b)
{
    apr_uint64_t x = *(const apr_uint64_t *)a, y = *(const apr_uint64_t *)b;

    return x < y ? -1 : x > y;
}

static int twins(tds_pres_t *pres)
{
    apr_size_t i;

    if (pres->nhashes > 1) qsort(pres->hashes, pres->nhashes, sizeof(*pres->hashes), by_value);
    for (i = 1; i < pres->nhashes; ++i)
        if (pres->hashes[i] == pres->hashes[i - 1]) return 1;
    return 0;
}

/* ---- from outside ------------------------------------------------------ */

tds_pres_t *tds_pres_make(const tds_msg_rules_t *rules, tds_pres_item_fn *fn, void *baton, apr_pool_t *pool)
{
    static const unsigned types = TDS_MSG_BIT(TDS_MSG_PRES) | TDS_MSG_BIT(TDS_MSG_ERRO);
    tds_pres_t *pres = apr_pcalloc(pool, sizeof(*pres));

    if (rules) pres->rules = *rules;
    pres->rules.accept = pres->rules.accept & types ? pres->rules.accept & types : types;
    pres->fn = fn;
    pres->baton = baton;
    pres->pool = pool;
    tds_err_init(&pres->err, pool);
    apr_pool_cleanup_register(pool, pres, pres_gone, apr_pool_cleanup_null);
    apr_pool_create(&pres->scratch, pool);
    pres->tree = tds_tree_make(on_item, items_begin, pres, pool);
    pres->push = tds_json_push_make(TDS_JSON_DEPTH_MAX, tds_tree_event, pres->tree, pool);
    return pres;
}

apr_status_t tds_pres_feed(tds_pres_t *pres, const char *bytes, apr_size_t len)
{
    return pres->rv = tds_json_push_feed(pres->push, bytes, len);
}

static apr_status_t not_read(const tds_pres_t *pres, tds_err_t *err)
{
    if (pres->err.rv != APR_SUCCESS)
        return TDS_FAIL(err, pres->err.rv, pres->err.proto, pres->err.elements, "%s", pres->err.detail);
    if (pres->rv == APR_ENOMEM) return TDS_FAIL(err, APR_ENOMEM, 0, NULL, "out of memory");
    if (pres->rv == APR_ENOSPC) return tds_msg_not_json(err, "an item or what is not an item is too large");
    return tds_msg_not_json(err, "not JSON, not UTF-8, too deep or not an object");
}

apr_status_t tds_pres_end(tds_msg_t **pmsg, tds_pres_t *pres, tds_err_t *err)
{
    tds_items_t items;
    json_t *root = tds_tree_root(pres->tree);
    tds_msg_t *msg;
    apr_status_t rv;

    *pmsg = NULL;
    pres->rv = tds_json_push_end(pres->push);
    if (pres->rv != APR_SUCCESS) return not_read(pres, err);
    *pmsg = msg = tds_msg_of(root, tds_tree_duplicates(pres->tree), pres->pool);
    if ((rv = tds_msg_head_check(msg, &pres->rules, err)) != APR_SUCCESS) return rv;
    items = (tds_items_t){.array = tds_tree_array(pres->tree),
                          .count = pres->count,
                          .twins = twins(pres),
                          .first = pres->ctx[msg->version].first};
    return tds_msg_rest_check(msg, &pres->rules, items.array ? &items : NULL, err);
}

apr_size_t tds_pres_count(const tds_pres_t *pres)
{
    return pres->count;
}
