/* JSON, and the only door to jansson: who needs its types or its object and array accessors gets them
 * through this header, and everything that parses, prints, bounds or owns a tree is here. */
#ifndef TDS_JSON_H
#define TDS_JSON_H

#include <jansson.h>
#include "tds_err.h"

#define TDS_JSON_DEPTH_MAX 32 /* F-12 */

/* Parse an object or array. Nothing is printed into err but what kind of fault it was, never the text.
 * The tree lives until pool goes. Duplicate member names: APR_EGENERAL with err->proto 204, err->elements
 * the path(s) (A-AREQ-07), and *proot all the same, with the last of each name, so that ids can be told;
 * anything that is not JSON in UTF-8, too deep, or not an object or array: APR_EINVAL with err->proto 101
 * (A-AREQ-02, F-12, F-13). A BOM is tolerated (F-01), and so is a number too large for C in an element
 * nobody reads. */
apr_status_t tds_json_parse(json_t **proot, const char *bytes, apr_size_t len, apr_pool_t *pool, tds_err_t *err);

/* Compact text without white space, NUL-terminated, in pool; NULL when out of memory. */
const char *tds_json_text(const json_t *root, apr_size_t *plen, apr_pool_t *pool);

/* What tds_json_parse() makes of a number; 0 of one that is too large for C. */
json_t *tds_json_number(const char *text);

/* Characters (code points) of the compact text of any value. */
apr_size_t tds_json_chars(const json_t *value);

/* A new object that lives until pool goes. */
json_t *tds_json_object(apr_pool_t *pool);

/* Let go of root when pool goes. Returns root. */
json_t *tds_json_own(json_t *root, apr_pool_t *pool);

/* Set a string member; value NULL sets nothing. 0 on success, -1 as jansson does. */
int tds_json_set(json_t *object, const char *name, const char *value);

/* The text of a string member, or NULL. */
const char *tds_json_get(const json_t *object, const char *name);

#endif
