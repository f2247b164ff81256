#include "tds_msg_int.h"

/* Country and currency codes: what is excluded is fixed, what is assigned changes and is asked from
 * the rules (tds_iso_fn). */

static int excluded(int format, const char *code)
{
#define EXCLUDED(kind, list)         static const char *const kind = list;
#define EXCLUDED_RANGE(kind, lo, hi) static const int kind[2] = {lo, hi};
#include "tds_codes.def"
#undef EXCLUDED
#undef EXCLUDED_RANGE
    int n;

    if (format == TDS_F_CURRENCY) return tds_list_has(currency, code, 3);
    if (format == TDS_F_CURRENCY_ALPHA) return tds_list_has(currency_alpha, code, 3);
    n = (code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0');
    return n >= country[0] && n <= country[1];
}

int tds_iso_good(const tds_msg_rules_t *rules, int format, const char *code)
{
    int kind = format == TDS_F_COUNTRY    ? TDS_ISO_COUNTRY
               : format == TDS_F_CURRENCY ? TDS_ISO_CURRENCY
                                          : TDS_ISO_CURRENCY_ALPHA;

    if (excluded(format, code)) return 0;
    return !rules->iso || rules->iso(rules->baton, kind, code);
}

/* Minor units where they are not 2, and the currencies in wide use where they are. One that is not
 * listed is not judged. */
int tds_currency_exponent(const char *code)
{
    static const char *const lists[] = {
        "108,152,174,262,324,352,392,410,548,600,646,704,800,940,950,952,953",
        "",
        "008,012,032,036,044,050,051,052,060,064,068,072,084,090,096,104,116,124,132,136,144,156,"
        "170,188,191,"
        "192,203,208,214,222,230,232,238,242,270,292,320,328,332,340,344,348,356,360,364,376,388,"
        "398,404,408,"
        "417,418,422,426,430,446,454,458,462,480,484,496,498,504,516,524,532,533,554,558,566,578,"
        "586,590,"
        "598,604,608,634,643,654,682,690,694,702,706,710,728,748,752,756,760,764,776,780,784,807,"
        "818,826,834,"
        "840,858,860,882,886,901,930,933,934,936,938,941,943,944,946,949,967,968,969,970,971,972,"
        "973,975,976,"
        "977,978,979,980,981,985,986",
        "048,368,400,414,434,512,788",
        "927,990",
    };
    int i;

    if (!code || strlen(code) != 3) return -1;
    for (i = 0; i < 5; ++i)
        if (tds_list_has(lists[i], code, 3)) return i;
    return -1;
}
