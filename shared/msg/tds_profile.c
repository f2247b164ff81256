#include "tds_profile.h"

#include <stdlib.h>
#include <string.h>
#include <apr_strings.h>
#include "tds_time.h"

#define CLOCK_OFF apr_time_from_sec(30 * 60)

typedef struct allowed_t {
    const char *path, *value;
} allowed_t;

const char *tds_profile_check(tds_profile_t *profile, const char *word, apr_pool_t *pool)
{
    static const struct {
        const char *name;
        unsigned flag;
        int when_on; /* the flag is set by + and not by - */
    } flags[] = {{"conditions", TDS_RULE_STRICT_CONDITION, 1}, {"absent", TDS_RULE_LAX_ABSENT, 0},
                 {"exponent", TDS_RULE_LAX_EXPONENT, 0}};
    int on = word[0] != '-';
    const char *name = word[0] == '-' || word[0] == '+' ? word + 1 : word;
    apr_size_t i;

    for (i = 0; i < sizeof flags / sizeof *flags; ++i) {
        if (strcmp(name, flags[i].name)) continue;
        profile->flags = on == flags[i].when_on ? profile->flags | flags[i].flag : profile->flags & ~flags[i].flag;
        return NULL;
    }
    if (!strcmp(name, "assigned")) profile->format_only = !on;
    else if (!strcmp(name, "clock")) profile->clock = on;
    else
        return apr_psprintf(pool, "there is no check '%s'; there are conditions, absent, exponent, assigned, clock", name);
    return NULL;
}

const char *tds_profile_value(tds_profile_t *profile, const char *path, const char *value, apr_pool_t *pool)
{
    int type;

    for (type = TDS_MSG_NONE + 1; type < TDS_MSG_COUNT; ++type) {
        if (tds_path_defined((tds_msg_e)type, path)) break;
    }
    if (type == TDS_MSG_COUNT) return apr_psprintf(pool, "no message has an element '%s'", path);
    if (!profile->values) profile->values = apr_array_make(pool, 4, sizeof(allowed_t));
    *(allowed_t *)apr_array_push(profile->values) = (allowed_t){.path = path, .value = value};
    return NULL;
}

void tds_profile_extension(tds_profile_t *profile, const char *id, apr_pool_t *pool)
{
    if (!profile->extensions) {
        profile->extensions = apr_array_make(pool, 4, sizeof(const char *));
        APR_ARRAY_PUSH(profile->extensions, const char *) = NULL;
    }
    APR_ARRAY_IDX(profile->extensions, profile->extensions->nelts - 1, const char *) = id;
    APR_ARRAY_PUSH(profile->extensions, const char *) = NULL;
}

static int steers(const char *path)
{
    return !strcmp(path, "deviceChannel") || !strcmp(path, "messageCategory") || !strcmp(path, "acsUiType");
}

static int ds_value(void *baton, const char *path, const char *value)
{
    const tds_profile_t *profile = baton;
    int i, closed = steers(path);

    for (i = 0; profile->values && i < profile->values->nelts; ++i) {
        const allowed_t *row = &APR_ARRAY_IDX(profile->values, i, allowed_t);

        if (strcmp(row->path, path)) continue;
        if (!strcmp(row->value, value)) return 1;
        closed = 1;
    }
    return !closed;
}

void tds_profile_apply(const tds_profile_t *profile, tds_msg_rules_t *rules)
{
    rules->flags |= profile->flags;
    rules->extensions = profile->extensions ? (const char *const *)(const void *)profile->extensions->elts : NULL;
    rules->ds_value = ds_value;
    rules->iso = profile->format_only ? NULL : tds_iso_assigned;
    rules->baton = (void *)profile;
}

int tds_profile_clock_good(const tds_msg_t *areq, apr_time_t now)
{
    const char *date = tds_msg_get(areq, TDS_E_PURCHASE_DATE);
    apr_time_t at = date && strlen(date) == 14 ? tds_time_read(date) : now;

    return at - now <= CLOCK_OFF && now - at <= CLOCK_OFF;
}
