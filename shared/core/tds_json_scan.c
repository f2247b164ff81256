#include "tds_json_scan.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <apr_hash.h>
#include <apr_lib.h>
#include <apr_strings.h>

/* A strict reader of RFC 8259 text that keeps nothing but the names on the way down. Recursion is
 * bounded by depth_max. */

#define CARD_DIGITS 13 /* the shortest card number */
#define NAME_SHOWN  64
#define NAMES_MAX   4096 /* more duplicates than this many bytes are not listed */

typedef struct frame_t {
    const struct frame_t *up;
    const char *name; /* of the member whose value is being read; NULL in an array */
} frame_t;

typedef struct scan_t {
    const char *start, *p, *end;
    int depth, depth_max;
    apr_pool_t *pool;
    char *neutral;
    apr_hash_t *seen; /* paths already listed */
    const char *list;
    apr_size_t listed;
} scan_t;

static int value(scan_t *s, const frame_t *up);

static void space(scan_t *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
        s->p++;
}

static int take(scan_t *s, char c)
{
    space(s);
    if (s->p == s->end || *s->p != c) return 0;
    s->p++;
    return 1;
}

/* ---- strings ----------------------------------------------------------- */

static int continued(const scan_t *s, int n)
{
    int i;

    if (s->end - s->p <= n) return 0;
    for (i = 1; i <= n; ++i)
        if (((unsigned char)s->p[i] & 0xc0) != 0x80) return 0;
    return 1;
}

/* Bytes of the UTF-8 character at p; 0 when it is none. */
static int utf8_len(const scan_t *s)
{
    unsigned char a = (unsigned char)s->p[0], b = s->end - s->p > 1 ? (unsigned char)s->p[1] : 0;

    if (a < 0x80) return 1;
    if (a >= 0xc2 && a <= 0xdf) return continued(s, 1) ? 2 : 0;
    if (a >= 0xe0 && a <= 0xef) {
        if ((a == 0xe0 && b < 0xa0) || (a == 0xed && b > 0x9f)) return 0;
        return continued(s, 2) ? 3 : 0;
    }
    if (a >= 0xf0 && a <= 0xf4) {
        if ((a == 0xf0 && b < 0x90) || (a == 0xf4 && b > 0x8f)) return 0;
        return continued(s, 3) ? 4 : 0;
    }
    return 0;
}

/* Four hex digits behind \u; -1 when there are none. */
static int hex4(scan_t *s)
{
    int i, n = 0;

    if (s->end - s->p < 4) return -1;
    for (i = 0; i < 4; ++i) {
        char c = *s->p++;

        if (c >= '0' && c <= '9')
            n = n * 16 + (c - '0');
        else if (c >= 'a' && c <= 'f')
            n = n * 16 + (c - 'a' + 10);
        else if (c >= 'A' && c <= 'F')
            n = n * 16 + (c - 'A' + 10);
        else
            return -1;
    }
    return n;
}

static char *put_utf8(char *out, int cp)
{
    if (cp < 0x80) {
        *out++ = (char)cp;
    }
    else if (cp < 0x800) {
        *out++ = (char)(0xc0 | cp >> 6);
        *out++ = (char)(0x80 | (cp & 63));
    }
    else if (cp < 0x10000) {
        *out++ = (char)(0xe0 | cp >> 12);
        *out++ = (char)(0x80 | (cp >> 6 & 63));
        *out++ = (char)(0x80 | (cp & 63));
    }
    else {
        *out++ = (char)(0xf0 | cp >> 18);
        *out++ = (char)(0x80 | (cp >> 12 & 63));
        *out++ = (char)(0x80 | (cp >> 6 & 63));
        *out++ = (char)(0x80 | (cp & 63));
    }
    return out;
}

/* Behind \u: a code point, both halves of a surrogate pair taken. */
static int unicode(scan_t *s)
{
    int hi = hex4(s), lo;

    if (hi < 0 || (hi >= 0xdc00 && hi <= 0xdfff)) return -1;
    if (hi < 0xd800 || hi > 0xdbff) return hi;
    if (s->end - s->p < 2 || s->p[0] != '\\' || s->p[1] != 'u') return -1;
    s->p += 2;
    lo = hex4(s);
    if (lo < 0xdc00 || lo > 0xdfff) return -1;
    return 0x10000 + ((hi - 0xd800) << 10) + (lo - 0xdc00);
}

/* Behind the backslash. Writes what it stands for. */
static int escape(scan_t *s, char **out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *q;
    int cp;

    if (s->p == s->end) return 0;
    if (*s->p == 'u') {
        s->p++;
        if ((cp = unicode(s)) < 0) return 0;
        *out = put_utf8(*out, cp);
        return 1;
    }
    if (!*s->p || !(q = strchr(from, *s->p))) return 0;
    *(*out)++ = to[q - from];
    s->p++;
    return 1;
}

/* A string, its opening quote taken. name: where to put the text, or NULL. What an escape stands
 * for is never longer than the escape. */
static int string(scan_t *s, const char **name)
{
    const char *close = s->p;
    char scrap[8], *buf = NULL, *out = scrap;

    if (name) {
        while (close < s->end && *close != '"')
            close += *close == '\\' && s->end - close > 1 ? 2 : 1;
        buf = out = apr_palloc(s->pool, (apr_size_t)(close - s->p) + 1);
    }
    for (;;) {
        int n;

        if (!buf) out = scrap;
        if (s->p == s->end || (unsigned char)*s->p < 0x20) return 0;
        if (*s->p == '"') break;
        if (*s->p == '\\') {
            s->p++;
            if (!escape(s, &out)) return 0;
            continue;
        }
        if (!(n = utf8_len(s))) return 0;
        memcpy(out, s->p, (apr_size_t)n);
        out += n;
        s->p += n;
    }
    s->p++;
    if (!buf) return 1;
    *out = '\0';
    *name = buf;
    return strlen(buf) == (apr_size_t)(out - buf); /* a name with a NUL is none */
}

/* ---- numbers and words ------------------------------------------------- */

static int digits(scan_t *s)
{
    const char *from = s->p;

    while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
        s->p++;
    return s->p > from;
}

/* As jansson decides it. */
int tds_json_number_fits(const char *text)
{
    double d;

    errno = 0;
    if (!text[strcspn(text, ".eE")]) {
        (void)strtoll(text, NULL, 10);
        return errno != ERANGE;
    }
    d = strtod(text, NULL);
    return errno != ERANGE || (d != HUGE_VAL && d != -HUGE_VAL);
}

static int fits(scan_t *s, const char *text, apr_size_t len)
{
    char few[64];

    if (len >= sizeof(few)) return tds_json_number_fits(apr_pstrmemdup(s->pool, text, len));
    memcpy(few, text, len);
    few[len] = '\0';
    return tds_json_number_fits(few);
}

static int number(scan_t *s)
{
    const char *from = s->p;

    if (*s->p == '-') s->p++;
    if (s->p < s->end && *s->p == '0')
        s->p++;
    else if (!digits(s))
        return 0;
    if (s->p < s->end && *s->p == '.') {
        s->p++;
        if (!digits(s)) return 0;
    }
    if (s->p < s->end && (*s->p == 'e' || *s->p == 'E')) {
        s->p++;
        if (s->p < s->end && (*s->p == '+' || *s->p == '-')) s->p++;
        if (!digits(s)) return 0;
    }
    if (fits(s, from, (apr_size_t)(s->p - from))) return 1;
    if (!s->neutral)
        s->neutral = apr_pstrmemdup(s->pool, s->start, (apr_size_t)(s->end - s->start));
    memset(s->neutral + (from - s->start), ' ', (apr_size_t)(s->p - from));
    s->neutral[from - s->start] = '0';
    return 1;
}

static int word(scan_t *s, const char *text)
{
    apr_size_t n = strlen(text);

    if ((apr_size_t)(s->end - s->p) < n || memcmp(s->p, text, n)) return 0;
    s->p += n;
    return 1;
}

/* ---- objects and arrays ------------------------------------------------ */

const char *tds_json_name_shown(const char *name)
{
    const char *s;
    int digits = 0;

    for (s = name; apr_isalnum(*s); ++s) digits += apr_isdigit(*s) != 0;
    return !*s && s - name <= NAME_SHOWN && digits < CARD_DIGITS ? name : "unknown";
}

static const char *path_of(scan_t *s, const frame_t *up, const char *name)
{
    name = tds_json_name_shown(name);
    for (; up; up = up->up)
        if (up->name) name = apr_pstrcat(s->pool, tds_json_name_shown(up->name), ".", name, NULL);
    return name;
}

static void duplicate(scan_t *s, const frame_t *up, const char *name)
{
    const char *path;

    if (s->listed > NAMES_MAX) return;
    path = path_of(s, up, name);
    if (!s->seen) s->seen = apr_hash_make(s->pool);
    if (apr_hash_get(s->seen, path, APR_HASH_KEY_STRING)) return;
    apr_hash_set(s->seen, path, APR_HASH_KEY_STRING, path);
    s->list = s->list ? apr_pstrcat(s->pool, s->list, ",", path, NULL) : path;
    s->listed += strlen(path) + 1;
}

/* The names of one object. A hash takes some 500 bytes, an object as few as two: the hash is made only for a second
 * name, else a text of nothing but small objects would take a hundred times its own size. */
typedef struct names_t {
    const char *first;
    apr_hash_t *all;
} names_t;

/* Was name there already? */
static int known(names_t *names, const char *name, apr_pool_t *pool)
{
    if (!names->first) {
        names->first = name;
        return 0;
    }
    if (!names->all) {
        names->all = apr_hash_make(pool);
        apr_hash_set(names->all, names->first, APR_HASH_KEY_STRING, names->first);
    }
    if (apr_hash_get(names->all, name, APR_HASH_KEY_STRING)) return 1;
    apr_hash_set(names->all, name, APR_HASH_KEY_STRING, name);
    return 0;
}

static int object(scan_t *s, const frame_t *up)
{
    names_t names = {NULL, NULL};
    frame_t here = {up, NULL};

    if (take(s, '}')) return 1;
    do {
        if (!take(s, '"') || !string(s, &here.name) || !take(s, ':')) return 0;
        if (known(&names, here.name, s->pool)) duplicate(s, up, here.name);
        if (!value(s, &here)) return 0;
    } while (take(s, ','));
    return take(s, '}');
}

static int array(scan_t *s, const frame_t *up)
{
    frame_t here = {up, NULL};

    if (take(s, ']')) return 1;
    do {
        if (!value(s, &here)) return 0;
    } while (take(s, ','));
    return take(s, ']');
}

static int nested(scan_t *s, const frame_t *up, int (*fn)(scan_t *, const frame_t *))
{
    int ok;

    if (s->depth == s->depth_max) return 0;
    s->p++;
    s->depth++;
    ok = fn(s, up);
    s->depth--;
    return ok;
}

static int value(scan_t *s, const frame_t *up)
{
    space(s);
    if (s->p == s->end) return 0;
    switch (*s->p) {
    case '{':
        return nested(s, up, object);
    case '[':
        return nested(s, up, array);
    case '"':
        s->p++;
        return string(s, NULL);
    case 't':
        return word(s, "true");
    case 'f':
        return word(s, "false");
    case 'n':
        return word(s, "null");
    default:
        return number(s);
    }
}

apr_status_t tds_json_scan(tds_json_scan_t *scan, const char *bytes, apr_size_t len, int depth_max,
                           apr_pool_t *pool)
{
    scan_t s = {
        .start = bytes, .p = bytes, .end = bytes + len, .depth_max = depth_max, .pool = pool};

    scan->duplicates = scan->neutral = NULL;
    if (!value(&s, NULL)) return APR_EINVAL;
    space(&s);
    if (s.p != s.end) return APR_EINVAL;
    scan->duplicates = s.list;
    scan->neutral = s.neutral;
    return APR_SUCCESS;
}

int tds_json_depth(const json_t *v, int limit)
{
    int deepest = 0, n;
    apr_size_t i;

    if (!json_is_object(v) && !json_is_array(v)) return 0;
    if (limit <= 0) return 1;
    if (json_is_array(v)) {
        for (i = 0; i < json_array_size(v); ++i)
            if ((n = tds_json_depth(json_array_get(v, i), limit - 1)) > deepest) deepest = n;
    }
    else {
        void *it = json_object_iter((json_t *)v);

        for (; it; it = json_object_iter_next((json_t *)v, it))
            if ((n = tds_json_depth(json_object_iter_value(it), limit - 1)) > deepest) deepest = n;
    }
    return deepest + 1;
}
