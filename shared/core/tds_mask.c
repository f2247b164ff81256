#include "tds_mask.h"

#include <string.h>
#include <apr_strings.h>

const char *tds_mask_pan(const char *pan, apr_pool_t *pool)
{
    apr_size_t len = pan ? strlen(pan) : 0;

    if (len < 8) return "\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2";
    return apr_pstrcat(pool, "\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2 ", pan + len - 4, NULL);
}

/* ISO/IEC 7812-1: every second digit from the right counts twice. */
static int check_digit_right(const char *digits, apr_size_t n)
{
    unsigned sum = 0;
    apr_size_t i;

    for (i = 0; i < n; ++i) {
        unsigned d = (unsigned)(digits[n - 1 - i] - '0') << (i & 1);

        sum += d > 9 ? d - 9 : d;
    }
    return sum % 10 == 0;
}

const char *tds_mask_text(const char *text, apr_pool_t *pool)
{
    const char *s;
    char *copy = NULL;
    apr_size_t n;

    for (s = text; s && *s; s += n ? n : 1) {
        n = strspn(s, "0123456789");
        if (n < 13 || n > 19 || !check_digit_right(s, n)) continue;
        if (!copy) copy = apr_pstrdup(pool, text);
        memset(copy + (s - text), '*', n - 4);
    }
    return copy ? copy : text;
}
