#include "tds_msg_int.h"

#include <apr_strings.h>

/* Protocol versions: their texts, and sets of them. Their order is that of the enumeration (F-VER-04: by number, never by
 * text). */

static const char *const ver_texts[TDS_V_COUNT] = {"", "2.1.0", "2.2.0", "2.3.1"};

const char *tds_ver_text(tds_ver_e version)
{
    return version > TDS_V_NONE && version < TDS_V_COUNT ? ver_texts[version] : "";
}

tds_ver_e tds_ver_parse(const char *text)
{
    int i;

    for (i = TDS_V_NONE + 1; i < TDS_V_COUNT; ++i)
        if (!strcmp(text, ver_texts[i])) return (tds_ver_e)i;
    return TDS_V_NONE;
}

tds_ver_e tds_ver_highest(unsigned versions)
{
    int i;

    for (i = TDS_V_COUNT - 1; i > TDS_V_NONE; --i)
        if (!versions || (versions & TDS_VER_BIT(i))) return (tds_ver_e)i;
    return TDS_V_NONE;
}

const char *tds_versions_text(unsigned versions, apr_pool_t *pool)
{
    const char *list = "";
    int i;

    for (i = TDS_V_NONE + 1; i < TDS_V_COUNT; ++i)
        if (!versions || (versions & TDS_VER_BIT(i)))
            list = apr_pstrcat(pool, list, *list ? "," : "", ver_texts[i], NULL);
    return list;
}

/* "2.2.0" or "2.1.0-2.2.0". 0: not that. */
static unsigned span(const char *word, apr_pool_t *pool)
{
    const char *dash = strchr(word, '-');
    tds_ver_e from = tds_ver_parse(dash ? apr_pstrmemdup(pool, word, (apr_size_t)(dash - word)) : word);
    tds_ver_e to = dash ? tds_ver_parse(dash + 1) : from;
    unsigned mask = 0;
    int v;

    for (v = from; from && v <= (int)to; ++v) mask |= TDS_VER_BIT(v);
    return mask;
}

unsigned tds_versions_parse(const char *text, const char **bad, apr_pool_t *pool)
{
    unsigned versions = 0, more;
    char *save, *word;

    *bad = "";
    for (word = apr_strtok(apr_pstrdup(pool, text), ", ", &save); word; word = apr_strtok(NULL, ", ", &save)) {
        if (!(more = span(word, pool))) {
            *bad = word;
            return 0;
        }
        versions |= more;
    }
    return versions;
}
