/* Any bytes as a flow-log text file, plain or gzip: header and records are read or refused. */
#include <stdio.h>
#include <unistd.h>

#include "base/arena.h"
#include "column/text.h"
#include "pipeline/flow_field.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[64];
    static const str required[] = { STR_INIT("srcaddr") };
    AUTO(text_scan_close) text_scan *scan = NULL;
    error err = { 0 };
    snprintf(path, sizeof path, "/tmp/floe-fuzz-%d.log", (int)getpid());
    FILE *f = fopen(path, "w");
    if (!f)
        return 0;
    fwrite(data, 1, size, f);
    fclose(f);
    text_options options = { .columns = flow_field_columns(),
                             .column_count = flow_field_count,
                             .delimiter = ' ',
                             .passes_bad_lines = size % 2,
                             .bare_header = STR(FLOW_DEFAULT_HEADER),
                             .null_text = STR("-"),
                             .required = required,
                             .required_count = 1,
                             .known_as = "flow-log field" };
    str paths[] = { str_of(path) };
    if (text_scan_open(NULL, &options, paths, 1, &scan, &err))
        text_scan_check(scan);
    unlink(path);
    return 0;
}
