/* Sections and settings of AWS's profile files. Source: AWS, "Configuration and credential file
 * settings". */
#include "store/profile.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/vec.h"

typedef struct setting {
    str profile, name, value;
} setting;

struct profile_set {
    VEC(setting) settings;
};

/* "[default]", "[profile name]" (config), "[name]" (credentials). Other sections: no profile. */
static bool section_name(str line, bool is_config, str *ret)
{
    ptrdiff_t end = str_find_char(line, ']');
    if (end < 0)
        return false;
    str name = str_trim(str_slice(line, 1, (size_t)end));
    if (!is_config || str_eq(name, STR("default"))) {
        *ret = name;
        return true;
    }
    if (!str_starts_with(name, STR("profile ")) && !str_starts_with(name, STR("profile\t")))
        return false;
    *ret = str_trim(str_slice(name, 8, name.len));
    return true;
}

static void read_text(profile_set *p, arena *a, str text, bool is_config)
{
    str profile = STR("");
    bool is_in_profile = false;
    while (text.len) {
        str line = str_cut(&text, '\n');
        bool is_nested = line.len && (line.data[0] == ' ' || line.data[0] == '\t');
        line = str_trim(line);
        if (line.len == 0 || line.data[0] == '#' || line.data[0] == ';')
            continue;
        if (line.data[0] == '[') {
            is_in_profile = section_name(line, is_config, &profile);
            if (is_in_profile)
                vec_push(a, &p->settings, (setting){ profile, STR(""), STR("") });
            continue;
        }
        ptrdiff_t equals = str_find_char(line, '=');
        if (!is_in_profile || is_nested || equals < 0)
            continue;
        str name = str_lower(a, str_trim(str_slice(line, 0, (size_t)equals)));
        str value = str_trim(str_slice(line, (size_t)equals + 1, line.len));
        vec_push(a, &p->settings, (setting){ profile, name, value });
    }
}

static bool read_file(profile_set *p, arena *a, const char *variable, const char *name,
                      bool is_config, error *err)
{
    const char *path = getenv(variable), *home = getenv("HOME");
    str text;
    if (!path || !*path)
        path = str_format(a, "%s/.aws/%s%c", home ? home : "", name, 0).data;
    if (!file_exists(path))
        return true;
    TRY(file_read(a, path, &text, err));
    read_text(p, a, text, is_config);
    return true;
}

bool profile_read(arena *a, profile_set **ret_profiles, error *err)
{
    profile_set *p = arena_new_of(a, profile_set);
    TRY(read_file(p, a, "AWS_SHARED_CREDENTIALS_FILE", "credentials", false, err));
    TRY(read_file(p, a, "AWS_CONFIG_FILE", "config", true, err));
    *ret_profiles = p;
    return true;
}

bool profile_exists(const profile_set *p, str profile)
{
    for (size_t i = 0; i < p->settings.count; i++)
        if (str_eq(p->settings.items[i].profile, profile))
            return true;
    return false;
}

str profile_setting(const profile_set *p, str profile, const char *name)
{
    for (size_t i = 0; i < p->settings.count; i++)
        if (str_eq(p->settings.items[i].profile, profile) &&
            str_eq(p->settings.items[i].name, str_of(name)))
            return p->settings.items[i].value;
    return STR("");
}
