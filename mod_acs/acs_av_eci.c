/* eci: tables of the providers, and ACSECI. */
#include "acs_av_int.h"

#include <ctype.h>
#include <string.h>
#include <apr_strings.h>

const acs_eci_t acs_eci_567[] = {{"Y", "01", NULL, "05"}, {"A", "01", NULL, "06"}, {"N", "01", NULL, "07"},
                                 {"U", "01", NULL, "07"}, {"R", "01", NULL, "07"}, {"I", "01", "06", "07"},
                                 {NULL, NULL, NULL, NULL}};

const acs_eci_t acs_eci_210[] = {{"Y", "01", NULL, "02"}, {"A", "01", NULL, "01"}, {"N", "01", NULL, "00"},
                                 {"U", "01", NULL, "00"}, {"R", "01", NULL, "00"}, {"I", "01", "05", "06"},
                                 {"I", "01", "06", "04"}, {"Y", "02", NULL, "N2"}, {"N", "02", NULL, "N0"},
                                 {NULL, NULL, NULL, NULL}};

static apr_status_t take_status(acs_eci_line_t *line, const char *text, tds_err_t *err)
{
    if (strlen(text) != 1 || !strchr("YANURI", *text))
        return TDS_FAIL(err, APR_EINVAL, 0, NULL, "the first word is a transStatus: Y, A, N, U, R or I");
    line->eci.status = text;
    return APR_SUCCESS;
}

static apr_status_t take_value(acs_eci_line_t *line, const char *text, tds_err_t *err)
{
    if (!strcmp(text, "none")) return APR_SUCCESS;
    if (strlen(text) != 2 || (!isdigit((unsigned char)text[0]) && text[0] != 'N') || !isdigit((unsigned char)text[1]))
        return TDS_FAIL(err, APR_EINVAL, 0, NULL, "the value is two digits, or N and a digit, or none");
    line->eci.value = text;
    return APR_SUCCESS;
}

apr_status_t acs_eci_read(acs_eci_line_t *line, const char *const *words, int nwords, apr_pool_t *pool, tds_err_t *err)
{
    apr_status_t rv;
    int i;

    memset(line, 0, sizeof *line);
    if (nwords < 2) return TDS_FAIL(err, APR_EINVAL, 0, NULL, "needs a transStatus and its eci");
    if ((rv = take_status(line, words[0], err)) != APR_SUCCESS) return rv;
    if ((rv = take_value(line, words[1], err)) != APR_SUCCESS) return rv;
    for (i = 2; rv == APR_SUCCESS && i < nwords; ++i) {
        if (!strcmp(words[i], "PA")) line->eci.category = "01";
        else if (!strcmp(words[i], "NPA")) line->eci.category = "02";
        else if (!strncmp(words[i], "range=", 6)) rv = acs_range_read(&line->range, words[i] + 6, pool, err);
        else rv = TDS_FAIL(err, APR_EINVAL, 0, NULL, "behind the value there may be PA or NPA, and range=FIRST-LAST");
    }
    return rv;
}
