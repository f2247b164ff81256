#include "tds_msg_int.h"

/* The conditions of the tables, compiled to C by the generator. An operand is an element of this
 * message (or a path into it), a member of the object at hand, or a fact of an earlier message. A
 * test asks whether any of its values is in a list, or, with list NULL, whether it is present: there,
 * and neither "" nor null. A value of a JSON type that its row does not have answers no test (F-02): the condition is
 * evaluated with either answer, and unless both give the same it is unknown. */

/* v is no array where there is a list. */
static int value_is(const json_t *v, const char *list)
{
    switch (json_typeof(v)) {
    case JSON_STRING:
        if (!list) return json_string_length(v) > 0;
        return tds_list_has(list, json_string_value(v), json_string_length(v));
    case JSON_TRUE:
        return !list || tds_list_has(list, "true", 4);
    case JSON_FALSE:
        return !list || tds_list_has(list, "false", 5);
    case JSON_NULL:
        return 0;
    default: /* present, whatever it is */
        return !list;
    }
}

/* null and "" are absent, whatever the type. */
static int wrong_type(const tds_val_t *val, const json_t *v)
{
    static const unsigned char bits[] = {[JSON_OBJECT] = TDS_T_OBJECT, [JSON_ARRAY] = TDS_T_ARRAY, [JSON_STRING] = TDS_T_STRING,
                                         [JSON_TRUE] = TDS_T_BOOLEAN,  [JSON_FALSE] = TDS_T_BOOLEAN, [JSON_NULL] = 0};

    if (!val || json_is_null(v) || (json_is_string(v) && !json_string_length(v))) return 0;
    return !(bits[json_typeof(v)] & val->types);
}

/* The answer of a test that a value of the wrong type cannot give. */
static int guessed(tds_ctx_t *ctx)
{
    ctx->guesses++;
    return ctx->guess;
}

static const tds_val_t *member_val(const tds_ctx_t *ctx, const tds_table_t *t, tds_elem_e e)
{
    int i;

    for (i = 0; t && i < t->nrows; ++i) {
        const tds_row_t *row = &tds_rows[t->row + i];

        if (row->elem == e && (row->vers & TDS_VER_BIT(ctx->msg->version))) return &tds_vals[row->val];
    }
    return NULL;
}

static const tds_table_t *table_of(const tds_val_t *val)
{
    return val && val->table ? &tds_tables[val->table] : NULL;
}

static int items_are(tds_ctx_t *ctx, const json_t *v, const tds_val_t *val, const char *list)
{
    apr_size_t i;

    for (i = 0; i < json_array_size(v); ++i) {
        const json_t *item = json_array_get(v, i);

        if (wrong_type(val, item) ? guessed(ctx) : value_is(item, list)) return 1;
    }
    return 0;
}

/* The path is e, ended by TDS_E_NONE; an array on the way stands for all its items. val: of v; NULL: not known. */
static int path_is(tds_ctx_t *ctx, const json_t *v, const tds_val_t *val, const tds_elem_e *e, int n, const char *list)
{
    const tds_val_t *items = val && val->items ? &tds_vals[val->items] : NULL;
    apr_size_t i;

    if (!v) return 0;
    if (wrong_type(val, v)) return guessed(ctx);
    if (n == 0 || !*e) return list && json_is_array(v) ? items_are(ctx, v, items, list) : value_is(v, list);
    if (json_is_array(v)) {
        for (i = 0; i < json_array_size(v); ++i)
            if (path_is(ctx, json_array_get(v, i), items, e, n, list)) return 1;
        return 0;
    }
    return path_is(ctx, json_object_get(v, tds_elem_name(*e)), member_val(ctx, table_of(val), *e), e + 1, n - 1, list);
}

static int own_is(tds_ctx_t *ctx, tds_elem_e a, tds_elem_e b, tds_elem_e c, const char *list)
{
    const tds_elem_e rest[2] = {b, c};
    const tds_row_t *row = ctx->rows[a];

    return path_is(ctx, ctx->msg->elem[a], row ? &tds_vals[row->val] : NULL, rest, 2, list);
}

static int member_is(tds_ctx_t *ctx, tds_elem_e e, const char *list)
{
    return path_is(ctx, json_object_get(ctx->obj, tds_elem_name(e)), member_val(ctx, ctx->table, e), NULL, 0, list);
}

static int prior_is(tds_ctx_t *ctx, tds_msg_e msg, tds_elem_e e, const char *list)
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

static int evaluate(tds_ctx_t *ctx, int n)
{
    switch (n) {
#include "tds_conds.def"
    default:
        return 0;
    }
}

int tds_cond(tds_ctx_t *ctx, int n)
{
    int first;

    ctx->guess = ctx->guesses = 0;
    first = evaluate(ctx, n);
    if (!ctx->guesses) return first;
    ctx->guess = 1;
    return evaluate(ctx, n) == first ? first : TDS_COND_UNKNOWN;
}
