/* A coarse look at HTML: enough to know whether a value stands where escaping & < > " ' protects. */
#include <string.h>
#include <apr_lib.h>
#include "tds_tmpl_int.h"

static void tail_push(tmpl_html_t *html, char c)
{
    memmove(html->tail, html->tail + 1, sizeof html->tail - 1);
    html->tail[sizeof html->tail - 1] = (char)apr_tolower(c);
}

static int tail_is(const tmpl_html_t *html, const char *word)
{
    apr_size_t n = strlen(word);

    return n <= sizeof html->tail && !memcmp(html->tail + sizeof html->tail - n, word, n);
}

static int tag_is(const tmpl_html_t *html, const char *name)
{
    return html->taglen == strlen(name) && !memcmp(html->tag, name, html->taglen);
}

static void in_text(tmpl_html_t *html, char c)
{
    if (c != '<') return;
    html->state = HTML_TAG;
    html->naming = 1;
    html->taglen = 0;
}

static void in_tag(tmpl_html_t *html, char c)
{
    if (html->naming && tail_is(html, "<!--")) {
        html->state = HTML_COMMENT;
    }
    else if (c == '>') {
        html->state = tag_is(html, "script") || tag_is(html, "style") ? HTML_RAW : HTML_TEXT;
    }
    else if (c == '"' || c == '\'') {
        html->naming = 0;
        html->state = c == '"' ? HTML_DQ : HTML_SQ;
    }
    else if (apr_isspace(c)) {
        html->naming = 0;
    }
    else if (html->naming && html->taglen < sizeof html->tag) {
        html->tag[html->taglen++] = (char)apr_tolower(c);
    }
}

void tmpl_html_feed(tmpl_html_t *html, const char *text, apr_size_t len)
{
    apr_size_t i;

    for (i = 0; i < len; i++) {
        char c = text[i];

        tail_push(html, c);
        switch (html->state) {
        case HTML_TEXT: in_text(html, c); break;
        case HTML_TAG: in_tag(html, c); break;
        case HTML_DQ: if (c == '"') html->state = HTML_TAG; break;
        case HTML_SQ: if (c == '\'') html->state = HTML_TAG; break;
        case HTML_COMMENT: if (tail_is(html, "-->")) html->state = HTML_TEXT; break;
        case HTML_RAW:
            if (tail_is(html, tag_is(html, "script") ? "/script>" : "/style>")) html->state = HTML_TEXT;
            break;
        }
    }
}

const char *tmpl_html_refuse(const tmpl_html_t *html)
{
    switch (html->state) {
    case HTML_TAG: return "a tag outside quotes";
    case HTML_COMMENT: return "an HTML comment";
    case HTML_RAW: return "a script or style";
    default: return NULL;
    }
}

const char *tmpl_escape(char c)
{
    switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return NULL;
    }
}
