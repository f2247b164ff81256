/* Template text into operations. */
#include <string.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include "tds_tmpl_int.h"

#define DELIM_MAX 8

typedef struct tmpl_open_t {
    int op; /* index */
    const char *name;
    const char *section; /* the section outside of it */
    int line;
} tmpl_open_t;

typedef struct tmpl_tag_t {
    const char *start, *stop; /* the whole tag */
    char kind;                /* 'v': variable */
    const char *name;
    int standalone;
    const char *indent; /* white space before it on its line */
    apr_size_t indent_len;
} tmpl_tag_t;

typedef struct tmpl_parser_t {
    tmpl_compiler_t *c;
    tmpl_prog_t *prog;
    const char *text, *pos, *limit; /* pos: up to here everything is compiled */
    char opening[DELIM_MAX], closing[DELIM_MAX];
    const char *section;
    tmpl_open_t stack[TDS_TMPL_DEPTH_MAX];
    int depth;
    tmpl_html_t html;
    int in_text; /* inside of a text that takes a tag's place: no lines to indent there */
} tmpl_parser_t;

static int line_of(const tmpl_parser_t *ps, const char *at)
{
    const char *p;
    int line = 1;

    for (p = ps->text; p < at && p < ps->limit; p++) line += *p == '\n';
    return line;
}

#define FAIL_AT(ps, at, ...) \
    TDS_FAIL((ps)->c->err, APR_EINVAL, 0, NULL, "%s:%d: %s", (ps)->prog->name, line_of((ps), (at)), \
             apr_psprintf((ps)->c->pool, __VA_ARGS__))

static const char *find(const char *from, const char *limit, const char *word)
{
    apr_size_t n = strlen(word);

    for (; from + n <= limit; from++) {
        if (!memcmp(from, word, n)) return from;
    }
    return NULL;
}

static tmpl_op_t *op_add(tmpl_parser_t *ps, tmpl_opcode_e op)
{
    tmpl_op_t *o = apr_array_push(ps->prog->ops);

    memset(o, 0, sizeof *o);
    o->op = op;
    return o;
}

static int at_line_start(const tmpl_parser_t *ps, const char *at)
{
    return at == ps->text || at[-1] == '\n';
}

static void text_add(tmpl_parser_t *ps, const char *from, const char *to)
{
    int lines = ps->prog->lines && !ps->in_text;

    tmpl_html_feed(&ps->html, from, (apr_size_t)(to - from));
    while (from < to) {
        const char *eol = lines ? memchr(from, '\n', (apr_size_t)(to - from)) : NULL;
        const char *stop = eol ? eol + 1 : to;
        tmpl_op_t *o = op_add(ps, OP_TEXT);

        o->text = apr_pstrmemdup(ps->c->pool, from, (apr_size_t)(stop - from));
        o->len = (apr_size_t)(stop - from);
        o->line_start = lines && at_line_start(ps, from);
        from = stop;
    }
}

/* --- tags ------------------------------------------------------------------ */

static int kind_alone(char kind)
{
    return memchr("#^/!>=<$", kind, 8) != NULL;
}

/* A tag that prints nothing and has its line for itself takes the line with it. */
static void standalone_find(const tmpl_parser_t *ps, tmpl_tag_t *tag)
{
    const char *a = tag->start, *z = tag->stop;

    if (!kind_alone(tag->kind)) return;
    while (a > ps->text && (a[-1] == ' ' || a[-1] == '\t')) a--;
    if (!at_line_start(ps, a) || a < ps->pos) return;
    while (z < ps->limit && (*z == ' ' || *z == '\t')) z++;
    if (z < ps->limit && *z == '\r' && z + 1 < ps->limit && z[1] == '\n') z++;
    if (z < ps->limit && *z != '\n') return;
    tag->indent = apr_pstrmemdup(ps->c->pool, a, (apr_size_t)(tag->start - a));
    tag->indent_len = (apr_size_t)(tag->start - a);
    tag->standalone = 1;
    tag->start = a;
    tag->stop = z < ps->limit ? z + 1 : z;
}

static const char *trimmed(apr_pool_t *pool, const char *from, const char *to)
{
    while (from < to && apr_isspace(*from)) from++;
    while (to > from && apr_isspace(to[-1])) to--;
    return apr_pstrmemdup(pool, from, (apr_size_t)(to - from));
}

/* The next tag behind pos; tag->start NULL: there is none. */
static apr_status_t tag_next(tmpl_parser_t *ps, tmpl_tag_t *tag)
{
    const char *start = find(ps->pos, ps->limit, ps->opening), *body, *stop;
    char closing[DELIM_MAX + 2];

    memset(tag, 0, sizeof *tag);
    if (!start) return APR_SUCCESS;
    body = start + strlen(ps->opening);
    tag->kind = 'v';
    if (body < ps->limit && memchr("#^/!>=<$&{", *body, 10)) tag->kind = *body++;
    apr_snprintf(closing, sizeof closing, "%s%s",
                 tag->kind == '{' ? "}" : tag->kind == '=' ? "=" : "", ps->closing);
    if (!(stop = find(body, ps->limit, closing))) return FAIL_AT(ps, start, "tag is not closed");
    tag->start = start;
    tag->stop = stop + strlen(closing);
    tag->name = trimmed(ps->c->pool, body, stop);
    standalone_find(ps, tag);
    return APR_SUCCESS;
}

static int name_valid(const char *name)
{
    const char *p;

    if (!*name || strlen(name) > TMPL_NAME_MAX) return 0;
    if (!strcmp(name, ".")) return 1;
    for (p = name; *p; p++) {
        if (apr_isspace(*p) || apr_iscntrl(*p) || strchr("{}<>&\"'=#/", *p)) return 0;
        if (*p == '.' && (p == name || !p[1] || p[1] == '.')) return 0;
    }
    return 1;
}

static void parts_cut(tmpl_op_t *o, const char *name, apr_pool_t *pool)
{
    apr_array_header_t *parts = apr_array_make(pool, 4, sizeof(const char *));
    char *copy = apr_pstrdup(pool, name), *last, *part;

    o->name = name;
    part = strcmp(name, ".") ? apr_strtok(copy, ".", &last) : NULL;
    for (; part; part = apr_strtok(NULL, ".", &last)) APR_ARRAY_PUSH(parts, const char *) = part;
    APR_ARRAY_PUSH(parts, const char *) = NULL;
    o->parts = (const char **)parts->elts;
}

/* --- check of names -------------------------------------------------------- */

static int name_listed(const char *const *names, const char *name, int section)
{
    apr_size_t n = strlen(name), k;

    for (; *names; names++) {
        k = strlen(*names);
        if (!strcmp(*names, name)) return 1;
        if (k > 2 && !strcmp(*names + k - 2, ".*") && !strncmp(*names, name, k - 1) && n > k - 1) return 1;
        if (section && !strncmp(*names, name, n) && (*names)[n] == '.') return 1;
    }
    return 0;
}

/* A name may be found at any level of the sections around it. */
static int name_known(const tmpl_parser_t *ps, const char *name, int section)
{
    const char *const *names = ps->c->opts->names;
    const char *outer = ps->section, *dot;

    if (!names || !strcmp(name, ".")) return 1;
    while (outer) {
        if (name_listed(names, apr_pstrcat(ps->c->pool, outer, ".", name, NULL), section)) return 1;
        dot = strrchr(outer, '.');
        outer = dot ? apr_pstrmemdup(ps->c->pool, outer, (apr_size_t)(dot - outer)) : NULL;
    }
    return name_listed(names, name, section);
}

static apr_status_t name_check(tmpl_parser_t *ps, const tmpl_tag_t *tag, int section)
{
    if (!name_valid(tag->name)) return FAIL_AT(ps, tag->start, "'%s' is not a name", tag->name);
    if (!name_known(ps, tag->name, section)) return FAIL_AT(ps, tag->start, "unknown name '%s'", tag->name);
    return APR_SUCCESS;
}

/* --- one function per kind of tag ------------------------------------------ */

static const char *escaped(const char *text, apr_pool_t *pool)
{
    apr_array_header_t *out = apr_array_make(pool, (int)strlen(text) + 16, 1);
    const char *esc;

    for (; *text; text++) {
        esc = tmpl_escape(*text);
        if (!esc) APR_ARRAY_PUSH(out, char) = *text;
        for (; esc && *esc; esc++) APR_ARRAY_PUSH(out, char) = *esc;
    }
    APR_ARRAY_PUSH(out, char) = '\0';
    return out->elts;
}

/* {{t.key}}: the text takes the tag's place. It may use names, but nothing else of a template. */
static apr_status_t do_text(tmpl_parser_t *ps, const tmpl_tag_t *tag)
{
    const char *text = tds_json_get(ps->c->opts->texts, tag->name + 2), *esc;
    tmpl_parser_t inner = *ps;
    tmpl_tag_t in;
    tmpl_op_t *o;
    apr_status_t rv;

    if (!text) return FAIL_AT(ps, tag->start, "no text '%s' in this language", tag->name + 2);
    esc = ps->c->opts->plain ? text : escaped(text, ps->c->pool);
    inner.in_text = 1;
    inner.text = inner.pos = esc;
    inner.limit = esc + strlen(esc);
    apr_cpystrn(inner.opening, "{{", DELIM_MAX);
    apr_cpystrn(inner.closing, "}}", DELIM_MAX);
    while ((rv = tag_next(&inner, &in)) == APR_SUCCESS && in.start) {
        if (in.kind != 'v' || !strncmp(in.name, "t.", 2) || name_check(&inner, &in, 0) != APR_SUCCESS) {
            tds_err_clear(ps->c->err);
            return FAIL_AT(ps, tag->start, "text '%s' has a tag that is not allowed", tag->name + 2);
        }
        text_add(&inner, inner.pos, in.start);
        o = op_add(&inner, ps->c->opts->plain ? OP_RAW : OP_VAR);
        parts_cut(o, in.name, ps->c->pool);
        inner.pos = in.stop;
    }
    if (rv == APR_SUCCESS) text_add(&inner, inner.pos, inner.limit);
    return rv;
}

static apr_status_t do_value(tmpl_parser_t *ps, const tmpl_tag_t *tag)
{
    int raw = tag->kind != 'v';
    const char *place = ps->c->opts->html ? tmpl_html_refuse(&ps->html) : NULL;
    apr_status_t rv;

    if (raw && !ps->c->opts->trusted) {
        return FAIL_AT(ps, tag->start, "'%s' without escaping is refused", tag->name);
    }
    if (place) return FAIL_AT(ps, tag->start, "value '%s' in %s is refused", tag->name, place);
    if (ps->c->opts->texts && !strncmp(tag->name, "t.", 2)) return do_text(ps, tag);
    if ((rv = name_check(ps, tag, 0)) != APR_SUCCESS) return rv;
    parts_cut(op_add(ps, raw || ps->c->opts->plain ? OP_RAW : OP_VAR), tag->name, ps->c->pool);
    return APR_SUCCESS;
}

static apr_status_t open_push(tmpl_parser_t *ps, const tmpl_tag_t *tag)
{
    tmpl_open_t *open;

    if (ps->depth == TDS_TMPL_DEPTH_MAX) return FAIL_AT(ps, tag->start, "nested too deep");
    open = &ps->stack[ps->depth++];
    open->op = ps->prog->ops->nelts - 1;
    open->name = tag->name;
    open->section = ps->section;
    open->line = line_of(ps, tag->start);
    return APR_SUCCESS;
}

static apr_status_t do_section(tmpl_parser_t *ps, const tmpl_tag_t *tag)
{
    apr_status_t rv = name_check(ps, tag, 1);

    if (rv != APR_SUCCESS) return rv;
    parts_cut(op_add(ps, tag->kind == '#' ? OP_SECTION : OP_INVERTED), tag->name, ps->c->pool);
    if ((rv = open_push(ps, tag)) != APR_SUCCESS) return rv;
    if (tag->kind == '#' && strcmp(tag->name, ".")) {
        ps->section = ps->section ? apr_pstrcat(ps->c->pool, ps->section, ".", tag->name, NULL) : tag->name;
    }
    return APR_SUCCESS;
}

static apr_status_t do_block(tmpl_parser_t *ps, const tmpl_tag_t *tag)
{
    if (!name_valid(tag->name)) return FAIL_AT(ps, tag->start, "'%s' is not a name", tag->name);
    op_add(ps, OP_BLOCK)->name = tag->name;
    return open_push(ps, tag);
}

static apr_status_t do_close(tmpl_parser_t *ps, const tmpl_tag_t *tag)
{
    const tmpl_open_t *open;

    if (!ps->depth) return FAIL_AT(ps, tag->start, "'%s' is closed but was never opened", tag->name);
    open = &ps->stack[--ps->depth];
    if (strcmp(open->name, tag->name)) {
        return FAIL_AT(ps, tag->start, "'%s' is closed, but '%s' of line %d is open", tag->name, open->name,
                       open->line);
    }
    APR_ARRAY_IDX(ps->prog->ops, open->op, tmpl_op_t).end = ps->prog->ops->nelts;
    ps->section = open->section;
    return APR_SUCCESS;
}

static apr_status_t do_partial(tmpl_parser_t *ps, const tmpl_tag_t *tag)
{
    int lines = tag->standalone && (ps->prog->lines || tag->indent_len);
    tmpl_prog_t *target = NULL;
    tmpl_op_t *o;
    apr_status_t rv;

    if (!name_valid(tag->name)) return FAIL_AT(ps, tag->start, "'%s' is not a name", tag->name);
    rv = tmpl_prog_get(&target, ps->c, tag->name, lines, ps->section);
    if (rv == APR_ENOENT && ps->c->opts->names) {
        return FAIL_AT(ps, tag->start, "there is no template '%s'", tag->name);
    }
    if (rv != APR_SUCCESS && rv != APR_ENOENT) return rv;
    o = op_add(ps, tag->kind == '<' ? OP_PARENT : OP_PARTIAL);
    o->name = tag->name;
    o->target = target;
    o->standalone = tag->standalone;
    o->text = tag->indent;
    o->len = tag->indent_len;
    return tag->kind == '<' ? open_push(ps, tag) : APR_SUCCESS;
}

static apr_status_t do_delims(tmpl_parser_t *ps, const tmpl_tag_t *tag)
{
    const char *gap = tag->name, *second;
    apr_size_t n;

    while (*gap && !apr_isspace(*gap)) gap++;
    n = (apr_size_t)(gap - tag->name);
    for (second = gap; apr_isspace(*second);) second++;
    if (!n || n >= DELIM_MAX || !*second || strlen(second) >= DELIM_MAX || strpbrk(second, " \t\r\n=") ||
        memchr(tag->name, '=', n)) {
        return FAIL_AT(ps, tag->start, "delimiters are not two words without '='");
    }
    apr_cpystrn(ps->opening, tag->name, n + 1);
    apr_cpystrn(ps->closing, second, DELIM_MAX);
    return APR_SUCCESS;
}

static apr_status_t tag_do(tmpl_parser_t *ps, const tmpl_tag_t *tag)
{
    switch (tag->kind) {
    case '!': return APR_SUCCESS;
    case '=': return do_delims(ps, tag);
    case '#':
    case '^': return do_section(ps, tag);
    case '/': return do_close(ps, tag);
    case '$': return do_block(ps, tag);
    case '>':
    case '<': return do_partial(ps, tag);
    default: return do_value(ps, tag);
    }
}

/* A tag at the start of a line that keeps its line: the indentation goes before it. */
static void line_start_mark(tmpl_parser_t *ps, const tmpl_tag_t *tag)
{
    tmpl_op_t *o;

    if (!ps->prog->lines || tag->standalone || !at_line_start(ps, tag->start)) return;
    o = op_add(ps, OP_TEXT);
    o->text = "";
    o->line_start = 1;
}

apr_status_t tmpl_parse(tmpl_prog_t *prog, tmpl_compiler_t *c, const char *text, apr_size_t len,
                        const char *section)
{
    tmpl_parser_t ps;
    tmpl_tag_t tag;
    apr_status_t rv;

    memset(&ps, 0, sizeof ps);
    ps.c = c;
    ps.prog = prog;
    ps.section = section;
    ps.text = ps.pos = text;
    ps.limit = text + len;
    apr_cpystrn(ps.opening, "{{", DELIM_MAX);
    apr_cpystrn(ps.closing, "}}", DELIM_MAX);
    while ((rv = tag_next(&ps, &tag)) == APR_SUCCESS && tag.start) {
        text_add(&ps, ps.pos, tag.start);
        line_start_mark(&ps, &tag);
        ps.pos = tag.stop;
        if ((rv = tag_do(&ps, &tag)) != APR_SUCCESS) return rv;
    }
    if (rv != APR_SUCCESS) return rv;
    if (ps.depth) {
        return TDS_FAIL(c->err, APR_EINVAL, 0, NULL, "%s:%d: '%s' is never closed", prog->name,
                        ps.stack[ps.depth - 1].line, ps.stack[ps.depth - 1].name);
    }
    text_add(&ps, ps.pos, ps.limit);
    return APR_SUCCESS;
}
