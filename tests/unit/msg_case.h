/* The context of a case, as tests/golden/ and derived cases write it. Each program that includes this is one test. */
#ifndef MSG_CASE_H
#define MSG_CASE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <apr_general.h>
#include <apr_strings.h>
#include "tds_msg.h"

#define PRIOR_MAX 32

typedef struct case_t {
    apr_pool_t *pool;
    const char *dir;
    tds_msg_rules_t rules;
    tds_prior_t prior[PRIOR_MAX], match[PRIOR_MAX];
    int nmatch, match_code;
    const char *extensions[PRIOR_MAX];
    int nextensions;
    char *expect;
} case_t;

static int cases, failures;

static void complain(const case_t *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void complain(const case_t *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fprintf(stderr, "%s: %s\n", c->dir, apr_pvsprintf(c->pool, fmt, ap));
    va_end(ap);
    ++failures;
}

static unsigned bits(case_t *c, char *list, int (*find)(const char *))
{
    unsigned mask = 0;
    char *last, *word;

    for (word = apr_strtok(list, ",", &last); word; word = apr_strtok(NULL, ",", &last)) {
        if (!find(word)) complain(c, "context: %s?", word);
        mask |= 1u << find(word);
    }
    return mask;
}

static int find_type(const char *s)
{
    return (int)tds_msg_type_find(s);
}

static int find_version(const char *s)
{
    return (int)tds_ver_parse(s);
}

static tds_leg_e find_leg(case_t *c, const char *s)
{
    static const char *const legs[] = {"",
                                       "3DS Server->DS",
                                       "DS->ACS",
                                       "ACS->DS",
                                       "DS->3DS Server",
                                       "3DS Requestor->ACS",
                                       "ACS->3DS Requestor"};
    int i;

    for (i = 1; i < 7; ++i)
        if (!strcmp(s, legs[i])) return (tds_leg_e)i;
    complain(c, "context: leg %s?", s);
    return TDS_LEG_NONE;
}

static void set_prior(case_t *c, char *rest)
{
    char *value = strchr(rest, ' '), *dot = strchr(rest, '.');
    tds_prior_t *p = &c->prior[c->rules.nprior];

    *value++ = *dot++ = '\0';
    p->msg = tds_msg_type_find(rest);
    p->elem = tds_elem_find(dot, strlen(dot));
    p->value = value;
    if (!p->msg || !p->elem) complain(c, "context: %s.%s?", rest, dot);
    c->rules.prior = c->prior;
    c->rules.nprior++;
}

static void set_match(case_t *c, char *rest)
{
    char *last, *code = apr_strtok(rest, " ", &last), *name = apr_strtok(NULL, " ", &last);
    tds_prior_t *p = &c->match[c->nmatch++];

    c->match_code = (int)strtol(code, NULL, 10);
    p->elem = tds_elem_find(name, strlen(name));
    p->value = apr_strtok(NULL, " ", &last);
    if (!p->elem || !p->value) complain(c, "context: match %s?", name);
}

static unsigned find_flag(case_t *c, const char *s)
{
    if (!strcmp(s, "strict-condition")) return TDS_RULE_STRICT_CONDITION;
    if (!strcmp(s, "lax-absent")) return TDS_RULE_LAX_ABSENT;
    if (!strcmp(s, "lax-exponent")) return TDS_RULE_LAX_EXPONENT;
    complain(c, "context: flag %s?", s);
    return 0;
}

/* Of the values reserved for the DS. */
static int every_value(void *baton, const char *path, const char *value)
{
    return 1;
}

static int no_value(void *baton, const char *path, const char *value)
{
    return 0;
}

static void setting(case_t *c, char *line)
{
    char *rest = strchr(line, ' ');

    if (!rest) {
        complain(c, "context: %s?", line);
        return;
    }
    *rest++ = '\0';
    if (!strcmp(line, "accept"))
        c->rules.accept = bits(c, rest, find_type);
    else if (!strcmp(line, "versions"))
        c->rules.versions = bits(c, rest, find_version);
    else if (!strcmp(line, "must"))
        c->rules.version_must = tds_ver_parse(rest);
    else if (!strcmp(line, "leg"))
        c->rules.leg = find_leg(c, rest);
    else if (!strcmp(line, "prior"))
        set_prior(c, rest);
    else if (!strcmp(line, "match"))
        set_match(c, rest);
    else if (!strcmp(line, "flag") && !strcmp(rest, "ds-accept"))
        c->rules.ds_value = every_value;
    else if (!strcmp(line, "flag") && !strcmp(rest, "ds-refuse"))
        c->rules.ds_value = no_value;
    else if (!strcmp(line, "flag"))
        c->rules.flags |= find_flag(c, rest);
    else if (!strcmp(line, "extension"))
        c->extensions[c->nextensions++] = rest;
    else
        complain(c, "context: %s?", line);
    c->rules.extensions = c->extensions;
}

#endif
