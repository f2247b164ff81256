/* What is to be known before a transaction starts: the request, the card's range, where the browser may go back to. */
#include "srv_run.h"

#include <string.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include "tds_json.h"

static int says_json(const char *type)
{
    return !type || !strncasecmp(type, "application/json", 16);
}

apr_status_t srv_gather_json(srv_run_t *run, const char *body, apr_size_t len, const char *type, json_t **root, int *status)
{
    apr_status_t rv = tds_json_parse(root, body, len, run->pool, run->err);

    *status = 400;
    if (rv == APR_SUCCESS && json_is_object(*root)) return rv;
    if (rv == APR_SUCCESS) (void)TDS_FAIL(run->err, APR_BADARG, 101, NULL, "not a JSON object");
    if (run->err->proto == 101 && !says_json(type)) *status = 415;
    return APR_BADARG;
}

/* Letters and digits, and not a number in disguise: what somebody made up may be card data in the wrong place. */
static int looks_like_a_name(const char *name)
{
    int digits = 0;
    const char *s;

    for (s = name; apr_isalnum(*s); ++s) digits += apr_isdigit(*s) != 0;
    return !*s && s > name && s - name <= 64 && digits < 6;
}

const char *srv_add_name(const char *names, const char *name, apr_pool_t *pool)
{
    if (!looks_like_a_name(name)) name = "unknown";
    return names ? apr_pstrcat(pool, names, ",", name, NULL) : apr_pstrdup(pool, name);
}

static const char *const card_members[] = {"acctNumber", NULL};
static const char *const create_members[] = {"deviceChannel", "messageCategory", "acctNumber", "returnURL", NULL};

static int listed(const char *name, const char *const *names)
{
    for (; *names; ++names) {
        if (!strcmp(*names, name)) return 1;
    }
    return 0;
}

/* null and "" are no value. */
static int is_absent(const json_t *value)
{
    return !value || json_is_null(value) || (json_is_string(value) && !json_string_length(value));
}

/* First what is missing, then what nobody knows or is no text. */
static apr_status_t check_members(srv_run_t *run, const json_t *root, const char *const *names, int required)
{
    const char *missing = NULL, *bad = NULL, *name;
    json_t *value;
    int i;

    for (i = 0; i < required; ++i) {
        if (is_absent(json_object_get(root, names[i]))) missing = srv_add_name(missing, names[i], run->pool);
    }
    if (missing) return TDS_FAIL(run->err, APR_BADARG, 201, missing, "required element missing");
    json_object_foreach((json_t *)root, name, value) {
        if (!listed(name, names) || !json_is_string(value) || !json_string_length(value))
            bad = srv_add_name(bad, name, run->pool);
    }
    return bad ? TDS_FAIL(run->err, APR_BADARG, 203, bad, "not an element of this request, or not a text") : APR_SUCCESS;
}

static int is_pan(const char *text)
{
    apr_size_t len = strspn(text, "0123456789");

    return !text[len] && len >= 13 && len <= 19;
}

static apr_status_t find_range(srv_run_t *run, srv_facts_t *facts)
{
    srv_hit_t hit;

    if (!is_pan(facts->pan)) return TDS_FAIL(run->err, APR_BADARG, 203, "acctNumber", "not in the specified format");
    if (!srv_ranges_find(run->conf->ranges[run->requestor->environment], facts->pan, &hit)) {
        tds_metric_add(run->metrics, SRV_M_NOT_ENROLLED, 1);
        return TDS_FAIL(run->err, APR_ENOSTAT, 305, "acctNumber", "not enrolled: the account number is in no card range");
    }
    facts->ds = hit.ds;
    facts->versions = hit.versions & hit.ds->versions & run->conf->versions; /* S-21 */
    if (!facts->versions)
        return TDS_FAIL(run->err, APR_ENOSTAT, 102, NULL,
                        "the card, its Directory Server and this 3DS Server have no protocol version in common");
    return APR_SUCCESS;
}

apr_status_t srv_gather_card(srv_run_t *run, const json_t *root, srv_facts_t *facts)
{
    apr_status_t rv = check_members(run, root, card_members, 1);

    if (rv != APR_SUCCESS) return rv;
    facts->pan = tds_json_get(root, "acctNumber");
    return find_range(run, facts);
}

apr_status_t srv_gather(srv_run_t *run, const json_t *root, srv_facts_t *facts)
{
    const char *url = tds_json_get(root, "returnURL"), *bad = NULL;
    apr_status_t rv = check_members(run, root, create_members, 3);

    if (rv != APR_SUCCESS) return rv;
    facts->channel = tds_json_get(root, "deviceChannel");
    facts->category = tds_json_get(root, "messageCategory");
    facts->pan = tds_json_get(root, "acctNumber");
    facts->return_url = url ? srv_return_url(run->requestor, url, run->pool) : NULL;
    if (strcmp(facts->channel, "02")) bad = srv_add_name(bad, "deviceChannel", run->pool);
    if (strcmp(facts->category, "01")) bad = srv_add_name(bad, "messageCategory", run->pool);
    if (!is_pan(facts->pan)) bad = srv_add_name(bad, "acctNumber", run->pool);
    if (url && !facts->return_url) bad = srv_add_name(bad, "returnURL", run->pool);
    if (bad) return TDS_FAIL(run->err, APR_BADARG, 203, bad, "value not allowed");
    return find_range(run, facts);
}
