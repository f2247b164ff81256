#include "acs_card.h"

#include <string.h>
#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_strings.h>
#include "tds_json.h"

#define FILE_MAX (16 * 1024 * 1024)

const char *acs_card_index(const tds_keys_t *keys, const char *pan, apr_pool_t *pool)
{
    unsigned char mac[TDS_HASH_LEN];
    tds_bytes_t part = TDS_BYTES_STR(pan);

    return tds_keys_mac(keys, mac, "card", &part, 1) == APR_SUCCESS ? tds_hex(mac, 16, pool) : NULL;
}

static acs_card_status_e status_of(const char *word)
{
    if (!word || !strcmp(word, "active")) return ACS_CARD_ACTIVE;
    if (!strcmp(word, "notEnrolled")) return ACS_CARD_NOT_ENROLLED;
    return ACS_CARD_BLOCKED; /* also for a word we do not know: the safe side */
}

/* ---- file ---------------------------------------------------------------- */

static apr_status_t read_whole(const char **text, apr_size_t *len, const char *path, apr_pool_t *pool, tds_err_t *err)
{
    apr_finfo_t info;
    apr_file_t *f;
    apr_status_t rv;
    char *buf;

    if ((rv = apr_file_open(&f, path, APR_READ, APR_OS_DEFAULT, pool)) != APR_SUCCESS)
        return TDS_FAIL(err, rv, 0, NULL, "cannot open card file %s", path);
    rv = apr_file_info_get(&info, APR_FINFO_SIZE, f);
    if (rv == APR_SUCCESS && info.size > FILE_MAX) rv = APR_ENOSPC;
    if (rv == APR_SUCCESS) {
        buf = apr_palloc(pool, (apr_size_t)info.size + 1);
        rv = apr_file_read_full(f, buf, (apr_size_t)info.size, len);
        *text = buf;
    }
    (void)apr_file_close(f);
    return rv == APR_SUCCESS || APR_STATUS_IS_EOF(rv) ? APR_SUCCESS : TDS_FAIL(err, rv, 0, NULL, "cannot read card file %s", path);
}

apr_status_t acs_card_file_load(void **baton, const char *path, apr_pool_t *pool, tds_err_t *err)
{
    json_t *root, *cards;
    const char *text = NULL;
    apr_size_t len = 0;
    apr_status_t rv;

    if ((rv = read_whole(&text, &len, path, pool, err)) != APR_SUCCESS) return rv;
    if ((rv = tds_json_parse(&root, text, len, pool, err)) != APR_SUCCESS) return rv;
    cards = json_object_get(root, "cards");
    if (!json_is_object(cards)) return TDS_FAIL(err, APR_EINVAL, 0, NULL, "%s: no object \"cards\"", path);
    *baton = cards;
    return APR_SUCCESS;
}

static apr_status_t file_find(void *baton, const char *pan, acs_card_t *card, apr_pool_t *pool, tds_err_t *err)
{
    const json_t *row = json_object_get(baton, pan);

    *card = (acs_card_t){0};
    if (!row) return APR_SUCCESS;
    card->status = status_of(tds_json_get(row, "status"));
    card->group = tds_json_get(row, "group");
    card->language = tds_json_get(row, "language");
    card->phone = tds_json_get(row, "phone");
    card->email = tds_json_get(row, "email");
    card->name = tds_json_get(row, "name");
    return APR_SUCCESS;
}

const acs_card_ops_t acs_card_file = {.find = file_find};

/* ---- Redis --------------------------------------------------------------- */

static apr_status_t redis_find(void *baton, const char *pan, acs_card_t *card, apr_pool_t *pool, tds_err_t *err)
{
    acs_card_redis_t *src = baton;
    const char *index = acs_card_index(src->keys, pan, pool);
    apr_table_t *row;
    apr_status_t rv;

    *card = (acs_card_t){0};
    if (!index) return TDS_FAIL(err, APR_EGENERAL, 404, NULL, "no card index");
    rv = tds_store_hash(src->store, apr_pstrcat(pool, "acs:card:", index, NULL), &row, pool, err);
    if (APR_STATUS_IS_ENOENT(rv)) return APR_SUCCESS;
    if (rv != APR_SUCCESS) return rv;
    card->status = status_of(apr_table_get(row, "status"));
    card->group = apr_table_get(row, "group");
    card->language = apr_table_get(row, "language");
    card->phone = apr_table_get(row, "phone");
    card->email = apr_table_get(row, "email");
    card->name = apr_table_get(row, "name");
    return APR_SUCCESS;
}

const acs_card_ops_t acs_card_redis = {.find = redis_find};
