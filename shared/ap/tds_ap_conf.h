/* Directives as rows: one row makes the member, its default, its range check and the error text. */
#ifndef TDS_AP_CONF_H
#define TDS_AP_CONF_H

#include <httpd.h>
#include <http_config.h>
#include "tds_keys.h"

typedef enum tds_ap_kind_e {
    TDS_AP_STR,   /* const char *, not empty */
    TDS_AP_URL,   /* const char *, canonical https URL */
    TDS_AP_PATH,  /* const char *, resolved against ServerRoot */
    TDS_AP_INT,   /* int, min..max */
    TDS_AP_SPAN,  /* apr_interval_time_t; units ms, s, min, h; plain numbers are seconds; min..max in ms */
    TDS_AP_FLAG,  /* int, on or off */
} tds_ap_kind_e;

/* Where a directive may stand. */
typedef enum tds_ap_scope_e { TDS_AP_SERVER, TDS_AP_SECTION1, TDS_AP_SECTION2, TDS_AP_ENDPOINT } tds_ap_scope_e;

typedef struct tds_ap_row_t {
    const char *name;
    tds_ap_kind_e kind;
    tds_ap_scope_e scope;
    apr_size_t offset;    /* of the member in the structure of the scope */
    const char *fallback; /* the default, as it would be written; NULL: none */
    apr_int64_t min, max;
} tds_ap_row_t;

/* Set one member from text. Returns NULL or what is wrong. */
const char *tds_ap_row_set(const tds_ap_row_t *row, void *base, const char *text, apr_pool_t *pool);

/* The first directive under d whose name begins with prefix and whose text is not UTF-8, with file and line; NULL: none. Texts
 * go into messages and pages, which are UTF-8. */
const char *tds_ap_texts_fault(const ap_directive_t *d, const char *prefix, apr_pool_t *pool);

/* Give every member of a scope its default. */
void tds_ap_row_defaults(const tds_ap_row_t *rows, int nrows, tds_ap_scope_e scope, void *base, apr_pool_t *pool);

/* Body of a container directive <NAME arg>: checks the syntax and returns the name, or NULL with *fault. */
const char *tds_ap_section_name(cmd_parms *cmd, const char *args, const char **fault);

/* "10s", "250ms", "5min", "1h", "10" (seconds). APR_EINVAL otherwise. */
apr_status_t tds_ap_span(apr_interval_time_t *span, const char *text);

/* Where keys are, as written: file:PATH. */
typedef struct tds_ap_key_files_t {
    const char *current, *other, *id; /* other, id: NULL when not given */
} tds_ap_key_files_t;

/* Load the keys of PREFIXMasterKey and PREFIXIDKey. Returns NULL or what is wrong. */
const char *tds_ap_keys_load(tds_keys_t **keys, const char *prefix, const tds_ap_key_files_t *files, apr_pool_t *pconf,
                             apr_pool_t *ptemp);

#endif
