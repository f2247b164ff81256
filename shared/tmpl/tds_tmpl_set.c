/* Where templates and texts come from. */
#include <string.h>
#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include "tds_tmpl_int.h"

typedef struct tmpl_source_t {
    const char *name;
    const char *text;
    apr_size_t len;
} tmpl_source_t;

struct tds_tmpl_set_t {
    const char *dir; /* or NULL */
    apr_array_header_t *sources;
};

tds_tmpl_set_t *tds_tmpl_set_mem(apr_pool_t *pool)
{
    tds_tmpl_set_t *set = apr_pcalloc(pool, sizeof *set);

    set->sources = apr_array_make(pool, 8, sizeof(tmpl_source_t));
    return set;
}

tds_tmpl_set_t *tds_tmpl_set_dir(const char *dir, apr_pool_t *pool)
{
    tds_tmpl_set_t *set = tds_tmpl_set_mem(pool);

    set->dir = apr_pstrdup(pool, dir);
    return set;
}

void tds_tmpl_set_add(tds_tmpl_set_t *set, const char *name, const char *text, apr_size_t len)
{
    tmpl_source_t *source = apr_array_push(set->sources);

    source->name = apr_pstrdup(set->sources->pool, name);
    source->text = text;
    source->len = len;
}

static apr_status_t file_get(const char **ptext, apr_size_t *plen, apr_file_t *file, const char *path,
                             apr_pool_t *pool, tds_err_t *err)
{
    apr_finfo_t info;
    apr_status_t rv;
    char *text;

    if ((rv = apr_file_info_get(&info, APR_FINFO_SIZE | APR_FINFO_TYPE, file)) != APR_SUCCESS) {
        return TDS_FAIL(err, rv, 0, NULL, "%s: cannot be read", path);
    }
    if (info.filetype != APR_REG || info.size > TDS_TMPL_FILE_MAX) {
        return TDS_FAIL(err, APR_EINVAL, 0, NULL, "%s: not a file, or larger than %d bytes", path,
                        TDS_TMPL_FILE_MAX);
    }
    text = apr_palloc(pool, (apr_size_t)info.size + 1);
    if (info.size && (rv = apr_file_read_full(file, text, (apr_size_t)info.size, plen)) != APR_SUCCESS) {
        return TDS_FAIL(err, rv, 0, NULL, "%s: cannot be read", path);
    }
    *plen = (apr_size_t)info.size;
    text[*plen] = '\0';
    *ptext = text;
    return APR_SUCCESS;
}

/* APR_ENOENT is left unreported: the caller may have another name to try. */
static apr_status_t file_load(const char **ptext, apr_size_t *plen, const char *path, apr_pool_t *pool,
                              tds_err_t *err)
{
    apr_file_t *file;
    apr_status_t rv = apr_file_open(&file, path, APR_READ | APR_BINARY, APR_OS_DEFAULT, pool);

    if (APR_STATUS_IS_ENOENT(rv)) return APR_ENOENT;
    if (rv != APR_SUCCESS) return TDS_FAIL(err, rv, 0, NULL, "%s: cannot be opened", path);
    rv = file_get(ptext, plen, file, path, pool, err);
    apr_file_close(file);
    return rv;
}

static int name_ok(const char *name)
{
    const char *p;

    if (*name == '.' || strlen(name) > TMPL_NAME_MAX) return 0;
    for (p = name; *p; p++) {
        if (!apr_isalnum(*p) && !strchr("_-.", *p)) return 0;
    }
    return p != name;
}

static apr_status_t set_look(const char **ptext, apr_size_t *plen, const tds_tmpl_set_t *set, const char *name,
                             apr_pool_t *pool, tds_err_t *err)
{
    const tmpl_source_t *source = (const tmpl_source_t *)set->sources->elts;
    int i;

    for (i = set->sources->nelts - 1; i >= 0; i--) {
        if (strcmp(source[i].name, name)) continue;
        *ptext = source[i].text;
        *plen = source[i].len;
        return APR_SUCCESS;
    }
    if (!set->dir || !name_ok(name)) return APR_ENOENT;
    return file_load(ptext, plen, apr_pstrcat(pool, set->dir, "/", name, NULL), pool, err);
}

apr_status_t tmpl_set_find(const char **ptext, apr_size_t *plen, const tds_tmpl_set_t *set, const char *name,
                           apr_pool_t *pool, tds_err_t *err)
{
    apr_status_t rv = set_look(ptext, plen, set, name, pool, err);

    if (rv != APR_ENOENT || strchr(name, '.')) return rv;
    return set_look(ptext, plen, set, apr_pstrcat(pool, name, ".html", NULL), pool, err);
}

static apr_status_t texts_check(const json_t *texts, const char *path, tds_err_t *err)
{
    const char *key;
    json_t *value;

    if (!json_is_object(texts)) return TDS_FAIL(err, APR_EINVAL, 0, NULL, "%s: not an object of texts", path);
    json_object_foreach((json_t *)texts, key, value) {
        if (!json_is_string(value)) {
            return TDS_FAIL(err, APR_EINVAL, 0, NULL, "%s: text '%s' is not a string", path, key);
        }
    }
    return APR_SUCCESS;
}

/* Nothing of lang reaches a path but letters, digits and "-". */
static const char *lang_clean(const char *lang, apr_pool_t *pool)
{
    char *clean = apr_pstrndup(pool, lang, 35);
    apr_size_t i;

    for (i = 0; clean[i]; i++) {
        if (!apr_isalnum(clean[i]) && clean[i] != '-') return NULL;
    }
    return i ? clean : NULL;
}

apr_status_t tds_tmpl_texts_load(json_t **ptexts, const char *dir, const char *lang, apr_pool_t *pool,
                                 tds_err_t *err)
{
    const char *tag = lang_clean(lang, pool), *text, *path, *dash;
    apr_size_t len;
    apr_status_t rv = APR_ENOENT;

    while (tag) {
        path = apr_pstrcat(pool, dir, "/", tag, ".json", NULL);
        rv = file_load(&text, &len, path, pool, err);
        if (rv != APR_ENOENT) break;
        dash = strrchr(tag, '-');
        tag = dash ? apr_pstrmemdup(pool, tag, (apr_size_t)(dash - tag)) : NULL;
    }
    if (rv == APR_ENOENT) return TDS_FAIL(err, rv, 0, NULL, "%s: no texts for language '%s'", dir, lang);
    if (rv != APR_SUCCESS) return rv;
    if ((rv = tds_json_parse(ptexts, text, len, pool, err)) != APR_SUCCESS) {
        tds_err_clear(err);
        return TDS_FAIL(err, rv, 0, NULL, "%s: not valid JSON", path);
    }
    return texts_check(*ptexts, path, err);
}

const char *tds_tmpl_texts_dir(const char *lang)
{
    static const char *const rtl[] = {"ar", "dv", "fa", "he", "iw", "ku-arab", "ps", "sd", "ug", "ur", "yi"};
    apr_size_t i, n;

    for (i = 0; i < sizeof rtl / sizeof *rtl; i++) {
        n = strlen(rtl[i]);
        if (!strncasecmp(lang, rtl[i], n) && (!lang[n] || lang[n] == '-')) return "rtl";
    }
    return "ltr";
}
