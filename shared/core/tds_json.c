#include "tds_json.h"

#include <stdlib.h>
#include <string.h>
#include "tds_json_scan.h"

static apr_status_t let_go(void *baton)
{
    json_decref(baton);
    return APR_SUCCESS;
}

json_t *tds_json_own(json_t *root, apr_pool_t *pool)
{
    if (root) apr_pool_cleanup_register(pool, root, let_go, apr_pool_cleanup_null);
    return root;
}

json_t *tds_json_object(apr_pool_t *pool)
{
    return tds_json_own(json_object(), pool);
}

int tds_json_set(json_t *object, const char *name, const char *value)
{
    return value ? json_object_set_new(object, name, json_string(value)) : 0;
}

const char *tds_json_get(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

const char *tds_json_text(const json_t *root, apr_size_t *plen, apr_pool_t *pool)
{
    apr_size_t cap = 2048, need;
    char *buf = apr_palloc(pool, cap);

    need = json_dumpb(root, buf, cap - 1, JSON_COMPACT | JSON_ENCODE_ANY);
    if (!need) return NULL;
    if (need > cap - 1) {
        buf = apr_palloc(pool, need + 1);
        if (json_dumpb(root, buf, need, JSON_COMPACT | JSON_ENCODE_ANY) != need) return NULL;
    }
    buf[need] = '\0';
    if (plen) *plen = need;
    return buf;
}

json_t *tds_json_number(const char *text)
{
    if (!tds_json_number_fits(text)) return json_integer(0);
    return text[strcspn(text, ".eE")] ? json_real(strtod(text, NULL)) : json_integer(strtoll(text, NULL, 10));
}

/* A text between its quotes, escaped as it would be printed. */
static apr_size_t chars_of_text(const char *s, apr_size_t len)
{
    apr_size_t n = 2;

    for (; len; --len, ++s) {
        unsigned char c = (unsigned char)*s;

        if (c < 0x20) n += strchr("\b\f\n\r\t", c) && c ? 2 : 6;
        else n += c == '"' || c == '\\' ? 2 : (c & 0xc0) != 0x80;
    }
    return n;
}

static apr_size_t chars_inside(const json_t *value)
{
    apr_size_t n = 2, i;
    void *it = json_object_iter((json_t *)value);

    for (i = 0; i < json_array_size(value); ++i) n += tds_json_chars(json_array_get(value, i)) + (i != 0);
    for (i = 0; it; it = json_object_iter_next((json_t *)value, it), ++i) {
        const char *name = json_object_iter_key(it);

        n += chars_of_text(name, strlen(name)) + 1 + tds_json_chars(json_object_iter_value(it)) + (i != 0);
    }
    return n;
}

apr_size_t tds_json_chars(const json_t *value)
{
    char number[64];

    switch (json_typeof(value)) {
    case JSON_STRING:
        return chars_of_text(json_string_value(value), json_string_length(value));
    case JSON_OBJECT:
    case JSON_ARRAY:
        return chars_inside(value);
    case JSON_INTEGER:
    case JSON_REAL:
        return json_dumpb(value, number, sizeof(number), JSON_ENCODE_ANY);
    default:
        return json_is_false(value) ? 5 : 4;
    }
}

static json_t *parse_once(const char *bytes, apr_size_t len, size_t flags, json_error_t *je)
{
    return json_loadb(bytes, len, flags | JSON_ALLOW_NUL, je);
}

/* What jansson refused. A duplicate: the tree that remains when the last of its name counts. */
static apr_status_t parse_again(json_t **proot, const char *bytes, apr_size_t len, apr_pool_t *pool, tds_err_t *err)
{
    json_error_t je;
    tds_json_scan_t scan;
    apr_status_t rv = tds_json_scan(&scan, bytes, len, TDS_JSON_DEPTH_MAX, pool);

    if (rv != APR_SUCCESS) return TDS_FAIL(err, APR_EINVAL, 101, NULL, "not JSON, not UTF-8 or too deep");
    if (scan.neutral) bytes = scan.neutral;
    *proot = tds_json_own(parse_once(bytes, len, scan.duplicates ? 0 : JSON_REJECT_DUPLICATES, &je), pool);
    if (!*proot) return TDS_FAIL(err, APR_EINVAL, 101, NULL, "not JSON or not UTF-8");
    if (scan.duplicates) return TDS_FAIL(err, APR_EGENERAL, 204, scan.duplicates, "duplicate element");
    return APR_SUCCESS;
}

/* The hot path ends with parse_once. What jansson refuses is looked at again, slowly: for the path of a
 * duplicate, or for something the rules let pass though jansson does not. */
apr_status_t tds_json_parse(json_t **proot, const char *bytes, apr_size_t len, apr_pool_t *pool, tds_err_t *err)
{
    json_error_t je;
    json_t *root;

    *proot = NULL;
    if (len >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3)) {
        bytes += 3;
        len -= 3;
    }
    /* jansson overlooks a NUL behind a number. */
    if (memchr(bytes, '\0', len)) return TDS_FAIL(err, APR_EINVAL, 101, NULL, "not JSON: a NUL byte");
    root = parse_once(bytes, len, JSON_REJECT_DUPLICATES, &je);
    if (!root) return parse_again(proot, bytes, len, pool, err);
    *proot = tds_json_own(root, pool);
    if (tds_json_depth(root, TDS_JSON_DEPTH_MAX) > TDS_JSON_DEPTH_MAX)
        return TDS_FAIL(err, APR_EINVAL, 101, NULL, "nested too deep");
    return APR_SUCCESS;
}
