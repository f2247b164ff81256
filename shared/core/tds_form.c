#include "tds_form.h"

#include <string.h>

static int hex_of(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes s..end in place; the length of the result, which ends with NUL: end[0] is overwritten at most. */
static apr_size_t decode_part(char *s, const char *end)
{
    char *o = s, *start = s;

    for (; s < end; ++s) {
        int hi = *s == '%' && end - s > 2 ? hex_of(s[1]) : -1, lo = hi >= 0 ? hex_of(s[2]) : -1;

        if (lo >= 0) {
            *o++ = (char)(hi << 4 | lo);
            s += 2;
        }
        else *o++ = (char)(*s == '+' ? ' ' : *s);
    }
    *o = '\0';
    return (apr_size_t)(o - start);
}

static void take(tds_field_t *fields, int n, const char *name, apr_size_t name_len, const char *value, apr_size_t len)
{
    int i;

    for (i = 0; i < n; ++i) {
        tds_field_t *f = &fields[i];

        if (strlen(f->name) != name_len || memcmp(f->name, name, name_len)) continue;
        if (f->count++) continue;
        f->value = value;
        f->len = len;
    }
}

void tds_form_read(char *body, apr_size_t len, tds_field_t *fields, int n)
{
    char *s = body, *end = body + len;

    while (s < end) {
        char *amp = memchr(s, '&', (size_t)(end - s)), *stop = amp ? amp : end;
        char *eq = memchr(s, '=', (size_t)(stop - s));

        if (stop > s) {
            apr_size_t vlen = eq ? decode_part(eq + 1, stop) : 0, nlen = decode_part(s, eq ? eq : stop);

            take(fields, n, s, nlen, eq ? eq + 1 : "", vlen);
        }
        s = stop + 1;
    }
}

const char *tds_form_first(const tds_field_t *field)
{
    return field->value && strlen(field->value) == field->len ? field->value : NULL;
}

const char *tds_form_value(const tds_field_t *field)
{
    return field->count == 1 ? tds_form_first(field) : NULL;
}
