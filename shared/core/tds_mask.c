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

int tds_mask_buffer(char *text)
{
    char *s;
    apr_size_t n;
    int found = 0;

    for (s = text; s && *s; s += n ? n : 1) {
        n = strspn(s, "0123456789");
        if (n < 13 || n > 19 || !check_digit_right(s, n)) continue;
        memset(s, '*', n - 4);
        found = 1;
    }
    return found;
}

const char *tds_mask_text(const char *text, apr_pool_t *pool)
{
    char *copy;

    if (!text || strcspn(text, "0123456789") == strlen(text)) return text;
    copy = apr_pstrdup(pool, text);
    return tds_mask_buffer(copy) ? copy : text;
}
