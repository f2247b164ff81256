/* Keys and names that tests of authentication values share. */
#ifndef ACS_AV_CASE_H
#define ACS_AV_CASE_H

#include "acs_av_int.h"

#define CVK     "0123456789ABCDEFFEDCBA9876543210"
#define CVK_NEW "8899AABBCCDDEEFF0011223344556677"
#define IAV_KEY "B039878C1F96D212F509B2DC4CC8CD1B"
#define GEN_KEY "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"
#define TID     "2c0f40ad-ca51-47ab-8da9-348b162673aa"
#define AID     "8a880dc0-d2d2-4067-bcb1-b08d1690b26e"
#define DODGY   "The Dodgy Dave And Jonty Shop"
#define DAY_326 apr_time_from_sec(1795305600) /* 2026-11-22T00:00:00Z */

static inline acs_av_set_t set_of(const char *hex, int id)
{
    acs_av_set_t s = {.count = 1, .length = ACS_AV_LEN};

    s.key[0].len = strlen(hex) / 2;
    s.key[0].id = id;
    assert_ok(tds_unhex(s.key[0].bytes, s.key[0].len, hex));
    return s;
}

#endif
