#include "tds_form.h"

#include <string.h>

static int hex_of(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes s..end in place; the length of the result, or -1. */
static int decode_part(char *s, const char *end)
{
    char *o = s, *start = s;

    for (; s < end; ++s) {
        if (*s == '%') {
            int hi = end - s > 2 ? hex_of(s[1]) : -1, lo = hi >= 0 ? hex_of(s[2]) : -1;
            if (lo < 0) return -1;
            *o++ = (char)(hi << 4 | lo);
            s += 2;
        }
        else *o++ = (char)(*s == '+' ? ' ' : *s);
    }
    *o = '\0';
    return (int)(o - start);
}

int tds_form_split(char *body, apr_size_t len, tds_field_t fields[TDS_FIELDS_MAX])
{
    char *s = body, *end = body + len;
    int n = 0;

    while (s < end) {
        char *amp = memchr(s, '&', (size_t)(end - s)), *stop = amp ? amp : end, *eq;
        int vlen;

        if (stop > s) {
            if (n == TDS_FIELDS_MAX) return -1;
            if (!(eq = memchr(s, '=', (size_t)(stop - s)))) return -1;
            vlen = decode_part(eq + 1, stop);
            if (vlen < 0 || decode_part(s, eq) < 0) return -1;
            fields[n++] = (tds_field_t){.name = s, .value = eq + 1, .len = (apr_size_t)vlen};
        }
        s = stop + 1;
    }
    return n;
}

const char *tds_form_get(const tds_field_t *fields, int n, const char *name)
{
    const char *value = NULL;
    int i;

    for (i = 0; i < n; ++i) {
        if (strcmp(fields[i].name, name)) continue;
        if (value || strlen(fields[i].value) != fields[i].len) return NULL;
        value = fields[i].value;
    }
    return value;
}
