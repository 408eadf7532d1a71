/* Where AWS keys come from: options, environment, profile files, containers, machines, roles. */
#pragma once

#include "store/sign.h"
#include "store/store.h"

/* A chain that finds keys on first use and renews them before they end. Thread-safe. */
typedef struct credentials credentials;

/* `options` (names as Iceberg's: docs/s3.md) are copied; `client` must outlive the chain. Order:
 * keys in options, profile in options, AWS_ACCESS_KEY_ID, AWS_WEB_IDENTITY_TOKEN_FILE, profile
 * files, AWS_CONTAINER_CREDENTIALS_*, the machine's metadata service; then, when
 * client.assume-role.arn is given, that role is assumed. */
credentials *credentials_new(http_client *client, const store_option *options, size_t count);
void credentials_free(credentials *c); /* NULL is fine */
/* Keys that are good for a while, in `a`. ERR_INVALID says what was tried. */
NODISCARD bool credentials_get(credentials *c, arena *a, aws_keys *ret_keys, error *err);
/* The service says that the keys are no longer good: the next get finds new ones. */
void credentials_expire(credentials *c);
/* The region by options, environment, profile file; "us-east-1" when none says. */
str credentials_region(credentials *c, arena *a);

/* The value of an option; empty when absent. */
str store_option_text(const store_option *options, size_t count, const char *key);
