/* A second look at JSON text that jansson refused: where the duplicates are, and which numbers are too
 * large for C. Slow path only. */
#ifndef TDS_JSON_SCAN_H
#define TDS_JSON_SCAN_H

#include <jansson.h>
#include <apr_errno.h>
#include <apr_pools.h>

typedef struct tds_json_scan_t {
    const char *duplicates; /* paths of duplicate members, comma separated, each once; NULL: none */
    const char *neutral;    /* the text with 0 for every number too large for C, same length; NULL: there is none */
} tds_json_scan_t;

/* APR_EINVAL when the text is not JSON by RFC 8259, not UTF-8, has an unpaired surrogate escape, or nests
 * deeper than depth_max. */
apr_status_t tds_json_scan(tds_json_scan_t *scan, const char *bytes, apr_size_t len, int depth_max, apr_pool_t *pool);

/* The name as errors and logs may have it: "unknown" unless it is short, of letters and digits, and
 * no card number in the wrong place. */
const char *tds_json_name_shown(const char *name);

/* 0: this JSON number is too large for C, and jansson refuses it. */
int tds_json_number_fits(const char *text);

/* How deep the tree nests, counted up to limit + 1. */
int tds_json_depth(const json_t *value, int limit);

#endif
