#include "tds_msg_int.h"

#include <arpa/inet.h>
#include "tds_text.h"
#include "tds_url.h"

/* One matcher per format and pattern of spec/elements.json; the regular expression stands there. A
 * NUL inside a text fits none of them (F-13). */

enum { C_DIGIT = 1, C_UPPER = 2, C_LOWER = 4, C_B64 = 8, C_B64URL = 16, C_HEX = 32 };

#define LETTER      (C_B64 | C_B64URL)
#define DIGIT_CLASS (C_DIGIT | C_B64 | C_B64URL | C_HEX)

static const unsigned char classes[256] = {
    ['0' ... '9'] = DIGIT_CLASS,
    ['A' ... 'F'] = C_UPPER | LETTER | C_HEX,
    ['G' ... 'Z'] = C_UPPER | LETTER,
    ['a' ... 'f'] = C_LOWER | LETTER | C_HEX,
    ['g' ... 'z'] = C_LOWER | LETTER,
    ['+'] = C_B64,
    ['/'] = C_B64,
    ['-'] = C_B64URL,
    ['_'] = C_B64URL,
};

#define IS(c, cls) (classes[(unsigned char)(c)] & (cls))

/* Length of the run of class cls at s. */
static apr_size_t run(const char *s, apr_size_t len, int cls)
{
    apr_size_t i = 0;

    while (i < len && IS(s[i], cls))
        ++i;
    return i;
}

static int all(const char *s, apr_size_t len, int cls)
{
    return len > 0 && run(s, len, cls) == len;
}

static int number(const char *s, int digits)
{
    int n = 0;

    while (digits--)
        n = n * 10 + (*s++ - '0');
    return n;
}

static int match_ANY(const char *s, apr_size_t len)
{
    return !memchr(s, '\0', len);
}

static int match_CODE(const char *s, apr_size_t len)
{
    return !memchr(s, '\0', len) && !memchr(s, ',', len);
}

static int match_DIGITS(const char *s, apr_size_t len)
{
    return all(s, len, C_DIGIT);
}

static int match_LETTERS(const char *s, apr_size_t len)
{
    return all(s, len, C_UPPER | C_LOWER);
}

static int match_ALNUM(const char *s, apr_size_t len)
{
    return all(s, len, C_UPPER | C_LOWER | C_DIGIT);
}

static int match_UUID(const char *s, apr_size_t len)
{
    apr_size_t i;

    if (len != 36) return 0;
    for (i = 0; i < 36; ++i) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (s[i] != '-') return 0;
        }
        else if (!IS(s[i], C_HEX))
            return 0;
    }
    return 1;
}

static int match_URL(const char *s, apr_size_t len)
{
    return tds_url_good(s, len, TDS_URL_ANY);
}

static int match_URL_HTTPS(const char *s, apr_size_t len)
{
    return tds_url_good(s, len, TDS_URL_HTTPS);
}

static int match_URL_OR_DATA(const char *s, apr_size_t len)
{
    if (len > 5 && !memcmp(s, "data:", 5)) return tds_text_solid(s, len);
    return match_URL_HTTPS(s, len);
}

static int match_EMAIL(const char *s, apr_size_t len)
{
    apr_size_t at = len;

    while (at > 0 && s[at - 1] != '@')
        --at;
    return at > 1 && at < len && tds_text_solid(s, len);
}

static int match_SOLID(const char *s, apr_size_t len)
{
    return len > 0 && tds_text_solid(s, len);
}

static int match_IP(const char *s, apr_size_t len)
{
    unsigned char buf[sizeof(struct in6_addr)];

    if (memchr(s, '\0', len)) return 0;
    return inet_pton(AF_INET, s, buf) == 1 || inet_pton(AF_INET6, s, buf) == 1;
}

static int date_good(const char *s)
{
    static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int y = number(s, 4), m = number(s + 4, 2), d = number(s + 6, 2);
    int leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

    if (m < 1 || m > 12 || d < 1) return 0;
    return d <= days[m - 1] + (m == 2 && leap);
}

static int match_DATE(const char *s, apr_size_t len)
{
    return len == 8 && all(s, len, C_DIGIT) && date_good(s);
}

static int match_YYMM(const char *s, apr_size_t len)
{
    return len == 4 && all(s, len, C_DIGIT) && number(s + 2, 2) >= 1 && number(s + 2, 2) <= 12;
}

static int match_DATETIME12(const char *s, apr_size_t len)
{
    return len == 12 && all(s, len, C_DIGIT) && date_good(s) && number(s + 8, 2) < 24 &&
           number(s + 10, 2) < 60;
}

/* There is no leap second in UTC as merchants have it (F-08). */
static int match_DATETIME14(const char *s, apr_size_t len)
{
    return len == 14 && match_DATETIME12(s, 12) && all(s + 12, 2, C_DIGIT) &&
           number(s + 12, 2) < 60;
}

static int match_TZ(const char *s, apr_size_t len)
{
    if (len && (*s == '+' || *s == '-')) {
        ++s;
        --len;
    }
    return len <= 4 && all(s, len, C_DIGIT);
}

static int padded(const char *s, apr_size_t len, int cls)
{
    apr_size_t n = run(s, len, cls);

    if (!n || len - n > 2) return 0;
    for (; n < len; ++n)
        if (s[n] != '=') return 0;
    return 1;
}

static int match_BASE64(const char *s, apr_size_t len)
{
    return padded(s, len, C_B64);
}

static int match_BASE64URL(const char *s, apr_size_t len)
{
    return padded(s, len, C_B64URL);
}

/* n parts of base64url with dots between; only the one at may_be_empty may be empty. */
static int compact(const char *s, apr_size_t len, int n, int may_be_empty)
{
    int i;

    for (i = 0; i < n; ++i) {
        apr_size_t part = run(s, len, C_B64URL);

        if (!part && i != may_be_empty) return 0;
        s += part;
        len -= part;
        if (i == n - 1) break;
        if (!len || *s != '.') return 0;
        ++s;
        --len;
    }
    return len == 0;
}

static int match_JWE(const char *s, apr_size_t len)
{
    return compact(s, len, 5, 1);
}

static int match_JWS(const char *s, apr_size_t len)
{
    return compact(s, len, 3, -1);
}

static int match_COUNTRY(const char *s, apr_size_t len)
{
    return len == 3 && all(s, len, C_DIGIT);
}

static int match_CURRENCY(const char *s, apr_size_t len)
{
    return len == 3 && all(s, len, C_DIGIT);
}

static int match_CURRENCY_ALPHA(const char *s, apr_size_t len)
{
    return len == 3 && all(s, len, C_UPPER);
}

static int match_PAN(const char *s, apr_size_t len)
{
    return len >= 13 && len <= 19 && all(s, len, C_DIGIT);
}

static int match_VERSION(const char *s, apr_size_t len)
{
    int i;

    for (i = 0; i < 3; ++i) {
        apr_size_t n = run(s, len, C_DIGIT);

        if (n < 1 || n > 2) return 0;
        s += n;
        len -= n;
        if (i == 2) break;
        if (!len || *s != '.') return 0;
        ++s;
        --len;
    }
    return len == 0;
}

static int match_NONE(const char *s, apr_size_t len)
{
    return 1;
}

static int match_DIGITS_1_2(const char *s, apr_size_t len)
{
    return len <= 2 && all(s, len, C_DIGIT);
}

static int match_DIGITS_3(const char *s, apr_size_t len)
{
    return len == 3 && all(s, len, C_DIGIT);
}

static int match_DIGITS_5(const char *s, apr_size_t len)
{
    return len == 5 && all(s, len, C_DIGIT);
}

static int match_AV28(const char *s, apr_size_t len)
{
    return len == 28 && all(s, 27, C_B64) && (IS(s[27], C_B64) || s[27] == '=');
}

#define F(name) match_##name,
tds_match_fn *const tds_format_fn[TDS_F_COUNT] = {TDS_FORMATS(F)};
tds_match_fn *const tds_pattern_fn[TDS_P_COUNT] = {TDS_PATTERNS(F)};
#undef F

#define F(name) #name,
const char *const tds_format_name[TDS_F_COUNT] = {TDS_FORMATS(F)};
#undef F
