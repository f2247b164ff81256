/* HTML templates: Mustache, compiled once at start-up and rendered many times. Every value is escaped,
 * what is unknown refuses to compile, and rendering is bounded in depth and size. What of Mustache is
 * here, and what is not, stands in docs/internals/tmpl.md. */
#ifndef TDS_TMPL_H
#define TDS_TMPL_H

#include <apr_pools.h>
#include "tds_err.h"
#include "tds_json.h"

#define TDS_TMPL_DEPTH_MAX 32           /* nesting of sections, partials and blocks together */
#define TDS_TMPL_FILE_MAX  (1024 * 1024) /* bytes of one template */
#define TDS_TMPL_OUT_MAX   (256 * 1024)  /* bytes of output unless the options say otherwise */

typedef struct tds_tmpl_set_t tds_tmpl_set_t; /* where templates and partials come from */
typedef struct tds_tmpl_t tds_tmpl_t;         /* a compiled one; read-only, shared by all threads */

typedef struct tds_tmpl_opts_t {
    /* The names a template may use, ended by NULL: "amount", "fields", "fields.name" (inside of
     * {{#fields}} plain "name" will do), "t.*". NULL: nothing is checked, and a missing partial is
     * empty instead of an error. */
    const char *const *names;
    /* An object of texts, or NULL. {{t.key}} is then replaced while compiling; a missing key is an
     * error; a text may itself use {{names}}. Compile once per language. */
    const json_t *texts;
    int trusted;        /* {{{name}}} and {{&name}} are allowed */
    int plain;          /* plain text, not HTML (a message to a phone): nothing is escaped */
    int html;           /* refuse values in <script>, <style>, comments and outside quotes in a tag */
    apr_size_t out_max; /* 0: TDS_TMPL_OUT_MAX */
} tds_tmpl_opts_t;

/* Templates are the files of a directory: "otp.html"; a partial {{> head}} is "head.html". */
tds_tmpl_set_t *tds_tmpl_set_dir(const char *dir, apr_pool_t *pool);

/* Templates are given one by one with tds_tmpl_set_add. */
tds_tmpl_set_t *tds_tmpl_set_mem(apr_pool_t *pool);

/* Add a template, or put it before the file of that name. text must live as long as the set. */
void tds_tmpl_set_add(tds_tmpl_set_t *set, const char *name, const char *text, apr_size_t len);

/* Compile name and the partials it uses. The result lives in pool and needs neither set nor opts any
 * more. APR_ENOENT: no such template; APR_EINVAL: a fault in it, err->detail begins "otp.html:12: ". */
apr_status_t tds_tmpl_compile(tds_tmpl_t **ptmpl, tds_tmpl_set_t *set, const char *name,
                              const tds_tmpl_opts_t *opts, apr_pool_t *pool, tds_err_t *err);

/* Render with data, an object. The text is NUL-terminated and lives in pool. APR_EGENERAL: deeper than
 * TDS_TMPL_DEPTH_MAX; APR_ENOSPC: longer than out_max. */
apr_status_t tds_tmpl_render(const char **ptext, apr_size_t *plen, const tds_tmpl_t *tmpl, const json_t *data,
                             apr_pool_t *pool, tds_err_t *err);

/* Load the texts dir/LANG.json: an object of strings. LANG is a language tag; only letters, digits and
 * "-" are read from it. "de-AT" falls back to "de". APR_ENOENT: there is none. */
apr_status_t tds_tmpl_texts_load(json_t **ptexts, const char *dir, const char *lang, apr_pool_t *pool,
                                 tds_err_t *err);

/* "rtl" for languages written from right to left, else "ltr". */
const char *tds_tmpl_texts_dir(const char *lang);

#endif
