#include "tds_msg_int.h"

/* The conditions of the tables, compiled to C by the generator. An operand is an element of this
 * message (or a path into it), a member of the object at hand, or a fact of an earlier message. A
 * test asks whether any of its values is in a list, or, with list NULL, whether it is present: there,
 * and neither "" nor null. */

static int value_is(const json_t *v, const char *list)
{
    apr_size_t i;

    switch (json_typeof(v)) {
    case JSON_STRING:
        if (!list) return json_string_length(v) > 0;
        return tds_list_has(list, json_string_value(v), json_string_length(v));
    case JSON_TRUE:
        return !list || tds_list_has(list, "true", 4);
    case JSON_FALSE:
        return !list || tds_list_has(list, "false", 5);
    case JSON_ARRAY:
        if (!list) return 1;
        for (i = 0; i < json_array_size(v); ++i)
            if (value_is(json_array_get(v, i), list)) return 1;
        return 0;
    case JSON_NULL:
        return 0;
    default: /* present, whatever it is */
        return !list;
    }
}

/* The path is e, ended by TDS_E_NONE; an array on the way stands for all its items. */
static int path_is(const json_t *v, const tds_elem_e *e, int n, const char *list)
{
    apr_size_t i;

    if (!v) return 0;
    if (n == 0 || !*e) return value_is(v, list);
    if (json_is_array(v)) {
        for (i = 0; i < json_array_size(v); ++i)
            if (path_is(json_array_get(v, i), e, n, list)) return 1;
        return 0;
    }
    return path_is(json_object_get(v, tds_elem_name(*e)), e + 1, n - 1, list);
}

static int own_is(const tds_ctx_t *ctx, tds_elem_e a, tds_elem_e b, tds_elem_e c, const char *list)
{
    const tds_elem_e rest[2] = {b, c};

    return path_is(ctx->msg->elem[a], rest, 2, list);
}

static int member_is(const tds_ctx_t *ctx, tds_elem_e e, const char *list)
{
    return path_is(ctx->obj, &e, 1, list);
}

static int prior_is(const tds_ctx_t *ctx, tds_msg_e msg, tds_elem_e e, const char *list)
{
    const tds_prior_t *p = ctx->rules->prior, *end = p ? p + ctx->rules->nprior : NULL;

    for (; p != end; ++p) {
        if (p->msg != msg || p->elem != e || !p->value || !*p->value) continue;
        if (!list || tds_list_has(list, p->value, strlen(p->value))) return 1;
    }
    return 0;
}

#define OWN(a, b, c)  own_is, TDS_E_##a, TDS_E_##b, TDS_E_##c
#define MEM(a)        member_is, TDS_E_##a
#define PRI(m, a)     prior_is, TDS_MSG_##m, TDS_E_##a
#define CALL(fn, ...) fn(ctx, __VA_ARGS__)
#define IN(...)       CALL(__VA_ARGS__)
#define HAS(...)      CALL(__VA_ARGS__, NULL)
#define C(n, expression)                                                                           \
    case n:                                                                                        \
        return expression;

int tds_cond(const tds_ctx_t *ctx, int n)
{
    switch (n) {
#include "tds_conds.def"
    default:
        return 0;
    }
}
