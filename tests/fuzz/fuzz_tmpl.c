/* Templates. Byte 0: options; then parts that end with NUL: the template, a partial "p", a text, data as JSON. */
#include "fuzz.h"
#include "tds_tmpl.h"

static const char *part(const char **p, const char *end, apr_size_t *len)
{
    const char *from = *p, *nul = from < end ? memchr(from, '\0', (size_t)(end - from)) : NULL;

    if (!nul) nul = end;
    *len = (apr_size_t)(nul - from);
    *p = nul < end ? nul + 1 : end;
    return from;
}

static void one(const uint8_t *data, size_t size, apr_pool_t *pool)
{
    static const char *const names[] = {"a", "b", "list", "list.a", "t.*", NULL};
    tds_tmpl_opts_t opts = {.out_max = 20000};
    tds_tmpl_set_t *set;
    tds_tmpl_t *tmpl;
    json_t *values = NULL, *texts;
    apr_size_t len, n[3];
    const char *p, *end, *parts[3], *text;
    char *exact;
    tds_err_t err;
    int i;

    if (size < 1) return;
    exact = fuzz_exact(data + 1, size - 1);
    p = exact;
    end = exact + size - 1;
    for (i = 0; i < 3; ++i) parts[i] = part(&p, end, &n[i]);
    tds_err_init(&err, pool);
    set = tds_tmpl_set_mem(pool);
    tds_tmpl_set_add(set, "x", parts[0], n[0]);
    tds_tmpl_set_add(set, "p", parts[1], n[1]);
    texts = tds_json_object(pool);
    tds_json_set(texts, "key", apr_pstrmemdup(pool, parts[2], n[2]));
    if (data[0] & 1) opts.names = names;
    if (data[0] & 2) opts.texts = texts;
    opts.trusted = data[0] & 4;
    opts.plain = data[0] & 8;
    opts.html = data[0] & 16;
    if (tds_tmpl_compile(&tmpl, set, "x", &opts, pool, &err) == APR_SUCCESS) {
        tds_err_init(&err, pool);
        if (tds_json_parse(&values, p, (apr_size_t)(end - p), pool, &err) != APR_SUCCESS || !json_is_object(values))
            values = tds_json_object(pool);
        tds_err_init(&err, pool);
        if (tds_tmpl_render(&text, &len, tmpl, values, pool, &err) == APR_SUCCESS)
            MUST(strlen(text) <= len && len <= opts.out_max && text[len] == '\0');
        else
            MUST(err.detail);
    }
    else
        MUST(err.detail);
    free(exact);
}
