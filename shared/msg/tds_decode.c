#include "tds_msg_int.h"

/* Bytes to message, in the order of A-AREQ-01: JSON, messageType, messageVersion, duplicates, the
 * rest. */

static const tds_msg_rules_t no_rules;

#define DETAIL_FORMAT   "Invalid Formatted Message"
#define DETAIL_TYPE     "Invalid Message Type"
#define DETAIL_RECEIVER "Invalid Message for the receiving component"

static void fill(tds_msg_t *msg)
{
    void *it = json_object_iter(msg->root);

    for (; it; it = json_object_iter_next(msg->root, it)) {
        tds_elem_e e = tds_elem_find_z(json_object_iter_key(it));

        if (e && e < TDS_ELEM_TOP_END) msg->elem[e] = json_object_iter_value(it);
    }
}

/* Names too long for an errorDetail leave it empty: they are duplicates all the same. */
tds_msg_t *tds_msg_of(json_t *root, const char *duplicates, apr_pool_t *pool)
{
    tds_msg_t *msg = apr_pcalloc(pool, sizeof(*msg));
    const char *text;

    if (duplicates && !(msg->duplicates = tds_detail_cut(duplicates, pool))) msg->duplicates = "";
    msg->root = root;
    msg->pool = pool;
    fill(msg);
    if ((text = json_string_value(msg->elem[TDS_E_MESSAGE_TYPE])))
        msg->type = tds_msg_type_find(text);
    if ((text = json_string_value(msg->elem[TDS_E_MESSAGE_VERSION])))
        msg->version = tds_ver_parse(text);
    return msg;
}

/* OReq in a 2.2.0 world is no message at all: the versions a type exists in count first. */
static apr_status_t type_check(const tds_msg_t *msg, const tds_msg_rules_t *rules, tds_err_t *err)
{
    const json_t *v = msg->elem[TDS_E_MESSAGE_TYPE];
    unsigned vers = tds_tables[msg->type].vers;
    unsigned here = msg->version ? TDS_VER_BIT(msg->version) : rules->versions;

    if (!v || json_is_null(v) || (json_is_string(v) && !json_string_length(v)))
        return TDS_FAIL(err, APR_EINVAL, 201, "messageType", "messageType missing");
    if (!msg->type || (here && !(vers & here)) || (rules->versions && !(vers & rules->versions)))
        return TDS_FAIL(err, APR_EINVAL, 101, DETAIL_TYPE, "no such message type");
    if (rules->accept && !(rules->accept & TDS_MSG_BIT(msg->type)))
        return TDS_FAIL(err, APR_EINVAL, 101, DETAIL_RECEIVER, "%s is not for this place",
                        tds_msg_type_text(msg->type));
    return APR_SUCCESS;
}

static apr_status_t must_check(const tds_msg_t *msg, const tds_msg_rules_t *rules, tds_err_t *err)
{
    if (rules->version_must && msg->version != rules->version_must)
        return TDS_FAIL(err, APR_EINVAL, 203, "messageVersion",
                        "not the version of the transaction");
    return APR_SUCCESS;
}

/* Of an Erro only the type counts (E-06); but an inactive version leaves nothing to judge it by. */
static apr_status_t version_check(const tds_msg_t *msg, const tds_msg_rules_t *rules,
                                  tds_err_t *err)
{
    const json_t *v = msg->elem[TDS_E_MESSAGE_VERSION];

    if (!v || json_is_null(v) || (json_is_string(v) && !json_string_length(v)))
        return TDS_FAIL(err, APR_EINVAL, 201, "messageVersion", "messageVersion missing");
    if (!json_is_string(v))
        return TDS_FAIL(err, APR_EINVAL, 203, "messageVersion", "messageVersion is not a text");
    if (rules->version_must) return must_check(msg, rules, err);
    if (!msg->version || (rules->versions && !(rules->versions & TDS_VER_BIT(msg->version))))
        return TDS_FAIL(err, APR_EINVAL, 102, tds_versions_text(rules->versions, msg->pool),
                        "version not active here");
    return APR_SUCCESS;
}

apr_status_t tds_msg_head_check(const tds_msg_t *msg, const tds_msg_rules_t *rules, tds_err_t *err)
{
    apr_status_t rv = type_check(msg, rules, err);

    return rv == APR_SUCCESS ? version_check(msg, rules, err) : rv;
}

apr_status_t tds_msg_not_json(tds_err_t *err, const char *why)
{
    return TDS_FAIL(err, APR_EINVAL, 101, DETAIL_FORMAT, "%s", why);
}

apr_status_t tds_msg_open(tds_msg_t **pmsg, const char *bytes, apr_size_t len,
                          const tds_msg_rules_t *rules, apr_pool_t *pool, tds_err_t *err)
{
    tds_err_t mine;
    json_t *root;
    apr_status_t rv;

    *pmsg = NULL;
    if (!rules) rules = &no_rules;
    tds_err_init(&mine, pool);
    rv = tds_json_parse(&root, bytes, len, pool, &mine);
    if (json_is_object(root)) *pmsg = tds_msg_of(root, mine.proto == 204 ? mine.elements : NULL, pool);
    if (rv != APR_SUCCESS && mine.proto != 204) return tds_msg_not_json(err, mine.detail);
    if (!*pmsg) return tds_msg_not_json(err, "not a JSON object");
    return tds_msg_head_check(*pmsg, rules, err);
}

apr_status_t tds_msg_rest_check(tds_msg_t *msg, const tds_msg_rules_t *rules, const tds_items_t *items,
                                tds_err_t *err)
{
    apr_status_t rv;

    if (!msg->type || !msg->version)
        return TDS_FAIL(err, APR_EINVAL, 101, DETAIL_TYPE, "neither type nor version to check by");
    if ((rv = must_check(msg, rules, err)) != APR_SUCCESS) return rv;
    if (msg->duplicates)
        return TDS_FAIL(err, APR_EINVAL, 204, *msg->duplicates ? msg->duplicates : NULL, "duplicate element");
    return tds_check_run(msg, rules, items, 0, err);
}

apr_status_t tds_msg_check(tds_msg_t *msg, const tds_msg_rules_t *rules, tds_err_t *err)
{
    return tds_msg_rest_check(msg, rules ? rules : &no_rules, NULL, err);
}

apr_status_t tds_msg_decode(tds_msg_t **pmsg, const char *bytes, apr_size_t len,
                            const tds_msg_rules_t *rules, apr_pool_t *pool, tds_err_t *err)
{
    apr_status_t rv = tds_msg_open(pmsg, bytes, len, rules, pool, err);

    return rv == APR_SUCCESS ? tds_msg_check(*pmsg, rules, err) : rv;
}
