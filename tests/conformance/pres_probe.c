/* pres_probe VERSION full|delta [EARLIER]: a PRes from standard input, as the answer to a PReq of VERSION that had no
 * serialNum (full) or had one (delta). EARLIER: a file with the PRes before it. Prints what the 3DS Server makes of it:
 * {"errorCode":"205","errorDetail":"...","ranges":N}; errorCode and errorDetail only on a fault, ranges being those of
 * the snapshot that is in use afterwards. Exit 0 whatever the verdict, 2 when it could not be run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <apr_general.h>
#include <apr_strings.h>
#include "srv_ranges.h"
#include "tds_pres.h"

static const srv_ds_t ds = {.name = "ds"};

static apr_status_t load(srv_ranges_t **pranges, FILE *in, tds_ver_e version, int full, apr_pool_t *pool,
                         tds_err_t *err)
{
    tds_msg_rules_t rules = {.accept = TDS_MSG_BIT(TDS_MSG_PRES), .version_must = version};
    srv_load_t *changes = srv_load_begin(&ds, *pranges, full, pool);
    tds_pres_t *pres = tds_pres_make(&rules, srv_load_add, changes, pool);
    srv_ranges_t *ranges;
    tds_msg_t *msg;
    char buf[16384];
    size_t n;
    apr_status_t rv;

    while ((n = fread(buf, 1, sizeof buf, in)) > 0)
        if (tds_pres_feed(pres, buf, n) != APR_SUCCESS) break;
    if ((rv = tds_pres_end(&msg, pres, err)) == APR_SUCCESS) rv = srv_load_commit(&ranges, changes, msg, pool, err);
    srv_load_abort(changes);
    if (rv == APR_SUCCESS) *pranges = ranges;
    return rv;
}

int main(int argc, char **argv)
{
    srv_ranges_t *ranges = NULL;
    json_t *out = json_object();
    apr_pool_t *pool;
    tds_err_t err;
    FILE *earlier = argc == 4 ? fopen(argv[3], "rb") : NULL;

    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS) return 2;
    tds_err_init(&err, pool);
    if (argc < 3 || (argc == 4 && !earlier) || !tds_ver_parse(argv[1])) return 2;
    if (earlier && load(&ranges, earlier, tds_ver_parse(argv[1]), 1, pool, &err) != APR_SUCCESS) return 2;
    if (load(&ranges, stdin, tds_ver_parse(argv[1]), strcmp(argv[2], "delta") != 0, pool, &err) != APR_SUCCESS) {
        json_object_set_new(out, "errorCode", json_string(apr_itoa(pool, err.proto)));
        if (err.elements) json_object_set_new(out, "errorDetail", json_string(err.elements));
    }
    json_object_set_new(out, "ranges", json_integer(ranges ? (json_int_t)srv_ranges_count(ranges) : 0));
    puts(json_dumps(out, JSON_COMPACT));
    return 0;
}
