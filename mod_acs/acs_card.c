#include "acs_card.h"

#include <string.h>
#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_strings.h>
#include "tds_mask.h"

#define FILE_MAX (16 * 1024 * 1024)

const char *acs_card_index(const tds_keys_t *keys, const char *pan, apr_pool_t *pool)
{
    unsigned char mac[TDS_HASH_LEN];
    tds_bytes_t part = TDS_BYTES_STR(pan);

    return tds_keys_mac(keys, mac, "card", &part, 1) == APR_SUCCESS ? tds_hex(mac, 16, pool) : NULL;
}

acs_card_status_e acs_card_status(const char *word)
{
    if (!word || !strcmp(word, "active")) return ACS_CARD_ACTIVE;
    if (!strcmp(word, "unknown")) return ACS_CARD_UNKNOWN;
    if (!strcmp(word, "notEnrolled")) return ACS_CARD_NOT_ENROLLED;
    return ACS_CARD_BLOCKED; /* also for a word we do not know: the safe side */
}

acs_card_status_e acs_card_status_of(const json_t *row)
{
    const json_t *status = json_object_get(row, "status");

    if (status && !json_is_string(status) && !json_is_null(status)) return ACS_CARD_BLOCKED;
    return acs_card_status(json_string_value(status));
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
    if (!tds_keys_closed(f)) {
        (void)apr_file_close(f);
        return TDS_FAIL(err, APR_EACCES, 0, NULL, "card file %s must be closed to others: chmod 600", path);
    }
    rv = apr_file_info_get(&info, APR_FINFO_SIZE, f);
    if (rv == APR_SUCCESS && info.size > FILE_MAX) rv = APR_ENOSPC;
    if (rv == APR_SUCCESS) {
        buf = apr_palloc(pool, (apr_size_t)info.size + 1);
        rv = apr_file_read_full(f, buf, (apr_size_t)info.size, len);
        buf[*len] = '\0';
        *text = buf;
    }
    (void)apr_file_close(f);
    return rv == APR_SUCCESS || APR_STATUS_IS_EOF(rv) ? APR_SUCCESS : TDS_FAIL(err, rv, 0, NULL, "cannot read card file %s", path);
}

static int is_status(const json_t *value)
{
    static const char *const words[] = {"active", "blocked", "notEnrolled", "unknown"};
    const char *text = json_string_value(value);
    apr_size_t i;

    for (i = 0; text && i < sizeof words / sizeof *words; ++i) {
        if (!strcmp(text, words[i])) return 1;
    }
    return 0;
}

/* NULL, or what is wrong with a member. A word that nobody reads is a mistake, and a status that nobody knows would block. */
static const char *member_fault(const char *name, const json_t *value, apr_pool_t *pool)
{
    static const char *const texts[] = {"group", "language", "phone", "email", "name", "ref", "methods", "rpId"};
    apr_size_t i;

    if (json_is_null(value)) return NULL; /* as good as absent */
    if (!strcmp(name, "status"))
        return is_status(value) ? NULL : "status must be active, blocked, notEnrolled or unknown";
    if (!strcmp(name, "credentials")) return json_is_array(value) ? NULL : "credentials must be an array";
    for (i = 0; i < sizeof texts / sizeof *texts; ++i) {
        if (!strcmp(name, texts[i])) return json_is_string(value) ? NULL : apr_pstrcat(pool, name, " must be a text", NULL);
    }
    return apr_psprintf(pool, "there is no member '%s'", tds_mask_text(name, pool));
}

/* NULL, or what is wrong with a row. */
static const char *card_fault(const char *pan, const json_t *row, apr_pool_t *pool)
{
    const char *name, *fault;
    apr_size_t len = strlen(pan);
    json_t *value;

    if (len < 13 || len > 19 || strspn(pan, "0123456789") != len || !json_is_object(row))
        return "not an account number of 13 to 19 digits with an object";
    json_object_foreach((json_t *)row, name, value) {
        if ((fault = member_fault(name, value, pool))) return fault;
    }
    return NULL;
}

/* Where the row begins in the text. */
static int line_of(const char *text, const char *pan, apr_pool_t *pool)
{
    const char *at = strstr(text, apr_pstrcat(pool, "\"", pan, "\"", NULL));
    int line = 1;

    for (; at && at > text; --at) line += at[-1] == '\n';
    return line;
}

/* Never with its number. */
static apr_status_t check_cards(const json_t *cards, const char *text, const char *path, apr_pool_t *pool, tds_err_t *err)
{
    const char *pan, *fault;
    json_t *row;
    int n = 0;

    json_object_foreach((json_t *)cards, pan, row) {
        ++n;
        if ((fault = card_fault(pan, row, pool)))
            return TDS_FAIL(err, APR_EINVAL, 0, NULL, "%s:%d: card %d: %s", path, line_of(text, pan, pool), n, fault);
    }
    return APR_SUCCESS;
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
    if ((rv = check_cards(cards, text, path, pool, err)) != APR_SUCCESS) return rv;
    *baton = cards;
    return APR_SUCCESS;
}

/* A word of the row; NULL: not there. */
typedef const char *word_fn(const void *row, const char *name);

static void take_words(acs_card_t *card, word_fn *word, const void *row)
{
    *card = (acs_card_t){.status = acs_card_status(word(row, "status")),
                         .group = word(row, "group"),
                         .language = word(row, "language"),
                         .phone = word(row, "phone"),
                         .email = word(row, "email"),
                         .name = word(row, "name"),
                         .ref = word(row, "ref"),
                         .methods = word(row, "methods"),
                         .rp_id = word(row, "rpId")};
}

static const char *json_word(const void *row, const char *name)
{
    return tds_json_get(row, name);
}

static apr_status_t file_find(void *baton, const char *pan, acs_card_t *card, apr_pool_t *pool, tds_err_t *err)
{
    const json_t *row = json_object_get(baton, pan), *credentials = json_object_get(row, "credentials");

    *card = (acs_card_t){0};
    if (!row) return APR_SUCCESS;
    take_words(card, json_word, row);
    card->status = acs_card_status_of(row);
    if (json_is_array(credentials)) card->credentials = credentials;
    return APR_SUCCESS;
}

const acs_card_ops_t acs_card_file = {.find = file_find};

/* ---- hook ---------------------------------------------------------------- */

/* It is asked later, with all that is known by then. */
static apr_status_t hook_find(void *baton, const char *pan, acs_card_t *card, apr_pool_t *pool, tds_err_t *err)
{
    *card = (acs_card_t){.status = ACS_CARD_ACTIVE};
    return APR_SUCCESS;
}

const acs_card_ops_t acs_card_hook = {.find = hook_find};

/* ---- Redis --------------------------------------------------------------- */

static apr_status_t redis_want(void *baton, const char *pan, tds_store_read_t *read, apr_pool_t *pool, tds_err_t *err)
{
    const char *index = acs_card_index(((acs_card_redis_t *)baton)->keys, pan, pool);

    if (!index) return TDS_FAIL(err, APR_EGENERAL, 404, NULL, "no card index");
    *read = (tds_store_read_t){.kind = TDS_READ_HASH, .name = apr_pstrcat(pool, "acs:card:", index, NULL)};
    return APR_SUCCESS;
}

static const char *table_word(const void *row, const char *name)
{
    return apr_table_get(row, name);
}

static apr_status_t redis_take(const tds_store_read_t *read, acs_card_t *card, apr_pool_t *pool, tds_err_t *err)
{
    const char *credentials;
    json_t *list;
    tds_err_t own;

    *card = (acs_card_t){0};
    if (APR_STATUS_IS_ENOENT(read->rv)) return APR_SUCCESS;
    if (read->rv != APR_SUCCESS) return TDS_FAIL(err, read->rv, 404, NULL, "the card is no hash");
    take_words(card, table_word, read->fields);
    tds_err_init(&own, pool);
    credentials = apr_table_get(read->fields, "credentials");
    if (credentials && tds_json_parse(&list, credentials, strlen(credentials), pool, &own) == APR_SUCCESS && json_is_array(list))
        card->credentials = list; /* what is no list is no credential */
    return APR_SUCCESS;
}

const acs_card_ops_t acs_card_redis = {.want = redis_want, .take = redis_take};
