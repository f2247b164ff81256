#include "acs_scan.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <apr_strings.h>
#include "acs_log.h"

#define SLACK     apr_time_from_sec(5)
#define BEGIN     "{\"time\":\"" /* of a line; in a text of one its quotes are escaped */
#define TIME_AT   (sizeof BEGIN - 1)
#define PIECE     (64 * 1024)
#define BYTES_MAX ((off_t)256 * 1024 * 1024) /* looked through for one page */

/* Reads a file line by line; only whole lines. */
typedef struct reader_t {
    int fd;
    off_t at, end; /* of the next byte to be read into buf; where to stop */
    char *buf;
    apr_size_t from, to;
} reader_t;

static int refill(reader_t *in)
{
    apr_size_t room, want;
    ssize_t n;

    memmove(in->buf, in->buf + in->from, in->to - in->from);
    in->to -= in->from;
    in->from = 0;
    room = PIECE - in->to;
    want = in->end - in->at < (off_t)room ? (apr_size_t)(in->end - in->at) : room;
    n = want ? pread(in->fd, in->buf + in->to, want, in->at) : 0;
    if (n <= 0) return 0;
    in->at += n;
    in->to += (apr_size_t)n;
    return 1;
}

/* The next line, without its newline and NUL-terminated in place; NULL: no more. A line longer than a piece is no line of
 * ours: the rest of the file is not read. */
static char *next_line(reader_t *in, apr_size_t *len)
{
    char *line, *nl;

    while (!(nl = memchr(in->buf + in->from, '\n', in->to - in->from)))
        if (!refill(in)) return NULL;
    line = in->buf + in->from;
    *len = (apr_size_t)(nl - line);
    *nl = '\0';
    in->from += *len + 1;
    return line;
}

/* 0: not a line of ours. */
static apr_time_t time_of(const char *line, apr_size_t len)
{
    char text[ACS_LOG_TIME_LEN + 1];

    if (len < TIME_AT + ACS_LOG_TIME_LEN || strncmp(line, BEGIN, TIME_AT)) return 0;
    apr_cpystrn(text, line + TIME_AT, sizeof text);
    return acs_log_time_read(text);
}

/* An offset before which no line can be from t or later: halving, then on from the last place that is too early. */
static off_t seek(const acs_scan_t *x, off_t size, apr_time_t t)
{
    off_t low = 0, high = size;

    while (high - low > PIECE) {
        off_t middle = low + (high - low) / 2;
        apr_time_t at = 0;
        reader_t in = {.fd = x->fd, .at = middle, .end = size, .buf = x->buf};
        apr_size_t len;
        char *line;

        (void)next_line(&in, &len); /* the rest of some line */
        while (!at && (line = next_line(&in, &len))) at = time_of(line, len);
        if (at && at < t - SLACK) low = middle;
        else high = middle;
    }
    return low;
}

/* A line that a full disk has cut off has the next one, of whatever issuer, behind it: that one alone is whole. */
static char *whole(char *line, apr_size_t *len)
{
    char *at = line, *last = line;

    while ((at = strstr(at + 1, BEGIN))) last = at;
    *len -= (apr_size_t)(last - line);
    return last;
}

static int wanted(const acs_scan_t *x, const char *line, apr_time_t t)
{
    return t >= x->from && t < x->to && strstr(line, x->mark) != NULL;
}

/* Once to know what is left out, once to send. */
static void pass(acs_scan_t *x, int sending, off_t at, off_t end)
{
    reader_t in = {.fd = x->fd, .at = at, .end = end, .buf = x->buf};
    apr_size_t len;
    char *line;

    x->sent = 0;
    if (at) (void)next_line(&in, &len);
    while ((line = next_line(&in, &len))) {
        apr_time_t t;

        if (len) line = whole(line, &len);
        if ((t = time_of(line, len))) x->last = t;
        if (t >= x->to + SLACK || (x->next && t >= x->next + SLACK)) return;
        if (!wanted(x, line, t)) continue;
        if (x->sent >= x->limit) {
            if (sending) return;
            if (!x->next || t < x->next) x->next = t;
            continue;
        }
        ++x->sent;
        if (!sending) continue;
        line[len] = '\n';
        if (x->put(x->baton, line, len + 1)) return;
    }
}

apr_status_t acs_scan_begin(acs_scan_t *x, apr_pool_t *pool)
{
    struct stat st;

    if (fstat(x->fd, &st)) return APR_FROM_OS_ERROR(errno);
    x->buf = apr_palloc(pool, PIECE);
    x->at = seek(x, st.st_size, x->from);
    x->end = st.st_size - x->at > BYTES_MAX ? x->at + BYTES_MAX : st.st_size;
    x->next = x->last = 0;
    pass(x, 0, x->at, x->end);
    if (!x->next && x->end < st.st_size && x->last && x->last < x->to) x->next = x->last - SLACK;
    return APR_SUCCESS;
}

void acs_scan_send(acs_scan_t *x)
{
    pass(x, 1, x->at, x->end);
}
