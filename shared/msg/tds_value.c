#include "tds_msg_int.h"

#include <stdlib.h>
#include "tds_b64.h"

/* One value against its row: JSON type, length, format, pattern, codes, numeric range, members. */

int tds_value_empty(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_NULL:
        return 1;
    case JSON_STRING:
        return json_string_length(value) == 0;
    case JSON_OBJECT:
        return json_object_size(value) == 0;
    case JSON_ARRAY:
        return json_array_size(value) == 0;
    default:
        return 0;
    }
}

/* Characters are code points (F-03); they are counted only where bytes do not settle it. */
static int length_good(const tds_val_t *val, const char *s, apr_size_t len)
{
    apr_size_t i, n = 0;

    if (len < val->min) return 0;
    if (!val->max && val->min <= 1) return 1;
    if (val->max && len > (apr_size_t)val->max * 4) return 0;
    if (val->min <= 1 && len <= val->max) return 1;
    for (i = 0; i < len; ++i)
        n += ((unsigned char)s[i] & 0xc0) != 0x80;
    return n >= val->min && (!val->max || n <= val->max);
}

/* The value of a digit string; anything beyond 9 significant digits is above every limit in the
 * tables. */
static long digits_value(const char *s, apr_size_t len)
{
    long n = 0;

    while (len > 1 && *s == '0') {
        ++s;
        --len;
    }
    if (len > 9) return 1000000000L;
    while (len--)
        n = n * 10 + (*s++ - '0');
    return n;
}

static int range_good(const tds_val_t *val, const char *s, apr_size_t len)
{
    long n;

    if (val->min_value < 0 && val->max_value < 0) return 1;
    n = digits_value(s, len);
    return (val->min_value < 0 || n >= val->min_value) &&
           (val->max_value < 0 || n <= val->max_value);
}

/* For whom a code that is not listed is reserved; -1: for nobody. */
static int reserved_for(const tds_val_t *val, const char *s, apr_size_t len)
{
    const tds_reserved_t *r = &tds_reserved[val->resv], *end = r + val->nresv;
    int n;

    if (r == end || len > 4 || !tds_format_fn[TDS_F_DIGITS](s, len)) return -1;
    for (n = (int)digits_value(s, len); r < end; ++r)
        if (r->digits == (int)len && n >= r->from && n <= r->to) return r->use;
    return -1;
}

/* 0: good, else the errorCode (A-AREQ-10). */
static int code_fault(const tds_ctx_t *ctx, const tds_val_t *val, const char *s, apr_size_t len,
                      const tds_path_t *path)
{
    int use, reserved = ctx->msg->version >= TDS_V231 ? 207 : 203;

    if (!val->codes || tds_list_has(tds_codes[val->codes], s, len)) return 0;
    if ((val->flags & TDS_VF_ACCEPT_ANY) && !ctx->sending) return 0;
    use = reserved_for(val, s, len);
    if (use < 0) return 203;
    if (use == TDS_RESERVED_EMVCO) return reserved;
    if (!ctx->rules->ds_value) return use == TDS_RESERVED_DS_REJECT ? reserved : 0;
    return ctx->rules->ds_value(ctx->rules->baton, tds_path_text(path, ctx->msg->pool), s)
               ? 0
               : reserved;
}

int tds_code_known(tds_msg_e type, tds_elem_e elem, tds_ver_e version, const char *code)
{
    const tds_msg_rules_t rules = {0};
    tds_msg_t msg = {.version = version};
    tds_ctx_t ctx = {.msg = &msg, .rules = &rules, .sending = 1};
    const tds_table_t *t = &tds_tables[type];
    const tds_row_t *row = &tds_rows[t->row], *end = row + t->nrows;
    apr_size_t len = strlen(code);

    while (row < end && (row->elem != elem || !(row->vers & TDS_VER_BIT(version)))) ++row;
    return row < end && length_good(&tds_vals[row->val], code, len) && tds_format_fn[tds_vals[row->val].format](code, len) &&
           !code_fault(&ctx, &tds_vals[row->val], code, len, NULL);
}

/* base64url of a JSON object (deviceInfo): more is not asked of it. */
static int decodes(const tds_ctx_t *ctx, const char *s, apr_size_t len)
{
    unsigned char *text;
    apr_size_t n;
    json_t *root;

    if (tds_b64url_decode(&text, &n, s, len, 1, ctx->msg->pool) != APR_SUCCESS) return 0;
    if (tds_json_parse(&root, (const char *)text, n, ctx->msg->pool, NULL) != APR_SUCCESS) return 0;
    return json_is_object(root);
}

static int string_fault(const tds_ctx_t *ctx, const tds_val_t *val, const json_t *value,
                        const tds_path_t *path)
{
    const char *s = json_string_value(value);
    apr_size_t len = json_string_length(value);
    int code;

    if (len == 0 || !length_good(val, s, len)) return 203;
    if (!tds_format_fn[val->format](s, len) || !tds_pattern_fn[val->pattern](s, len)) return 203;
    if ((code = code_fault(ctx, val, s, len, path)) != 0) return code;
    if (!range_good(val, s, len)) return 203;
    if ((val->flags & TDS_VF_DECODED) && !decodes(ctx, s, len)) return 203;
    if (val->format >= TDS_F_COUNTRY && val->format <= TDS_F_CURRENCY_ALPHA &&
        !tds_iso_good(ctx->rules, val->format, s))
        return 304;
    return 0;
}

/* ---- objects ----------------------------------------------------------- */

static int member_known(const tds_ctx_t *ctx, const tds_table_t *t, const char *name)
{
    tds_elem_e e = tds_elem_find_z(name);
    int i;

    for (i = 0; e && i < t->nrows; ++i) {
        const tds_row_t *row = &tds_rows[t->row + i];

        if (row->elem == e && (row->vers & TDS_VER_BIT(ctx->msg->version)) &&
            tds_row_applies(ctx, row))
            return 1;
    }
    return 0;
}

static const tds_row_t *any_name_row(const tds_ctx_t *ctx, const tds_table_t *t)
{
    int i;

    for (i = 0; i < t->nrows; ++i)
        if (tds_rows[t->row + i].vers & TDS_VER_BIT(ctx->msg->version))
            return &tds_rows[t->row + i];
    return NULL;
}

/* One member of any name (challengeSelectInfo). */
static void any_name_check(tds_ctx_t *ctx, const tds_table_t *t, const json_t *value,
                           const tds_path_t *path)
{
    const tds_row_t *row = any_name_row(ctx, t);
    void *it = json_object_iter((json_t *)value);
    tds_val_t key = {.types = TDS_T_STRING};
    const char *name;

    if (!row) return;
    key.min = tds_vals[row->val].key_min;
    key.max = tds_vals[row->val].key_max;
    name = it ? json_object_iter_key(it) : "";
    if (json_object_size(value) != 1 || !length_good(&key, name, strlen(name)))
        tds_report(ctx, 203, path);
    else
        tds_row_check(ctx, row, json_object_iter_value(it), path);
}

/* What a sender must not do: members the tables do not know. */
static void strangers_check(tds_ctx_t *ctx, const tds_table_t *t, const json_t *value,
                            const tds_path_t *path)
{
    void *it = json_object_iter((json_t *)value);

    for (; it; it = json_object_iter_next((json_t *)value, it))
        if (!member_known(ctx, t, json_object_iter_key(it))) {
            tds_report(ctx, 203, path);
            return;
        }
}

void tds_members_check(tds_ctx_t *ctx, const tds_table_t *t, const json_t *value, const tds_path_t *path)
{
    const json_t *outer = ctx->obj;
    const tds_table_t *outer_table = ctx->table;
    int i, present = 0;

    ctx->obj = value;
    ctx->table = t;
    for (i = 0; i < t->nrows; ++i) {
        const tds_row_t *row = &tds_rows[t->row + i];
        const json_t *member;

        if (!(row->vers & TDS_VER_BIT(ctx->msg->version)) || !tds_row_applies(ctx, row)) continue;
        member = json_object_get(value, tds_elem_name(row->elem));
        present += member != NULL;
        tds_row_check(ctx, row, member, path);
    }
    ctx->obj = outer;
    ctx->table = outer_table;
    if (present < t->least[ctx->msg->version]) tds_report(ctx, 203, path);
    if (ctx->sending) strangers_check(ctx, t, value, path);
}

static void object_check(tds_ctx_t *ctx, const tds_val_t *val, const json_t *value,
                         const tds_path_t *path)
{
    const tds_table_t *t = &tds_tables[val->table];

    if (val->max) {
        apr_size_t n = tds_json_chars(value);

        if (n < val->min || n > val->max) {
            tds_report(ctx, 203, path);
            return;
        }
    }
    if (!val->table || (t->flags & TDS_TF_INFORMATIVE)) return;
    if (t->flags & TDS_TF_ANY_NAME)
        any_name_check(ctx, t, value, path);
    else
        tds_members_check(ctx, t, value, path);
}

/* ---- arrays ------------------------------------------------------------ */

typedef struct item_t {
    apr_uint64_t hash;
    const json_t *value;
} item_t;

static apr_uint64_t hash_bytes(const char *bytes, apr_size_t len)
{
    apr_uint64_t h = 14695981039346656037u;

    while (len--)
        h = (h ^ (unsigned char)*bytes++) * 1099511628211u;
    return h ^ h >> 29;
}

static apr_uint64_t hash_value(const json_t *v);

/* The order of members does not count, that of items does. */
static apr_uint64_t hash_inside(const json_t *v)
{
    apr_uint64_t h = 3;
    apr_size_t i;
    void *it;

    for (i = 0; i < json_array_size(v); ++i)
        h = h * 1099511628211u + hash_value(json_array_get(v, i));
    for (it = json_object_iter((json_t *)v); it; it = json_object_iter_next((json_t *)v, it)) {
        const char *key = json_object_iter_key(it);

        h += (hash_bytes(key, strlen(key)) ^ hash_value(json_object_iter_value(it))) * 1099511628211u;
    }
    return h;
}

/* Equal for equal values. */
static apr_uint64_t hash_value(const json_t *v)
{
    double d = json_real_value(v);

    switch (json_typeof(v)) {
    case JSON_STRING:
        return hash_bytes(json_string_value(v), json_string_length(v));
    case JSON_INTEGER:
        return (apr_uint64_t)json_integer_value(v) * 0x9e3779b97f4a7c15u;
    case JSON_REAL:
        return hash_bytes((const char *)&d, sizeof(d));
    default:
        return hash_inside(v) * 31 + (apr_uint64_t)json_typeof(v);
    }
}

static int by_hash(const void *a, const void *b)
{
    apr_uint64_t x = ((const item_t *)a)->hash, y = ((const item_t *)b)->hash;

    return x < y ? -1 : x > y;
}

/* Equal items (3.5). By hash, since there may be 200000 card ranges. */
static int has_twins(const tds_ctx_t *ctx, const json_t *array)
{
    apr_size_t n = json_array_size(array), i, j;
    item_t *items;

    if (n < 2) return 0;
    items = apr_palloc(ctx->msg->pool, n * sizeof(*items));
    for (i = 0; i < n; ++i) {
        items[i].value = json_array_get(array, i);
        items[i].hash = hash_value(items[i].value);
    }
    qsort(items, n, sizeof(*items), by_hash);
    for (i = 0; i < n; ++i)
        for (j = i + 1; j < n && items[j].hash == items[i].hash; ++j)
            if (json_equal(items[i].value, items[j].value)) return 1;
    return 0;
}

/* Of {} where an object is due the members are named that have to be there; where there are none it is as empty as any
 * other item. */
void tds_item_check(tds_ctx_t *ctx, const tds_val_t *val, const json_t *item, const tds_path_t *path)
{
    const tds_val_t *items = &tds_vals[val->items];
    int before = ctx->faults, empty = tds_value_empty(item);

    if (!empty || (json_is_object(item) && (items->types & TDS_T_OBJECT) && items->table))
        tds_value_check(ctx, items, item, path);
    if (empty && ctx->faults == before) tds_report(ctx, 203, path);
}

static void array_check(tds_ctx_t *ctx, const tds_val_t *val, const json_t *value,
                        const tds_path_t *path)
{
    const tds_items_t *gone = ctx->items && ctx->items->array == value ? ctx->items : NULL;
    apr_size_t n = gone ? gone->count : json_array_size(value), i;
    int before = ctx->faults;

    if (n < val->min_items || (val->max_items && n > val->max_items) ||
        (val->max_total && tds_json_chars(value) > val->max_total)) {
        tds_report(ctx, 203, path);
        return;
    }
    if ((val->flags & TDS_VF_UNIQUE) && ctx->msg->version >= TDS_V231 &&
        (gone ? gone->twins : has_twins(ctx, value))) {
        tds_report(ctx, 204, path);
        return;
    }
    if (gone) {
        tds_report_join(ctx, gone->first);
        return;
    }
    for (i = 0; val->items && i < n; ++i)
        tds_item_check(ctx, val, json_array_get(value, i), path);
    if ((val->flags & TDS_VF_EXTENSION) && ctx->faults == before) tds_ext_check(ctx, value, path);
}

void tds_value_check(tds_ctx_t *ctx, const tds_val_t *val, const json_t *value,
                     const tds_path_t *path)
{
    int type = json_typeof(value), fault = 203;

    if (type == JSON_STRING && (val->types & TDS_T_STRING)) {
        fault = string_fault(ctx, val, value, path);
    }
    else if (type == JSON_OBJECT && (val->types & TDS_T_OBJECT)) {
        object_check(ctx, val, value, path);
        return;
    }
    else if (type == JSON_ARRAY && (val->types & TDS_T_ARRAY)) {
        array_check(ctx, val, value, path);
        return;
    }
    else if (json_is_boolean(value) && (val->types & TDS_T_BOOLEAN)) {
        const char *text = json_is_true(value) ? "true" : "false";

        fault = !val->codes || tds_list_has(tds_codes[val->codes], text, strlen(text)) ? 0 : 203;
    }
    if (fault) tds_report(ctx, fault, path);
}
