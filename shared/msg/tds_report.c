#include "tds_msg_int.h"

#include <apr_strings.h>

/* What a check found: collected while it runs, put into one report at the end. */

#define DETAIL_MAX 2048
#define PATH_TEXT_MAX   512 /* a path in the tables is shorter */

/* Each once: of 200000 faulty card ranges not each needs a row. */
void tds_report_text(tds_ctx_t *ctx, int code, tds_elem_e top, const char *text)
{
    tds_offender_t *o;

    ctx->faults++;
    for (o = ctx->first; o; o = o->next)
        if (o->code == code && o->top == top && !strcmp(o->text, text)) return;
    o = apr_palloc(ctx->pool, sizeof(*o));
    o->next = NULL;
    o->code = code;
    o->top = top;
    o->text = apr_pstrdup(ctx->pool, text);
    *ctx->last = o;
    ctx->last = &o->next;
}

void tds_report_join(tds_ctx_t *ctx, const tds_offender_t *list)
{
    for (; list; list = list->next) tds_report_text(ctx, list->code, list->top, list->text);
}

/* Behind what buf holds, with a dot between; what does not fit is left out. */
static void path_write(const tds_path_t *path, char *buf, apr_size_t *len)
{
    const char *name = path->elem == TDS_E_ANY_NAME ? "" : tds_elem_name(path->elem);
    apr_size_t n = strlen(name);

    if (path->up) path_write(path->up, buf, len);
    if (!n || *len + n + 2 > PATH_TEXT_MAX) return;
    if (*len) buf[(*len)++] = '.';
    memcpy(buf + *len, name, n + 1);
    *len += n;
}

const char *tds_path_text(const tds_path_t *path, apr_pool_t *pool)
{
    char text[PATH_TEXT_MAX] = "";
    apr_size_t len = 0;

    path_write(path, text, &len);
    return apr_pstrmemdup(pool, text, len);
}

void tds_report(tds_ctx_t *ctx, int code, const tds_path_t *path)
{
    const tds_path_t *p = path;
    char text[PATH_TEXT_MAX] = "";
    apr_size_t len = 0;

    while (p->up)
        p = p->up;
    path_write(path, text, &len);
    tds_report_text(ctx, code, p->elem, text);
}

const char *tds_detail_cut(const char *names, apr_pool_t *pool)
{
    apr_size_t n = names ? strlen(names) : 0;

    if (n <= DETAIL_MAX) return names;
    for (n = DETAIL_MAX; n > 0 && names[n] != ','; --n)
        continue;
    return n ? apr_pstrmemdup(pool, names, n) : NULL;
}

typedef struct tds_list_t {
    char *text;
    apr_size_t len;
} tds_list_t;

static void list_add(tds_list_t *l, const char *text)
{
    apr_size_t n = strlen(text);

    if (l->len && tds_list_has(l->text, text, n)) return;
    if (l->len + n + 1 > DETAIL_MAX) return;
    if (l->len) l->text[l->len++] = ',';
    memcpy(l->text + l->len, text, n + 1);
    l->len += n;
}

static void list_class(tds_list_t *l, const tds_ctx_t *ctx, int code, tds_elem_e top)
{
    const tds_offender_t *o;

    for (o = ctx->first; o; o = o->next)
        if (o->code == code && (!top || o->top == top)) list_add(l, o->text);
}

/* In message order, then those that are not in the message. */
static const char *names_of(const tds_ctx_t *ctx, int code)
{
    tds_list_t l = {apr_palloc(ctx->msg->pool, DETAIL_MAX + 1), 0};
    void *it = json_object_iter(ctx->msg->root);

    l.text[0] = '\0';
    for (; it; it = json_object_iter_next(ctx->msg->root, it)) {
        tds_elem_e e = tds_elem_find_z(json_object_iter_key(it));

        if (e) list_class(&l, ctx, code, e);
    }
    list_class(&l, ctx, code, TDS_E_NONE);
    return l.len ? l.text : NULL;
}

static const char *reason(int code)
{
    switch (code) {
    case 201:
        return "required element missing";
    case 202:
        return "critical message extension not recognised";
    case 204:
        return "duplicate element";
    case 207:
        return "reserved value";
    case 304:
        return "ISO code not valid";
    default:
        return "element not in the required format or value";
    }
}

apr_status_t tds_report_finish(tds_ctx_t *ctx, tds_err_t *err)
{
    static const int order[] = {204, 201, 203, 207, 202, 304};
    const tds_offender_t *o;
    apr_size_t i;

    for (i = 0; ctx->first && i < sizeof(order) / sizeof(order[0]); ++i) {
        for (o = ctx->first; o && o->code != order[i]; o = o->next)
            continue;
        if (o)
            return TDS_FAIL(err, APR_EINVAL, o->code, names_of(ctx, o->code), "%s: %s",
                            tds_msg_type_text(ctx->msg->type), reason(o->code));
    }
    return APR_SUCCESS;
}
