/* What a peer's messages may differ in: where the specification is unsure or leaves it to the Directory Server, a setting
 * with a default. Filled at configuration time, then read only. */
#ifndef TDS_PROFILE_H
#define TDS_PROFILE_H

#include <apr_tables.h>
#include <apr_time.h>
#include "tds_msg.h"

typedef struct tds_profile_t {
    unsigned flags;                 /* TDS_RULE_ */
    int format_only;                /* country and currency codes need not be assigned, only well formed */
    int clock;                      /* AReq: refuse a purchaseDate that is off (A-AREQ-18) */
    apr_array_header_t *values;     /* of the implementation */
    apr_array_header_t *extensions; /* const char *, NULL at the end: ids of message extensions we process */
} tds_profile_t;                    /* all zero: the defaults */

/* Switch a check: "+name" or "name" on, "-name" off. Returns NULL, or what is wrong with word.
 *
 *   conditions   an element whose condition does not hold, yet is there, is 203 (3.7)              default off
 *   absent       an element that a table wants left out, yet is there, is 203 (purchaseInstalData)  on
 *   exponent     an exponent that is not that of the currency is 304 (A-AREQ-14)                    on
 *   assigned     country and currency codes have to be assigned, else 304 (A-AREQ-14)               on
 *   clock        2.3.1: a purchaseDate more than 30 minutes off UTC is 203 (A-AREQ-18)              off */
const char *tds_profile_check(tds_profile_t *profile, const char *word, apr_pool_t *pool);

/* Allow value for the element of that path ("acctInfo.x" for members), out of those reserved for the Directory Server.
 * From the first on the list of the element is closed; without any, every value of the reserved range is accepted, but for
 * deviceChannel, messageCategory and acsUiType none. Returns NULL, or what is wrong. */
const char *tds_profile_value(tds_profile_t *profile, const char *path, const char *value, apr_pool_t *pool);

/* A message extension with this id is known: it may be critical. */
void tds_profile_extension(tds_profile_t *profile, const char *id, apr_pool_t *pool);

/* Put the profile into rules: flags, extensions, ds_value, iso, baton. profile has to outlive rules. */
void tds_profile_apply(const tds_profile_t *profile, tds_msg_rules_t *rules);

/* A-AREQ-18: is purchaseDate (YYYYMMDDHHMMSS) within 30 minutes of now, or is there none? */
int tds_profile_clock_good(const tds_msg_t *areq, apr_time_t now);

#endif
