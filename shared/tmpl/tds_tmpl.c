/* Compile and render. */
#include <string.h>
#include <apr_strings.h>
#include "tds_tmpl_int.h"

/* --- compile --------------------------------------------------------------- */

static tmpl_prog_t *prog_known(const tmpl_compiler_t *c, const char *name, int lines)
{
    int i;

    for (i = 0; i < c->progs->nelts; i++) {
        tmpl_prog_t *prog = APR_ARRAY_IDX(c->progs, i, tmpl_prog_t *);

        if (prog->lines == lines && !strcmp(prog->name, name)) return prog;
    }
    return NULL;
}

apr_status_t tmpl_prog_get(tmpl_prog_t **pprog, tmpl_compiler_t *c, const char *name, int lines,
                           const char *section)
{
    tmpl_prog_t *prog = prog_known(c, name, lines);
    const char *text;
    apr_size_t len;
    apr_status_t rv;

    if (prog) {
        *pprog = prog;
        return APR_SUCCESS;
    }
    if ((rv = tmpl_set_find(&text, &len, c->set, name, c->pool, c->err)) != APR_SUCCESS) return rv;
    if (c->progs->nelts == TMPL_PROGS_MAX) {
        return TDS_FAIL(c->err, APR_EINVAL, 0, NULL, "%s:1: more than %d partials", name, TMPL_PROGS_MAX);
    }
    prog = apr_pcalloc(c->pool, sizeof *prog);
    prog->name = apr_pstrdup(c->pool, name);
    prog->lines = lines;
    prog->ops = apr_array_make(c->pool, 32, sizeof(tmpl_op_t));
    APR_ARRAY_PUSH(c->progs, tmpl_prog_t *) = prog;
    *pprog = prog;
    return tmpl_parse(prog, c, text, len, section);
}

apr_status_t tds_tmpl_compile(tds_tmpl_t **ptmpl, tds_tmpl_set_t *set, const char *name,
                              const tds_tmpl_opts_t *opts, apr_pool_t *pool, tds_err_t *err)
{
    static const tds_tmpl_opts_t none;
    tmpl_compiler_t c = {.pool = pool, .set = set, .opts = opts ? opts : &none, .err = err};
    tds_tmpl_t *tmpl = apr_pcalloc(pool, sizeof *tmpl);
    apr_status_t rv;

    c.progs = apr_array_make(pool, 8, sizeof(tmpl_prog_t *));
    tmpl->out_max = c.opts->out_max ? c.opts->out_max : TDS_TMPL_OUT_MAX;
    rv = tmpl_prog_get(&tmpl->root, &c, name, 0, NULL);
    if (rv == APR_ENOENT) return TDS_FAIL(err, rv, 0, NULL, "there is no template '%s'", name);
    if (rv == APR_SUCCESS) *ptmpl = tmpl;
    return rv;
}

/* --- output ---------------------------------------------------------------- */

typedef struct tmpl_indent_t {
    const struct tmpl_indent_t *outer;
    const char *text;
    apr_size_t len;
} tmpl_indent_t;

/* What a child template puts in place of its parent's blocks. */
typedef struct tmpl_frame_t {
    const struct tmpl_frame_t *older;
    const tmpl_prog_t *prog;
    int from, to;
} tmpl_frame_t;

typedef struct tmpl_render_t {
    apr_pool_t *pool;
    tds_err_t *err;
    char *out;
    apr_size_t len, size, max;
    const json_t *context[TDS_TMPL_DEPTH_MAX + 1];
    int contexts;
    int depth;
    const tmpl_indent_t *indent;
    const tmpl_frame_t *frames;
} tmpl_render_t;

static apr_status_t put(tmpl_render_t *r, const char *text, apr_size_t len)
{
    char *larger;

    if (len > r->max - r->len) {
        return TDS_FAIL(r->err, APR_ENOSPC, 0, NULL, "page is longer than %" APR_SIZE_T_FMT " bytes", r->max);
    }
    if (r->len + len >= r->size) {
        while (r->len + len >= r->size) r->size *= 2;
        larger = apr_palloc(r->pool, r->size);
        memcpy(larger, r->out, r->len);
        r->out = larger;
    }
    memcpy(r->out + r->len, text, len);
    r->len += len;
    return APR_SUCCESS;
}

static apr_status_t put_escaped(tmpl_render_t *r, const char *text, apr_size_t len)
{
    const char *esc, *from = text, *p;
    apr_status_t rv;

    for (p = text; p < text + len; p++) {
        if (!(esc = tmpl_escape(*p))) continue;
        if ((rv = put(r, from, (apr_size_t)(p - from))) != APR_SUCCESS) return rv;
        if ((rv = put(r, esc, strlen(esc))) != APR_SUCCESS) return rv;
        from = p + 1;
    }
    return put(r, from, (apr_size_t)(p - from));
}

static apr_status_t put_indent(tmpl_render_t *r, const tmpl_indent_t *indent)
{
    apr_status_t rv;

    if (!indent) return APR_SUCCESS;
    if ((rv = put_indent(r, indent->outer)) != APR_SUCCESS) return rv;
    return put(r, indent->text, indent->len);
}

/* --- values ---------------------------------------------------------------- */

/* The first part is looked for outwards, the rest only below it. */
static const json_t *look_up(const tmpl_render_t *r, const tmpl_op_t *o)
{
    const json_t *value = NULL;
    const char **part = o->parts;
    int i;

    if (!*part) return r->context[r->contexts - 1];
    for (i = r->contexts - 1; i >= 0 && !value; i--) value = json_object_get(r->context[i], *part);
    for (part++; *part && value; part++) value = json_object_get(value, *part);
    return value;
}

/* false, null, absent, an empty list and an empty text are no. */
static int is_true(const json_t *value)
{
    if (!value || json_is_null(value) || json_is_false(value)) return 0;
    if (json_is_array(value)) return json_array_size(value) > 0;
    if (json_is_string(value)) return json_string_length(value) > 0;
    return 1;
}

static const char *real_text(double d, apr_pool_t *pool)
{
    char buf[40], *p;

    apr_snprintf(buf, sizeof buf, "%.15g", d);
    for (p = buf; *p; p++) {
        if (*p == ',') *p = '.';
    }
    return apr_pstrdup(pool, buf);
}

static apr_status_t do_value(tmpl_render_t *r, const tmpl_op_t *o)
{
    const json_t *value = look_up(r, o);
    const char *text = NULL;

    if (json_is_string(value)) {
        if (o->op == OP_RAW) return put(r, json_string_value(value), json_string_length(value));
        return put_escaped(r, json_string_value(value), json_string_length(value));
    }
    if (json_is_integer(value)) text = apr_psprintf(r->pool, "%" APR_INT64_T_FMT, (apr_int64_t)json_integer_value(value));
    if (json_is_real(value)) text = real_text(json_real_value(value), r->pool);
    if (json_is_boolean(value)) text = json_is_true(value) ? "true" : "false";
    return text ? put(r, text, strlen(text)) : APR_SUCCESS;
}

/* --- control --------------------------------------------------------------- */

static apr_status_t run(tmpl_render_t *r, const tmpl_prog_t *prog, int from, int to);

static apr_status_t run_with(tmpl_render_t *r, const json_t *value, const tmpl_prog_t *prog, int from, int to)
{
    apr_status_t rv;

    if (r->contexts > TDS_TMPL_DEPTH_MAX) {
        return TDS_FAIL(r->err, APR_EGENERAL, 0, NULL, "%s: template nests too deep", prog->name);
    }
    r->context[r->contexts++] = value;
    rv = run(r, prog, from, to);
    r->contexts--;
    return rv;
}

static apr_status_t do_section(tmpl_render_t *r, const tmpl_prog_t *prog, int at, const tmpl_op_t *o)
{
    const json_t *value = look_up(r, o);
    apr_status_t rv = APR_SUCCESS;
    apr_size_t i;

    if (!is_true(value)) return APR_SUCCESS;
    if (!json_is_array(value)) return run_with(r, value, prog, at + 1, o->end);
    for (i = 0; i < json_array_size(value) && rv == APR_SUCCESS; i++) {
        rv = run_with(r, json_array_get(value, i), prog, at + 1, o->end);
    }
    return rv;
}

static apr_status_t do_partial(tmpl_render_t *r, const tmpl_op_t *o)
{
    const tmpl_indent_t *before = r->indent;
    tmpl_indent_t own = {before, o->text, o->len};
    apr_status_t rv;

    if (!o->target) return APR_SUCCESS;
    r->indent = !o->standalone ? NULL : o->len ? &own : before;
    rv = run(r, o->target, 0, o->target->ops->nelts);
    r->indent = before;
    return rv;
}

static apr_status_t do_parent(tmpl_render_t *r, const tmpl_prog_t *prog, int at, const tmpl_op_t *o)
{
    tmpl_frame_t frame = {r->frames, prog, at + 1, o->end};
    apr_status_t rv;

    r->frames = &frame;
    rv = do_partial(r, o);
    r->frames = frame.older;
    return rv;
}

/* The oldest frame is the template that was asked for: its blocks come first. */
static int block_find(const tmpl_frame_t *frame, const char *name, const tmpl_prog_t **prog, int *at)
{
    int i;

    if (!frame) return 0;
    if (block_find(frame->older, name, prog, at)) return 1;
    for (i = frame->from; i < frame->to;) {
        const tmpl_op_t *o = &APR_ARRAY_IDX(frame->prog->ops, i, tmpl_op_t);

        if (o->op == OP_BLOCK && !strcmp(o->name, name)) {
            *prog = frame->prog;
            *at = i;
            return 1;
        }
        i = o->end ? o->end : i + 1;
    }
    return 0;
}

static apr_status_t do_block(tmpl_render_t *r, const tmpl_prog_t *prog, int at, const tmpl_op_t *o)
{
    if (!block_find(r->frames, o->name, &prog, &at)) return run(r, prog, at + 1, o->end);
    return run(r, prog, at + 1, APR_ARRAY_IDX(prog->ops, at, tmpl_op_t).end);
}

static apr_status_t do_op(tmpl_render_t *r, const tmpl_prog_t *prog, int at, const tmpl_op_t *o)
{
    apr_status_t rv = APR_SUCCESS;

    switch (o->op) {
    case OP_TEXT:
        if (o->line_start) rv = put_indent(r, r->indent);
        return rv == APR_SUCCESS ? put(r, o->text, o->len) : rv;
    case OP_VAR:
    case OP_RAW: return do_value(r, o);
    case OP_SECTION: return do_section(r, prog, at, o);
    case OP_INVERTED: return is_true(look_up(r, o)) ? APR_SUCCESS : run(r, prog, at + 1, o->end);
    case OP_PARTIAL: return do_partial(r, o);
    case OP_PARENT: return do_parent(r, prog, at, o);
    case OP_BLOCK: return do_block(r, prog, at, o);
    }
    return APR_SUCCESS;
}

static apr_status_t run(tmpl_render_t *r, const tmpl_prog_t *prog, int from, int to)
{
    apr_status_t rv = APR_SUCCESS;

    if (r->depth == TDS_TMPL_DEPTH_MAX) {
        return TDS_FAIL(r->err, APR_EGENERAL, 0, NULL, "%s: template nests too deep", prog->name);
    }
    r->depth++;
    while (from < to && rv == APR_SUCCESS) {
        const tmpl_op_t *o = &APR_ARRAY_IDX(prog->ops, from, tmpl_op_t);

        rv = do_op(r, prog, from, o);
        from = o->end ? o->end : from + 1;
    }
    r->depth--;
    return rv;
}

apr_status_t tds_tmpl_render(const char **ptext, apr_size_t *plen, const tds_tmpl_t *tmpl, const json_t *data,
                             apr_pool_t *pool, tds_err_t *err)
{
    tmpl_render_t r;
    apr_status_t rv;

    memset(&r, 0, sizeof r);
    r.pool = pool;
    r.err = err;
    r.size = 8192;
    r.max = tmpl->out_max;
    r.out = apr_palloc(pool, r.size);
    r.context[r.contexts++] = data;
    if ((rv = run(&r, tmpl->root, 0, tmpl->root->ops->nelts)) != APR_SUCCESS) return rv;
    r.out[r.len] = '\0';
    *ptext = r.out;
    if (plen) *plen = r.len;
    return APR_SUCCESS;
}
