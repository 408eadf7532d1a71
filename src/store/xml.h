/* XML answers of AWS services, read as if hostile. */
#pragma once

#include "base/error.h"

/* Called at the end of each element with its own text (not that of its children; empty when it has
 * children). Names come without a namespace; `parent` is empty for the root. */
typedef bool (*xml_visit)(void *context, str parent, str name, str text, error *err);

/* ERR_CORRUPT names `what` (the server's answer, a URL) and the line. At most 16 levels, 64 KiB a
 * text, no DOCTYPE. Implemented over expat. */
NODISCARD bool xml_parse(str xml, str what, xml_visit visit, void *context, error *err);

/* The texts of the first elements with these names, wherever they stand; empty when absent. In `a`.
 */
NODISCARD bool xml_texts(arena *a, str xml, str what, const char *const *names, str *ret_texts,
                         size_t count, error *err);
