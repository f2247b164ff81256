#include "tds_ap_tree.h"

#include <string.h>
#include <apr_fnmatch.h>
#include <apr_strings.h>

static int is(const ap_directive_t *d, const char *name)
{
    return !strcasecmp(d->directive, name);
}

const char *tds_ap_tree_word(const ap_directive_t *d, int n, apr_pool_t *pool)
{
    const char *args = d->args ? d->args : "", *word = "";
    apr_size_t len;
    int i;

    for (i = 0; i <= n; ++i) word = ap_getword_conf(pool, &args);
    len = strlen(word);
    if (d->directive[0] == '<' && !*args && len && word[len - 1] == '>') word = apr_pstrmemdup(pool, word, len - 1);
    return word;
}

const char *tds_ap_tree_where(const ap_directive_t *d, apr_pool_t *pool)
{
    return apr_psprintf(pool, "line %d of %s", d->line_num, d->filename);
}

int tds_ap_tree_within(const ap_directive_t *d, const char *section)
{
    for (d = d->parent; d; d = d->parent) {
        if (is(d, section)) return 1;
    }
    return 0;
}

static int matches_regex(const char *text, const char *pattern, apr_pool_t *pool)
{
    ap_regex_t *regex = ap_pregcomp(pool, pattern, AP_REG_EXTENDED);

    return regex && !ap_regexec(regex, text, 0, NULL, 0);
}

/* httpd's way with <NAME pattern>, <NAME ~ regex> and <NAMEMatch regex>. 0: d is no such section, or does not cover text. */
static int covers(const ap_directive_t *d, const char *name, const char *text, apr_pool_t *pool)
{
    const char *pattern = tds_ap_tree_word(d, 0, pool);
    apr_size_t len = strlen(pattern);

    if (is(d, apr_pstrcat(pool, name, "Match", NULL))) return matches_regex(text, pattern, pool);
    if (!is(d, name)) return 0;
    if (!strcmp(pattern, "~")) return matches_regex(text, tds_ap_tree_word(d, 1, pool), pool);
    if (apr_fnmatch_test(pattern)) return apr_fnmatch(pattern, text, 0) == APR_SUCCESS;
    if (strncmp(text, pattern, len)) return 0;
    return strcasecmp(name, "<Location") || !len || pattern[len - 1] == '/' || !text[len] || text[len] == '/';
}

static const ap_directive_t *last_of(const ap_directive_t *d, const char *name, const ap_directive_t *found)
{
    for (; d; d = d->next) {
        if (is(d, name)) found = d;
    }
    return found;
}

static const ap_directive_t *host_of(const server_rec *s)
{
    const ap_directive_t *d;

    for (d = ap_conftree; d; d = d->next) {
        if (is(d, "<VirtualHost") && s->defn_name && !strcmp(d->filename, s->defn_name) &&
            d->line_num == (int)s->defn_line_number)
            return d;
    }
    return NULL;
}

const ap_directive_t *tds_ap_tree_block(const char *url, apr_pool_t *pool)
{
    const ap_directive_t *d, *found = NULL;

    for (d = ap_conftree; d; d = d->next) {
        if (covers(d, "<Proxy", url, pool)) found = d;
    }
    return found;
}

const ap_directive_t *tds_ap_tree_out(const char *name, const char *url, apr_pool_t *pool)
{
    const ap_directive_t *d, *found = last_of(ap_conftree, name, NULL);

    for (d = ap_conftree; d; d = d->next) {
        if (covers(d, "<Proxy", url, pool)) found = last_of(d->first_child, name, found);
    }
    return found;
}

static void each_in(const ap_directive_t *d, const char *path, tds_ap_tree_fn *fn, void *baton, apr_pool_t *pool)
{
    const ap_directive_t *child;

    for (; d; d = d->next) {
        if (!covers(d, "<Location", path, pool)) continue;
        for (child = d->first_child; child; child = child->next) fn(baton, child);
    }
}

void tds_ap_tree_each(server_rec *s, const char *path, tds_ap_tree_fn *fn, void *baton, apr_pool_t *pool)
{
    const ap_directive_t *host = s->is_virtual ? host_of(s) : NULL;

    each_in(ap_conftree, path, fn, baton, pool);
    if (host) each_in(host->first_child, path, fn, baton, pool);
}

typedef struct search_t {
    const char *name;
    const ap_directive_t *found;
} search_t;

static void search(void *baton, const ap_directive_t *d)
{
    search_t *x = baton;

    if (is(d, x->name)) x->found = d;
}

const ap_directive_t *tds_ap_tree_in(const char *name, server_rec *s, const char *path, apr_pool_t *pool)
{
    const ap_directive_t *host = s->is_virtual ? host_of(s) : NULL;
    search_t x = {.name = name, .found = last_of(ap_conftree, name, NULL)};

    if (host) x.found = last_of(host->first_child, name, x.found);
    tds_ap_tree_each(s, path, search, &x, pool);
    return x.found;
}
