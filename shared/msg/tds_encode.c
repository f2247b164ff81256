#include "tds_msg_int.h"

/* Building a message, and message to bytes. */

tds_msg_t *tds_msg_make(tds_msg_e type, tds_ver_e version, apr_pool_t *pool)
{
    tds_msg_t *msg = apr_pcalloc(pool, sizeof(*msg));

    msg->type = type;
    msg->version = version;
    msg->pool = pool;
    msg->root = tds_json_object(pool);
    tds_msg_set(msg, TDS_E_MESSAGE_TYPE, tds_msg_type_text(type));
    tds_msg_set(msg, TDS_E_MESSAGE_VERSION, tds_ver_text(version));
    return msg;
}

int tds_msg_set_json(tds_msg_t *msg, tds_elem_e elem, json_t *value)
{
    const char *name = tds_elem_name(elem);

    if (!value) return 0;
    if (!name || elem >= TDS_ELEM_TOP_END) {
        json_decref(value);
        return -1;
    }
    if (json_object_set_new(msg->root, name, value) != 0) return -1;
    msg->elem[elem] = value;
    return 0;
}

int tds_msg_set(tds_msg_t *msg, tds_elem_e elem, const char *text)
{
    json_t *value;

    if (!text || !*text) return 0;
    value = json_string(text);
    return value ? tds_msg_set_json(msg, elem, value) : -1;
}

int tds_msg_set_bool(tds_msg_t *msg, tds_elem_e elem, int value)
{
    return tds_msg_set_json(msg, elem, json_boolean(value));
}

int tds_msg_copy(tds_msg_t *msg, const tds_msg_t *from, tds_elem_e elem)
{
    const json_t *v = tds_msg_get_json(from, elem);

    return v ? tds_msg_set_json(msg, elem, json_deep_copy(v)) : 0;
}

apr_status_t tds_msg_encode(const char **bytes, apr_size_t *len, tds_msg_t *msg,
                            const tds_msg_rules_t *rules, apr_pool_t *pool, tds_err_t *err)
{
    static const tds_msg_rules_t no_rules;
    tds_err_t mine;

    *bytes = NULL;
    *len = 0;
    tds_err_init(&mine, pool);
    if (tds_check_run(msg, rules ? rules : &no_rules, NULL, 1, &mine) != APR_SUCCESS)
        return TDS_FAIL(err, APR_EGENERAL, mine.proto, mine.elements,
                        "own %s is not fit to be sent: %s", tds_msg_type_text(msg->type),
                        mine.detail);
    *bytes = tds_json_text(msg->root, len, pool);
    if (!*bytes) return TDS_FAIL(err, APR_ENOMEM, 0, NULL, "out of memory");
    return APR_SUCCESS;
}
