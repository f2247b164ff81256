#include "tds_json_push.h"

#include <string.h>

#define PART 4096 /* bytes of a text that is put together out of pieces */

/* What may come next between tokens. */
typedef enum want_e {
    WANT_ROOT,
    WANT_VALUE,
    WANT_VALUE_OR_END, /* behind [ */
    WANT_NAME,
    WANT_NAME_OR_END, /* behind { */
    WANT_COLON,
    WANT_COMMA_OR_END,
    WANT_NOTHING
} want_e;

/* Within which token we are. */
typedef enum lex_e { LEX_BOM, LEX_NONE, LEX_STRING, LEX_UTF8, LEX_ESCAPE, LEX_HEX, LEX_NUMBER, LEX_WORD } lex_e;

/* Within which part of a number. */
typedef enum num_e { NUM_MINUS, NUM_ZERO, NUM_INT, NUM_DOT, NUM_FRACTION, NUM_E, NUM_SIGN, NUM_EXPONENT } num_e;

struct tds_json_push_t {
    tds_json_event_fn *fn;
    void *baton;
    apr_status_t rv; /* of the fault that ended it */
    want_e want;
    lex_e lex;
    int depth, depth_max;
    char *open;            /* '{' or '[' by depth */
    tds_json_event_e text; /* the event the text at hand belongs to */
    num_e num;
    const char *word; /* what is left of true, false, null */
    tds_json_event_e word_event;
    unsigned char utf8[4]; /* a character cut in two, or the BOM so far */
    int utf8_have, utf8_need;
    int hex, hex_left; /* of \uXXXX */
    int high;          /* the first half of a surrogate pair, or 0 */
    apr_size_t len;
    char buf[PART];
};

tds_json_push_t *tds_json_push_make(int depth_max, tds_json_event_fn *fn, void *baton, apr_pool_t *pool)
{
    tds_json_push_t *s = apr_pcalloc(pool, sizeof(*s));

    s->fn = fn;
    s->baton = baton;
    s->depth_max = depth_max;
    s->open = apr_pcalloc(pool, (apr_size_t)depth_max + 1);
    s->lex = LEX_BOM;
    return s;
}

static apr_status_t tell(tds_json_push_t *s, tds_json_event_e event)
{
    return s->fn(s->baton, event, "", 0, 1);
}

/* ---- text -------------------------------------------------------------- */

static apr_status_t flush(tds_json_push_t *s, int last)
{
    apr_size_t len = s->len;

    s->len = 0;
    return len || last ? s->fn(s->baton, s->text, s->buf, len, last) : APR_SUCCESS;
}

/* Whole characters for the text at hand. */
static apr_status_t add(tds_json_push_t *s, const char *p, apr_size_t len)
{
    apr_status_t rv;

    if (!len) return APR_SUCCESS;
    if (len > PART - s->len) {
        if ((rv = flush(s, 0)) != APR_SUCCESS) return rv;
        if (len > PART) return s->fn(s->baton, s->text, p, len, 0);
    }
    memcpy(s->buf + s->len, p, len);
    s->len += len;
    return APR_SUCCESS;
}

/* Bytes of the character that begins with a; 0: none does. */
static int utf8_need(unsigned char a)
{
    if (a < 0x80) return 1;
    if (a < 0xc2 || a > 0xf4) return 0;
    return a < 0xe0 ? 2 : a < 0xf0 ? 3 : 4;
}

/* May b be byte number n of the character that begins with a? */
static int utf8_next(unsigned char a, int n, unsigned char b)
{
    if ((b & 0xc0) != 0x80) return 0;
    if (n > 1) return 1;
    if (a == 0xe0) return b >= 0xa0;
    if (a == 0xed) return b <= 0x9f;
    if (a == 0xf0) return b >= 0x90;
    return a != 0xf4 || b <= 0x8f;
}

static int utf8_make(char *out, int cp)
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xc0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 63));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xe0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 63));
        out[2] = (char)(0x80 | (cp & 63));
        return 3;
    }
    out[0] = (char)(0xf0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 63));
    out[2] = (char)(0x80 | (cp >> 6 & 63));
    out[3] = (char)(0x80 | (cp & 63));
    return 4;
}

static apr_status_t add_code_point(tds_json_push_t *s, int cp)
{
    char utf8[4];

    if (!cp && s->text == TDS_JSON_NAME) return APR_EINVAL;
    return add(s, utf8, (apr_size_t)utf8_make(utf8, cp));
}

/* The closing quote: want goes on behind a name or a value. */
static void text_over(tds_json_push_t *s)
{
    s->lex = LEX_NONE;
    s->want = s->text == TDS_JSON_NAME ? WANT_COLON : WANT_COMMA_OR_END;
}

/* Plain characters up to a quote, a backslash or the end of the chunk; in *pp what was not taken. */
static apr_status_t string(tds_json_push_t *s, const char **pp, const char *end)
{
    const char *from = *pp, *p = from;
    apr_status_t rv;
    int i, need;

    while (p < end && *p != '"' && *p != '\\') {
        unsigned char a = (unsigned char)*p;

        if (a >= 0x20 && a < 0x80) {
            ++p;
            continue;
        }
        if (a < 0x20 || !(need = utf8_need(a))) return APR_EINVAL;
        for (i = 1; i < need && p + i < end; ++i)
            if (!utf8_next(a, i, (unsigned char)p[i])) return APR_EINVAL;
        if (i < need) break; /* goes on in the next chunk */
        p += need;
    }
    *pp = p;
    if (p < end && *p == '"') {
        *pp = p + 1;
        text_over(s);
        if (!s->len) return s->fn(s->baton, s->text, from, (apr_size_t)(p - from), 1);
        if ((rv = add(s, from, (apr_size_t)(p - from))) != APR_SUCCESS) return rv;
        return flush(s, 1);
    }
    if ((rv = add(s, from, (apr_size_t)(p - from))) != APR_SUCCESS || p == end) return rv;
    if (*p == '\\') {
        *pp = p + 1;
        s->lex = LEX_ESCAPE;
        return APR_SUCCESS;
    }
    s->utf8_have = 0;
    s->utf8_need = utf8_need((unsigned char)*p);
    s->lex = LEX_UTF8;
    return APR_SUCCESS;
}

static apr_status_t utf8(tds_json_push_t *s, unsigned char c)
{
    if (s->utf8_have && !utf8_next(s->utf8[0], s->utf8_have, c)) return APR_EINVAL;
    s->utf8[s->utf8_have++] = c;
    if (s->utf8_have < s->utf8_need) return APR_SUCCESS;
    s->lex = LEX_STRING;
    return add(s, (const char *)s->utf8, (apr_size_t)s->utf8_have);
}

static apr_status_t escape(tds_json_push_t *s, char c)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *q;

    if (c == 'u') {
        s->lex = LEX_HEX;
        s->hex = 0;
        s->hex_left = 4;
        return APR_SUCCESS;
    }
    if (s->high || !c || !(q = strchr(from, c))) return APR_EINVAL;
    s->lex = LEX_STRING;
    return add_code_point(s, to[q - from]);
}

static apr_status_t hex(tds_json_push_t *s, char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *q = c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;
    int high = s->high;

    if (!q) return APR_EINVAL;
    s->hex = s->hex * 16 + (int)(q - digits);
    if (--s->hex_left) return APR_SUCCESS;
    s->lex = LEX_STRING;
    if (high) {
        if (s->hex < 0xdc00 || s->hex > 0xdfff) return APR_EINVAL;
        s->high = 0;
        return add_code_point(s, 0x10000 + ((high - 0xd800) << 10) + (s->hex - 0xdc00));
    }
    if (s->hex >= 0xd800 && s->hex <= 0xdbff) {
        s->high = s->hex;
        return APR_SUCCESS;
    }
    return s->hex >= 0xdc00 && s->hex <= 0xdfff ? APR_EINVAL : add_code_point(s, s->hex);
}

/* ---- numbers and words ------------------------------------------------- */

/* The part of the number behind num when c follows; -1: c is not in the number. */
static int num_step(num_e num, char c)
{
    int digit = c >= '0' && c <= '9', e = c == 'e' || c == 'E';

    switch (num) {
    case NUM_MINUS:
        return c == '0' ? NUM_ZERO : digit ? NUM_INT : -1;
    case NUM_ZERO:
        return c == '.' ? NUM_DOT : e ? NUM_E : -1;
    case NUM_INT:
        return digit ? NUM_INT : c == '.' ? NUM_DOT : e ? NUM_E : -1;
    case NUM_DOT:
        return digit ? NUM_FRACTION : -1;
    case NUM_FRACTION:
        return digit ? NUM_FRACTION : e ? NUM_E : -1;
    case NUM_E:
        return c == '+' || c == '-' ? NUM_SIGN : digit ? NUM_EXPONENT : -1;
    default:
        return digit ? NUM_EXPONENT : -1;
    }
}

static int num_complete(num_e num)
{
    return num == NUM_ZERO || num == NUM_INT || num == NUM_FRACTION || num == NUM_EXPONENT;
}

static apr_status_t number(tds_json_push_t *s, const char **pp, const char *end)
{
    const char *from = *pp, *p = from;
    apr_status_t rv;
    int next = 0;

    for (; p < end && (next = num_step(s->num, *p)) >= 0; ++p) s->num = (num_e)next;
    *pp = p;
    if ((rv = add(s, from, (apr_size_t)(p - from))) != APR_SUCCESS || p == end) return rv;
    if (!num_complete(s->num)) return APR_EINVAL;
    text_over(s);
    return flush(s, 1);
}

static apr_status_t word(tds_json_push_t *s, char c)
{
    if (*s->word != c) return APR_EINVAL;
    if (*++s->word) return APR_SUCCESS;
    s->lex = LEX_NONE;
    s->want = WANT_COMMA_OR_END;
    return tell(s, s->word_event);
}

/* ---- between tokens ---------------------------------------------------- */

static apr_status_t begin(tds_json_push_t *s, char c)
{
    if (s->depth == s->depth_max) return APR_EINVAL;
    s->open[s->depth++] = c;
    s->want = c == '{' ? WANT_NAME_OR_END : WANT_VALUE_OR_END;
    return tell(s, c == '{' ? TDS_JSON_OBJECT : TDS_JSON_ARRAY);
}

static apr_status_t finish(tds_json_push_t *s, char c)
{
    if (s->open[s->depth - 1] != (c == '}' ? '{' : '[')) return APR_EINVAL;
    --s->depth;
    s->want = s->depth ? WANT_COMMA_OR_END : WANT_NOTHING;
    return tell(s, c == '}' ? TDS_JSON_OBJECT_END : TDS_JSON_ARRAY_END);
}

static apr_status_t begin_text(tds_json_push_t *s, tds_json_event_e event, lex_e lex)
{
    s->text = event;
    s->lex = lex;
    s->len = 0;
    return APR_SUCCESS;
}

static apr_status_t begin_word(tds_json_push_t *s, const char *rest, tds_json_event_e event)
{
    s->lex = LEX_WORD;
    s->word = rest;
    s->word_event = event;
    return APR_SUCCESS;
}

static apr_status_t value(tds_json_push_t *s, char c)
{
    switch (c) {
    case '{':
    case '[':
        return begin(s, c);
    case '"':
        return begin_text(s, TDS_JSON_STRING, LEX_STRING);
    case 't':
        return begin_word(s, "rue", TDS_JSON_TRUE);
    case 'f':
        return begin_word(s, "alse", TDS_JSON_FALSE);
    case 'n':
        return begin_word(s, "ull", TDS_JSON_NULL);
    default:
        if (c != '-' && (c < '0' || c > '9')) return APR_EINVAL;
        begin_text(s, TDS_JSON_NUMBER, LEX_NUMBER);
        s->num = c == '-' ? NUM_MINUS : c == '0' ? NUM_ZERO : NUM_INT;
        return add(s, &c, 1);
    }
}

static apr_status_t between(tds_json_push_t *s, char c)
{
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') return APR_SUCCESS;
    switch (s->want) {
    case WANT_ROOT:
        return c == '{' || c == '[' ? begin(s, c) : APR_EINVAL;
    case WANT_VALUE_OR_END:
        return c == ']' ? finish(s, c) : value(s, c);
    case WANT_VALUE:
        return value(s, c);
    case WANT_NAME_OR_END:
        if (c == '}') return finish(s, c);
        /* fall through */
    case WANT_NAME:
        return c == '"' ? begin_text(s, TDS_JSON_NAME, LEX_STRING) : APR_EINVAL;
    case WANT_COLON:
        s->want = WANT_VALUE;
        return c == ':' ? APR_SUCCESS : APR_EINVAL;
    case WANT_COMMA_OR_END:
        if (c != ',') return c == '}' || c == ']' ? finish(s, c) : APR_EINVAL;
        s->want = s->open[s->depth - 1] == '{' ? WANT_NAME : WANT_VALUE;
        return APR_SUCCESS;
    default:
        return APR_EINVAL;
    }
}

/* At the very beginning. */
static apr_status_t bom(tds_json_push_t *s, const char **pp)
{
    static const unsigned char mark[3] = {0xef, 0xbb, 0xbf};
    unsigned char c = (unsigned char)**pp;

    if (c == mark[s->utf8_have]) {
        ++*pp;
        if (++s->utf8_have == 3) s->lex = LEX_NONE;
        return APR_SUCCESS;
    }
    if (s->utf8_have) return APR_EINVAL;
    s->lex = LEX_NONE;
    return APR_SUCCESS;
}

static apr_status_t step(tds_json_push_t *s, const char **pp, const char *end)
{
    if (s->high && s->lex == LEX_STRING && **pp != '\\') return APR_EINVAL;
    switch (s->lex) {
    case LEX_BOM:
        return bom(s, pp);
    case LEX_NONE:
        return between(s, *(*pp)++);
    case LEX_STRING:
        return string(s, pp, end);
    case LEX_UTF8:
        return utf8(s, (unsigned char)*(*pp)++);
    case LEX_ESCAPE:
        return escape(s, *(*pp)++);
    case LEX_HEX:
        return hex(s, *(*pp)++);
    case LEX_NUMBER:
        return number(s, pp, end);
    default:
        return word(s, *(*pp)++);
    }
}

apr_status_t tds_json_push_feed(tds_json_push_t *s, const char *bytes, apr_size_t len)
{
    const char *p = bytes, *end = bytes + len;

    while (p < end && s->rv == APR_SUCCESS) s->rv = step(s, &p, end);
    return s->rv;
}

apr_status_t tds_json_push_end(tds_json_push_t *s)
{
    if (s->rv == APR_SUCCESS && (s->want != WANT_NOTHING || s->lex != LEX_NONE)) s->rv = APR_EINVAL;
    return s->rv;
}
