/* Inside of the template engine. */
#ifndef TDS_TMPL_INT_H
#define TDS_TMPL_INT_H

#include <apr_tables.h>
#include "tds_tmpl.h"

#define TMPL_PROGS_MAX 128 /* programs in one compiled template */
#define TMPL_NAME_MAX  128

typedef enum { OP_TEXT, OP_VAR, OP_RAW, OP_SECTION, OP_INVERTED, OP_PARTIAL, OP_PARENT, OP_BLOCK } tmpl_opcode_e;

typedef struct tmpl_prog_t tmpl_prog_t;

typedef struct tmpl_op_t {
    tmpl_opcode_e op;
    int line_start;      /* TEXT: indentation of the partial goes before it */
    int standalone;      /* PARTIAL, PARENT: text is its indentation and the caller's stays */
    int end;             /* SECTION, INVERTED, PARENT, BLOCK: index behind the last op inside */
    const char *text;    /* TEXT: the text; PARTIAL, PARENT: indentation */
    apr_size_t len;
    const char *name;    /* the whole name; BLOCK: its name */
    const char **parts;  /* name cut at the dots, ended by NULL; no parts: "." */
    tmpl_prog_t *target; /* PARTIAL, PARENT; NULL: missing partial */
} tmpl_op_t;

struct tmpl_prog_t {
    const char *name;
    int lines;               /* text is cut into lines, so that it can be indented */
    apr_array_header_t *ops; /* of tmpl_op_t */
};

struct tds_tmpl_t {
    tmpl_prog_t *root;
    apr_size_t out_max;
};

/* Where in an HTML page we are; see tds_tmpl_html.c. */
typedef enum { HTML_TEXT, HTML_TAG, HTML_DQ, HTML_SQ, HTML_COMMENT, HTML_RAW } tmpl_html_e;

typedef struct tmpl_html_t {
    tmpl_html_e state;
    char tag[8];      /* name of the element whose tag we are in, cut */
    apr_size_t taglen;
    int naming;       /* still reading the tag's name */
    char tail[8];     /* the last characters seen */
} tmpl_html_t;

/* Follow literal text. */
void tmpl_html_feed(tmpl_html_t *html, const char *text, apr_size_t len);

/* NULL when a value may stand here, else the name of the place. */
const char *tmpl_html_refuse(const tmpl_html_t *html);

typedef struct tmpl_compiler_t {
    apr_pool_t *pool;
    tds_tmpl_set_t *set;
    const tds_tmpl_opts_t *opts;
    apr_array_header_t *progs; /* of tmpl_prog_t * */
    tds_err_t *err;
} tmpl_compiler_t;

/* Find or compile a program. section: the section the call stands in, for the check of names. */
apr_status_t tmpl_prog_get(tmpl_prog_t **pprog, tmpl_compiler_t *c, const char *name, int lines,
                           const char *section);

/* Compile text into prog. */
apr_status_t tmpl_parse(tmpl_prog_t *prog, tmpl_compiler_t *c, const char *text, apr_size_t len,
                        const char *section);

/* The text of a template; APR_ENOENT when there is none. */
apr_status_t tmpl_set_find(const char **ptext, apr_size_t *plen, const tds_tmpl_set_t *set, const char *name,
                           apr_pool_t *pool, tds_err_t *err);

/* The escaped form of a character, or NULL when it stands for itself. */
const char *tmpl_escape(char c);

#endif
