#include "acs_metrics.h"

const tds_metric_row_t acs_metric_rows[ACS_M_COUNT] = {
#define C(id, name, labels, help) [ACS_M_##id] = {name, labels, help},
#include "acs_metrics.def"
#undef C
};
