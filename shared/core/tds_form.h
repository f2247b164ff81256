/* HTML forms and queries: application/x-www-form-urlencoded as the WHATWG URL standard parses it. */
#ifndef TDS_FORM_H
#define TDS_FORM_H

#include <apr.h>

/* A field that is asked for by name, and what there was of it. */
typedef struct tds_field_t {
    const char *name;
    const char *value; /* the first one; NULL: there is none */
    apr_size_t len;    /* of value, which may hold NUL bytes */
    int count;         /* how often the form has it */
} tds_field_t;

#define TDS_FIELD(text) {.name = (text)}

/* Read the fields asked for out of a body, which is decoded in place; body[len] is writable. Nothing is malformed: a field
 * without "=" has an empty value, a "%" that begins no escape stands for itself, a field that nobody asked for is ignored. */
void tds_form_read(char *body, apr_size_t len, tds_field_t *fields, int n);

/* The field's value; NULL when it is absent, there more than once, or holds a NUL byte. */
const char *tds_form_value(const tds_field_t *field);

/* The same, but of several the first one. */
const char *tds_form_first(const tds_field_t *field);

#endif
