#include "tds_text.h"

#include <stdint.h>

/* The length of the character at s, whose code point goes to *c; 0 when it is not UTF-8. */
static apr_size_t char_at(const unsigned char *s, apr_size_t len, uint32_t *c)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    apr_size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0, i;

    if (!n || n > len) return 0;
    *c = n == 1 ? s[0] : s[0] & (0x7fu >> n);
    for (i = 1; i < n; ++i) {
        if ((s[i] & 0xc0) != 0x80) return 0;
        *c = *c << 6 | (s[i] & 0x3fu);
    }
    return *c < least[n] || *c > 0x10ffff || (*c >= 0xd800 && *c < 0xe000) ? 0 : n;
}

int tds_text_utf8(const char *s, apr_size_t len)
{
    apr_size_t n;
    uint32_t c;

    for (; len; s += n, len -= n) {
        if (!(n = char_at((const unsigned char *)s, len, &c))) return 0;
    }
    return 1;
}

apr_size_t tds_text_chars(const char *s, apr_size_t len)
{
    apr_size_t i, n = 0;

    for (i = 0; i < len; ++i) n += ((unsigned char)s[i] & 0xc0) != 0x80;
    return n;
}

apr_size_t tds_text_head(const char *s, apr_size_t len, apr_size_t chars)
{
    apr_size_t i;

    for (i = 0; i < len; ++i) {
        if (((unsigned char)s[i] & 0xc0) != 0x80 && !chars--) break;
    }
    return i;
}

static int control_or_blank(uint32_t c)
{
    if (c <= 0x20 || (c >= 0x7f && c <= 0xa0)) return 1;
    return c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
           c == 0x3000;
}

int tds_text_solid(const char *s, apr_size_t len)
{
    apr_size_t n;
    uint32_t c;

    for (; len; s += n, len -= n) {
        if (!(n = char_at((const unsigned char *)s, len, &c)) || control_or_blank(c)) return 0;
    }
    return 1;
}
