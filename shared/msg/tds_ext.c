#include "tds_msg_int.h"

/* Message extensions (A-AREQ-13): ids differ, and what is critical must be known. */

static int known(const tds_msg_rules_t *rules, const char *id)
{
    const char *const *p = rules->extensions;

    for (; p && *p; ++p)
        if (!strcmp(*p, id)) return 1;
    return 0;
}

void tds_ext_check(tds_ctx_t *ctx, const json_t *array, const tds_path_t *path)
{
    const tds_path_t at_id = {path, TDS_E_ID};
    apr_size_t n = json_array_size(array), i, j;

    for (i = 0; i < n; ++i) {
        const json_t *item = json_array_get(array, i);
        const char *id = tds_json_get(item, "id");

        for (j = 0; j < i; ++j)
            if (!strcmp(id, tds_json_get(json_array_get(array, j), "id"))) {
                tds_report(ctx, 203, &at_id);
                return;
            }
        if (json_is_true(json_object_get(item, "criticalityIndicator")) && !known(ctx->rules, id))
            tds_report_text(ctx, 202, TDS_E_MESSAGE_EXTENSION, id);
    }
}
