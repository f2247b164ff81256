/* The decision: facts in, outcome out. No I/O, no clock. */
#include <string.h>
#include "tds_view.h"
#include "acs_run.h"

static int is(const tds_msg_t *areq, tds_elem_e elem, const char *value)
{
    const char *have = tds_msg_get(areq, elem);

    return have && !strcmp(have, value);
}

/* What the protocol forbids this outcome (section 2.3), else NULL. */
static const acs_outcome_t *instead_of(const acs_outcome_t *want, const acs_facts_t *facts)
{
    static const acs_outcome_t no_challenge = {"N", "15"}, unusable = {"U", "22"}, no_3ri = {"N", "21"},
                               no_device = {"U", "03"};
    static const char *const data_share[] = {"06", NULL}, *const informational[] = {"05", "06", "07", NULL};

    if (!strcmp(want->trans_status, "C")) {
        if (is(facts->areq, TDS_E_DEVICE_CHANNEL, "03")) return &no_3ri;
        if (tds_view_asks(facts->areq, data_share)) return &no_challenge;
        if (!is(facts->areq, TDS_E_DEVICE_CHANNEL, "02")) return &no_device; /* A-AREQ-31: no challenge in an app */
        if (!facts->ds_url) return &unusable;
    }
    if (!strcmp(want->trans_status, "I") && !tds_view_asks(facts->areq, informational)) return &unusable;
    return NULL;
}

/* A-AREQ-15: the card itself may settle it. */
static const acs_outcome_t *by_card(const acs_card_t *card)
{
    static const acs_outcome_t unknown = {"N", "08"}, not_enrolled = {"U", "13"}, blocked = {"R", "12"};

    if (card->status == ACS_CARD_UNKNOWN) return &unknown;
    if (card->status == ACS_CARD_NOT_ENROLLED) return &not_enrolled;
    return card->status == ACS_CARD_BLOCKED ? &blocked : NULL;
}

acs_outcome_t acs_decide(acs_run_t *run, const acs_facts_t *facts)
{
    static const acs_outcome_t no_rule = {"U", "22"};
    const acs_outcome_t *want = by_card(&facts->card), *other;

    if (!want) {
        const acs_rule_t *rule = run->match(run->baton, facts, run->pool);
        want = rule ? rule->outcome : &no_rule;
    }
    other = instead_of(want, facts);
    return other ? *other : *want;
}
