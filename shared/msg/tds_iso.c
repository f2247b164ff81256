#include "tds_msg_int.h"

#include <stdlib.h>

/* Country and currency codes: what is excluded is fixed and always refused; what is assigned changes and is asked from the
 * rules (tds_iso_fn), for example tds_iso_assigned(). */

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

/* ---- the assigned codes, sorted ------------------------------------------ */

#define COUNTRY(code)
#define CURRENCY(code, alpha, units) {code, alpha, units},
static const struct currency_t {
    char code[4], alpha[4];
    int units; /* digits behind the point; -1: has none */
} currencies[] = {
#include "tds_iso.def"
};
#undef COUNTRY
#undef CURRENCY

#define COUNTRY(code) code,
#define CURRENCY(code, alpha, units)
static const char countries[][4] = {
#include "tds_iso.def"
};
#undef COUNTRY
#undef CURRENCY

/* Rows of both tables begin with their code. */
static int by_code(const void *code, const void *row)
{
    return strcmp(code, row);
}

static const struct currency_t *currency_of(const char *code)
{
    return code ? bsearch(code, currencies, sizeof currencies / sizeof *currencies, sizeof *currencies, by_code) : NULL;
}

int tds_iso_assigned(void *baton, int kind, const char *code)
{
    apr_size_t i;

    if (kind == TDS_ISO_COUNTRY)
        return bsearch(code, countries, sizeof countries / sizeof *countries, sizeof *countries, by_code) != NULL;
    if (kind == TDS_ISO_CURRENCY) return currency_of(code) != NULL;
    for (i = 0; i < sizeof currencies / sizeof *currencies; ++i) {
        if (!strcmp(code, currencies[i].alpha)) return 1;
    }
    return 0;
}

int tds_currency_exponent(const char *code)
{
    const struct currency_t *row = currency_of(code);

    return row ? row->units : -1;
}

const char *tds_currency_alpha(const char *code)
{
    const struct currency_t *row = currency_of(code);

    return row ? row->alpha : NULL;
}
