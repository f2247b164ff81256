#include "tds_ap_conf.h"

#include <stdlib.h>
#include <apr_strings.h>
#include <http_core.h>
#include "tds_http.h"
#include "tds_text.h"

#define AT(base, row, type) ((type *)((char *)(base) + (row)->offset))

apr_status_t tds_ap_span(apr_interval_time_t *span, const char *text)
{
    char *end;
    apr_int64_t n = apr_strtoi64(text, &end, 10);

    if (end == text || n < 0 || n > APR_INT64_C(100000000)) return APR_EINVAL;
    if (!*end || !strcmp(end, "s")) *span = apr_time_from_sec(n);
    else if (!strcmp(end, "ms")) *span = apr_time_from_msec(n);
    else if (!strcmp(end, "min")) *span = apr_time_from_sec(n * 60);
    else if (!strcmp(end, "h")) *span = apr_time_from_sec(n * 3600);
    else return APR_EINVAL;
    return APR_SUCCESS;
}

static const char *set_span(const tds_ap_row_t *row, void *base, const char *text, apr_pool_t *pool)
{
    apr_interval_time_t span;

    if (tds_ap_span(&span, text) != APR_SUCCESS)
        return apr_psprintf(pool, "%s: '%s' is not a time; write for example 250ms, 30s, 10min or 24h", row->name, text);
    if (apr_time_as_msec(span) < row->min || apr_time_as_msec(span) > row->max)
        return apr_psprintf(pool, "%s: must be between %" APR_INT64_T_FMT "ms and %" APR_INT64_T_FMT "ms", row->name,
                            row->min, row->max);
    *AT(base, row, apr_interval_time_t) = span;
    return NULL;
}

static const char *set_int(const tds_ap_row_t *row, void *base, const char *text, apr_pool_t *pool)
{
    char *end;
    apr_int64_t n = apr_strtoi64(text, &end, 10);

    if (end == text || *end || n < row->min || n > row->max)
        return apr_psprintf(pool, "%s: must be a number between %" APR_INT64_T_FMT " and %" APR_INT64_T_FMT, row->name,
                            row->min, row->max);
    *AT(base, row, int) = (int)n;
    return NULL;
}

static const char *set_flag(const tds_ap_row_t *row, void *base, const char *text, apr_pool_t *pool)
{
    if (!strcasecmp(text, "on")) *AT(base, row, int) = 1;
    else if (!strcasecmp(text, "off")) *AT(base, row, int) = 0;
    else return apr_psprintf(pool, "%s: must be on or off", row->name);
    return NULL;
}

static const char *set_url(const tds_ap_row_t *row, void *base, const char *text, apr_pool_t *pool)
{
    const char *url = tds_url_canonical(text, pool);

    if (!url) return apr_psprintf(pool, "%s: must be an absolute https URL without user part and fragment", row->name);
    *AT(base, row, const char *) = url;
    return NULL;
}

const char *tds_ap_row_set(const tds_ap_row_t *row, void *base, const char *text, apr_pool_t *pool)
{
    switch (row->kind) {
    case TDS_AP_SPAN:
        return set_span(row, base, text, pool);
    case TDS_AP_INT:
        return set_int(row, base, text, pool);
    case TDS_AP_FLAG:
        return set_flag(row, base, text, pool);
    case TDS_AP_URL:
        return set_url(row, base, text, pool);
    case TDS_AP_PATH:
        if (!(text = ap_server_root_relative(pool, text)))
            return apr_psprintf(pool, "%s: not a usable path", row->name);
        break;
    case TDS_AP_STR:
        if (!*text) return apr_psprintf(pool, "%s: must not be empty", row->name);
        break;
    }
    if (row->max && (apr_int64_t)tds_text_chars(text, strlen(text)) > row->max)
        return apr_psprintf(pool, "%s: must not be longer than %" APR_INT64_T_FMT " characters", row->name, row->max);
    *AT(base, row, const char *) = text;
    return NULL;
}

const char *tds_ap_texts_fault(const ap_directive_t *d, const char *prefix, apr_pool_t *pool)
{
    const char *fault = NULL;

    for (; d && !fault; d = d->next) {
        const char *name = d->directive + (*d->directive == '<'), *args = d->args ? d->args : "";

        if (!strncasecmp(name, prefix, strlen(prefix)) && !tds_text_utf8(args, strlen(args)))
            return apr_psprintf(pool, "%s:%d: %s: the text is not UTF-8", d->filename, d->line_num, name);
        if (d->first_child) fault = tds_ap_texts_fault(d->first_child, prefix, pool);
    }
    return fault;
}

void tds_ap_row_defaults(const tds_ap_row_t *rows, int nrows, tds_ap_scope_e scope, void *base, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < nrows; ++i) {
        if (rows[i].scope == scope && rows[i].fallback) (void)tds_ap_row_set(&rows[i], base, rows[i].fallback, pool);
    }
}

const char *tds_ap_section_name(cmd_parms *cmd, const char *args, const char **fault)
{
    const char *end = ap_strrchr_c(args, '>'), *name;

    *fault = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    if (*fault) return NULL;
    if (!end) {
        *fault = apr_pstrcat(cmd->pool, cmd->cmd->name, "> directive missing closing '>'", NULL);
        return NULL;
    }
    args = apr_pstrmemdup(cmd->temp_pool, args, (apr_size_t)(end - args));
    name = ap_getword_conf(cmd->pool, &args);
    if (!*name || *args) {
        *fault = apr_pstrcat(cmd->pool, cmd->cmd->name, "> needs exactly one name", NULL);
        return NULL;
    }
    return name;
}

typedef apr_status_t key_file_fn(tds_keys_t *keys, const char *path, apr_pool_t *ptemp, tds_err_t *err);

static const char *load_key(tds_keys_t *keys, key_file_fn *load, const char *directive, const char *given, apr_pool_t *ptemp)
{
    tds_err_t err;

    if (strncmp(given, "file:", 5)) return apr_pstrcat(ptemp, directive, ": must be file:PATH", NULL);
    tds_err_init(&err, ptemp);
    if (load(keys, ap_server_root_relative(ptemp, given + 5), ptemp, &err) == APR_SUCCESS) return NULL;
    return apr_pstrcat(ptemp, directive, ": ", err.detail, NULL);
}

const char *tds_ap_keys_load(tds_keys_t **keys, const char *prefix, const tds_ap_key_files_t *files, apr_pool_t *pconf,
                             apr_pool_t *ptemp)
{
    const char *master = apr_pstrcat(ptemp, prefix, "MasterKey", NULL), *id = apr_pstrcat(ptemp, prefix, "IDKey", NULL);
    const char *fault;

    if (!files->current) return apr_pstrcat(ptemp, master, " is missing: file:PATH of 64 hexadecimal digits", NULL);
    if (files->other && !files->id)
        return apr_pstrcat(ptemp, master, " with two keys needs ", id, ": the file that was the only key until now", NULL);
    *keys = tds_keys_make(pconf);
    if ((fault = load_key(*keys, tds_keys_add_file, master, files->current, ptemp))) return fault;
    if (files->other && (fault = load_key(*keys, tds_keys_add_file, master, files->other, ptemp))) return fault;
    return files->id ? load_key(*keys, tds_keys_id_file, id, files->id, ptemp) : NULL;
}
