#include "tds_msg_int.h"

/* A message against the rows of its type: who carries what, when, and what depends on what. */

int tds_row_applies(const tds_ctx_t *ctx, const tds_row_t *row)
{
    const tds_msg_t *msg = ctx->msg;
    unsigned chan = msg->channel ? 1u << msg->channel : ctx->channels;
    unsigned cat = msg->category ? 1u << msg->category : 6u;

    return (row->chan & chan) == chan && (row->cat & cat) == cat &&
           (row->variants & ctx->variant) && !(row->cut & (1u << ctx->rules->leg) & ~1u);
}

static int inclusion(const tds_ctx_t *ctx, const tds_row_t *row)
{
    return row->inc[ctx->msg->category == TDS_CATEGORY_PA    ? 0
                    : ctx->msg->category == TDS_CATEGORY_NPA ? 1
                                                             : 2];
}

static int required(tds_ctx_t *ctx, const tds_row_t *row)
{
    int inc = inclusion(ctx, row);

    if (row->must & (1u << ctx->rules->leg) & ~1u) return 1;
    return inc == TDS_INC_R || (inc == TDS_INC_C && row->when && tds_cond(ctx, row->when) > 0);
}

/* The condition is known not to hold. */
static int uncalled_for(tds_ctx_t *ctx, const tds_row_t *row)
{
    return row->sure && row->when && inclusion(ctx, row) == TDS_INC_C && !tds_cond(ctx, row->when);
}

int tds_table_optional(const tds_ctx_t *ctx, const tds_table_t *table)
{
    int i;

    if (table->least[ctx->msg->version]) return 0;
    for (i = 0; i < table->nrows; ++i) {
        const tds_row_t *row = &tds_rows[table->row + i];

        if ((row->vers & TDS_VER_BIT(ctx->msg->version)) && row->inc[2] == TDS_INC_R) return 0;
    }
    return 1;
}

/* {} of an object whose members are all optional: real 3DS Servers send it (A-AREQ-09). */
static int harmless(const tds_ctx_t *ctx, const tds_val_t *val, const json_t *value)
{
    return !ctx->sending && json_is_object(value) && (val->types & TDS_T_OBJECT) &&
           tds_table_optional(ctx, &tds_tables[val->table]);
}

static int crosses(tds_ctx_t *ctx, const tds_row_t *row)
{
    int i;

    for (i = 0; i < row->ncross; ++i)
        if (!tds_cond(ctx, tds_cross[row->cross + i])) return 1;
    return 0;
}

/* P-12: answers that exclude each other are named together. */
static int report_answers(tds_ctx_t *ctx)
{
    static const tds_elem_e answers[] = {TDS_E_CHALLENGE_DATA_ENTRY, TDS_E_CHALLENGE_DATA_ENTRY_TWO,
                                         TDS_E_CHALLENGE_NO_ENTRY,   TDS_E_CHALLENGE_CANCEL,
                                         TDS_E_RESEND_CHALLENGE,     TDS_E_CHALLENGE_ADD_CODE};
    apr_size_t i;
    int n = 0;

    for (i = 0; i < sizeof answers / sizeof *answers; ++i) {
        const tds_path_t path = {NULL, answers[i]};
        const char *text = json_string_value(ctx->msg->elem[answers[i]]);

        if (!text || !*text || (answers[i] == TDS_E_RESEND_CHALLENGE && !strcmp(text, "N"))) continue;
        tds_report(ctx, 203, &path);
        ++n;
    }
    return n;
}

static void report_cross(tds_ctx_t *ctx, const tds_row_t *row, const tds_path_t *path)
{
    int named = ctx->msg->type == TDS_MSG_CREQ && row->elem == TDS_E_CHALLENGE_DATA_ENTRY ? report_answers(ctx) : 0;

    if (!named) tds_report(ctx, 203, path);
}

void tds_row_check(tds_ctx_t *ctx, const tds_row_t *row, const json_t *value, const tds_path_t *up)
{
    const tds_path_t path = {up, row->elem};
    const tds_val_t *val = &tds_vals[row->val];
    int before = ctx->faults;

    if (!value) {
        if (required(ctx, row))
            tds_report(ctx, 201, &path);
        else if (row->ncross && crosses(ctx, row))
            report_cross(ctx, row, &path);
        return;
    }
    if (tds_value_empty(value)) {
        if (required(ctx, row))
            tds_report(ctx, 201, &path);
        else if (!harmless(ctx, val, value))
            tds_report(ctx, 203, &path);
        return;
    }
    tds_value_check(ctx, val, value, &path);
    if (ctx->faults != before) return;
    if ((row->absent_when && !(ctx->rules->flags & TDS_RULE_LAX_ABSENT) &&
         tds_cond(ctx, row->absent_when) > 0) ||
        ((ctx->rules->flags & TDS_RULE_STRICT_CONDITION) && uncalled_for(ctx, row)))
        tds_report(ctx, 203, &path);
    else if (row->ncross && crosses(ctx, row))
        report_cross(ctx, row, &path);
}

/* ---- channel, category, variant ---------------------------------------- */

static const char *prior_text(const tds_msg_rules_t *rules, tds_elem_e elem)
{
    int i;

    for (i = 0; i < rules->nprior; ++i)
        if (rules->prior[i].msg == TDS_MSG_AREQ && rules->prior[i].elem == elem)
            return rules->prior[i].value;
    return NULL;
}

static int carries(const tds_msg_t *msg, tds_elem_e elem)
{
    const tds_table_t *t = &tds_tables[msg->type];
    int i;

    for (i = 0; i < t->nrows; ++i)
        if (tds_rows[t->row + i].elem == elem) return 1;
    return 0;
}

/* "01".."0<last>" to a number, else 0. */
static int small_code(const char *text, int last)
{
    return text && text[0] == '0' && text[1] >= '1' && text[1] <= '0' + last && !text[2]
               ? text[1] - '0'
               : 0;
}

static const char *steering(const tds_ctx_t *ctx, tds_elem_e elem)
{
    return carries(ctx->msg, elem) ? json_string_value(ctx->msg->elem[elem])
                                   : prior_text(ctx->rules, elem);
}

/* A category the DS defined is judged as payment, if it is known here. */
static int category_of(const tds_ctx_t *ctx)
{
    const char *text = steering(ctx, TDS_E_MESSAGE_CATEGORY);
    int n = small_code(text, 2);

    if (n || !text || !ctx->rules->ds_value || text[0] < '8') return n;
    return ctx->rules->ds_value(ctx->rules->baton, "messageCategory", text) ? TDS_CATEGORY_PA : 0;
}

static int variant_of(const tds_msg_t *msg)
{
    const char *ind = json_string_value(msg->elem[TDS_E_CHALLENGE_COMPLETION_IND]);

    if (msg->type != TDS_MSG_CRES) return TDS_VARIANT_INTERIM | TDS_VARIANT_FINAL;
    if (msg->channel == TDS_CHANNEL_BRW || (ind && !strcmp(ind, "Y"))) return TDS_VARIANT_FINAL;
    return TDS_VARIANT_INTERIM;
}

/* The channels this message exists for: where the channel is not known, what applies to all of
 * them. */
static unsigned channels_of(const tds_msg_t *msg)
{
    const tds_table_t *t = &tds_tables[msg->type];
    int i;

    for (i = 0; i < t->nrows; ++i) {
        const tds_row_t *row = &tds_rows[t->row + i];

        if (row->elem == TDS_E_MESSAGE_TYPE && (row->vers & TDS_VER_BIT(msg->version)))
            return row->chan;
    }
    return 0;
}

/* Keep what applies: from here on the rest counts as not sent. */
static void settle(tds_ctx_t *ctx)
{
    tds_msg_t *msg = ctx->msg;
    const tds_table_t *t = &tds_tables[msg->type];
    json_t *keep[TDS_ELEM_TOP_END] = {NULL};
    int i;

    msg->channel = small_code(steering(ctx, TDS_E_DEVICE_CHANNEL), 3);
    msg->category = category_of(ctx);
    ctx->channels = channels_of(msg);
    ctx->variant = variant_of(msg);
    for (i = 0; i < t->nrows; ++i) {
        const tds_row_t *row = &tds_rows[t->row + i];

        if (!(row->vers & TDS_VER_BIT(msg->version)) || !tds_row_applies(ctx, row)) continue;
        keep[row->elem] = msg->elem[row->elem];
        ctx->rows[row->elem] = row;
    }
    memcpy(msg->elem, keep, sizeof(keep));
}

/* ---- the whole message ------------------------------------------------- */

/* A sender sends nothing the tables do not want here. */
static void strangers(tds_ctx_t *ctx)
{
    json_t *root = ctx->msg->root;
    void *it = json_object_iter(root);

    for (; it; it = json_object_iter_next(root, it)) {
        tds_elem_e e = tds_elem_find_z(json_object_iter_key(it));

        if (!e || e >= TDS_ELEM_TOP_END || ctx->msg->elem[e] != json_object_iter_value(it))
            tds_report_text(ctx, 203, e, json_object_iter_key(it));
    }
}

/* Amounts whose currency has other minor units (A-AREQ-14). */
static void exponents(tds_ctx_t *ctx)
{
    static const tds_elem_e pairs[][2] = {{TDS_E_PURCHASE_CURRENCY, TDS_E_PURCHASE_EXPONENT},
                                          {TDS_E_RECURRING_CURRENCY, TDS_E_RECURRING_EXPONENT}};
    apr_size_t i;

    for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); ++i) {
        const char *exp = json_string_value(ctx->msg->elem[pairs[i][1]]);
        int want = tds_currency_exponent(json_string_value(ctx->msg->elem[pairs[i][0]]));

        if (want < 0 || !exp || strlen(exp) != 1 || exp[0] == '0' + want) continue;
        tds_report_text(ctx, 304, pairs[i][0], tds_elem_name(pairs[i][0]));
        tds_report_text(ctx, 304, pairs[i][1], tds_elem_name(pairs[i][1]));
    }
}

void tds_check_start(tds_ctx_t *ctx, tds_msg_t *msg, const tds_msg_rules_t *rules, apr_pool_t *pool)
{
    *ctx = (tds_ctx_t){.msg = msg, .rules = rules, .pool = pool};
    ctx->last = &ctx->first;
    settle(ctx);
}

apr_status_t tds_check_run(tds_msg_t *msg, const tds_msg_rules_t *rules, const tds_items_t *items, int sending,
                           tds_err_t *err)
{
    const tds_table_t *t = &tds_tables[msg->type];
    tds_ctx_t ctx;
    int i;

    tds_check_start(&ctx, msg, rules, msg->pool);
    ctx.sending = sending;
    ctx.items = items;
    for (i = 0; i < t->nrows; ++i) {
        const tds_row_t *row = &tds_rows[t->row + i];

        if ((row->vers & TDS_VER_BIT(msg->version)) && tds_row_applies(&ctx, row))
            tds_row_check(&ctx, row, msg->elem[row->elem], NULL);
    }
    if (sending) {
        strangers(&ctx);
        tds_screen_check(&ctx);
    }
    if (!(rules->flags & TDS_RULE_LAX_EXPONENT)) exponents(&ctx);
    return tds_report_finish(&ctx, err);
}

/* ---- objects that are no messages ---------------------------------------- */

static const tds_table_t *table_of(const char *name)
{
    int i;

    for (i = TDS_MSG_COUNT; i < tds_ntables; ++i)
        if (!strcmp(name, tds_tables[i].name)) return &tds_tables[i];
    return NULL;
}

apr_status_t tds_object_check(const char *name, tds_ver_e version, const json_t *object, const tds_msg_rules_t *rules,
                              apr_pool_t *pool, tds_err_t *err)
{
    static const tds_msg_rules_t none;
    const tds_table_t *t = table_of(name);
    tds_msg_t msg = {.version = version, .pool = pool};
    tds_ctx_t ctx = {.msg = &msg, .rules = rules ? rules : &none, .pool = pool,
                     .variant = TDS_VARIANT_INTERIM | TDS_VARIANT_FINAL};

    if (!t || !(t->vers & TDS_VER_BIT(version))) return TDS_FAIL(err, APR_ENOENT, 0, NULL, "%s: no such object", name);
    if (!json_is_object(object)) return TDS_FAIL(err, APR_EINVAL, 101, NULL, "%s: not an object", name);
    ctx.last = &ctx.first;
    tds_members_check(&ctx, t, object, NULL);
    return tds_report_finish(&ctx, err);
}
