/* AWS's profile files: ~/.aws/config and ~/.aws/credentials. */
#pragma once

#include "base/error.h"

/* All settings of both files, those of the credentials file first. */
typedef struct profile_set profile_set;

/* Paths by AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE. Absent files are empty. */
NODISCARD bool profile_read(arena *a, profile_set **ret_profiles, error *err);
bool profile_exists(const profile_set *p, str profile);
/* Empty when the profile or the setting is absent. */
str profile_setting(const profile_set *p, str profile, const char *name);
