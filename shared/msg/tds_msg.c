#include "tds_msg_int.h"

#include <apr_strings.h>
#include <strings.h>

/* Names of types, and reading a message. */

const char *tds_msg_type_text(tds_msg_e type)
{
    return type > TDS_MSG_NONE && type < TDS_MSG_COUNT ? tds_tables[type].name : "";
}

tds_msg_e tds_msg_type_find(const char *name)
{
    int i;

    for (i = TDS_MSG_NONE + 1; i < TDS_MSG_COUNT; ++i)
        if (!strcmp(name, tds_tables[i].name)) return (tds_msg_e)i;
    return TDS_MSG_NONE;
}

static const char *text_of(const json_t *v)
{
    if (json_is_boolean(v)) return json_is_true(v) ? "true" : "false";
    return json_is_string(v) && json_string_length(v) ? json_string_value(v) : NULL;
}

const char *tds_msg_get(const tds_msg_t *msg, tds_elem_e elem)
{
    return elem < TDS_ELEM_TOP_END ? text_of(msg->elem[elem]) : NULL;
}

const json_t *tds_msg_get_json(const tds_msg_t *msg, tds_elem_e elem)
{
    return elem < TDS_ELEM_TOP_END ? msg->elem[elem] : NULL;
}

const char *tds_msg_id(const tds_msg_t *msg, tds_elem_e elem)
{
    const json_t *v = tds_msg_get_json(msg, elem);

    if (!json_is_string(v) ||
        !tds_format_fn[TDS_F_UUID](json_string_value(v), json_string_length(v)))
        return NULL;
    return json_string_value(v);
}

apr_status_t tds_msg_id_check(const tds_msg_t *msg, tds_elem_e elem, tds_err_t *err)
{
    const json_t *v = tds_msg_get_json(msg, elem);

    if (!v || tds_value_empty(v)) return TDS_FAIL(err, APR_EINVAL, 201, tds_elem_name(elem), "required element missing");
    if (!tds_msg_id(msg, elem)) return TDS_FAIL(err, APR_EINVAL, 203, tds_elem_name(elem), "not in the specified format");
    return APR_SUCCESS;
}

static const json_t *walk(const json_t *v, const char *path)
{
    const char *dot = strchr(path, '.');
    apr_size_t len = dot ? (apr_size_t)(dot - path) : strlen(path), i;
    const char *name = tds_elem_name(tds_elem_find(path, len));
    const json_t *found;

    if (json_is_array(v)) {
        for (i = 0; i < json_array_size(v); ++i)
            if ((found = walk(json_array_get(v, i), path))) return found;
        return NULL;
    }
    if (!name || !(v = json_object_get(v, name))) return NULL;
    return dot ? walk(v, dot + 1) : v;
}

const json_t *tds_msg_get_json_path(const tds_msg_t *msg, const char *path)
{
    const char *dot = strchr(path, '.');
    tds_elem_e e = tds_elem_find(path, dot ? (apr_size_t)(dot - path) : strlen(path));
    const json_t *v = e ? tds_msg_get_json(msg, e) : NULL;

    return v && dot ? walk(v, dot + 1) : v;
}

const char *tds_msg_get_path(const tds_msg_t *msg, const char *path)
{
    const json_t *v = tds_msg_get_json_path(msg, path);

    return text_of(json_is_array(v) ? json_array_get(v, 0) : v);
}

/* Where a wanted fact is found in a message: at the top, or one step down. */
static const json_t *fact(const tds_msg_t *msg, tds_elem_e elem)
{
    const json_t *parent;

    if (elem < TDS_ELEM_TOP_END) return msg->elem[elem];
    parent = elem == TDS_E_LIMITED_IND ? msg->elem[TDS_E_SPLIT_SDK_TYPE] : NULL;
    return parent ? json_object_get(parent, tds_elem_name(elem)) : NULL;
}

static int prior_rows(tds_prior_t *rows, int max, const tds_prior_t *want, const json_t *v)
{
    apr_size_t i;
    int n = 0;

    if (json_is_array(v)) {
        for (i = 0; i < json_array_size(v); ++i)
            n += prior_rows(rows + n, max - n, want, json_array_get(v, i));
        return n;
    }
    if (!text_of(v) || max < 1) return 0;
    rows[0] = *want;
    rows[0].value = text_of(v);
    return 1;
}

int tds_msg_prior(const tds_msg_t *msg, tds_prior_t *rows, int max)
{
    int i, n = 0;

    for (i = 0; i < tds_nwanted; ++i)
        if (tds_wanted[i].msg == msg->type)
            n += prior_rows(rows + n, max - n, &tds_wanted[i], fact(msg, tds_wanted[i].elem));
    return n;
}

static int same(const char *a, const char *b)
{
    apr_size_t n = strlen(a);

    if (!strcmp(a, b)) return 1;
    return tds_format_fn[TDS_F_UUID](a, n) && !strcasecmp(a, b);
}

apr_status_t tds_msg_match(const tds_msg_t *msg, const tds_prior_t *rows, int n, int proto,
                           tds_err_t *err)
{
    const char *names = NULL;
    int i;

    for (i = 0; i < n; ++i) {
        const char *have = tds_msg_get(msg, rows[i].elem), *name = tds_elem_name(rows[i].elem);

        if (!have || !rows[i].value || same(have, rows[i].value)) continue;
        names = names ? apr_pstrcat(msg->pool, names, ",", name, NULL) : name;
    }
    if (!names) return APR_SUCCESS;
    return TDS_FAIL(err, APR_EINVAL, proto, names, "%s: not what the transaction has",
                    tds_msg_type_text(msg->type));
}
