/*
 * media_type.h - the media type that goes with a file's name
 *
 * Thread:  any.
 * Source:  IANA's media types registry.
 */
#ifndef BROADSIDE_CMD_MEDIA_TYPE_H
#define BROADSIDE_CMD_MEDIA_TYPE_H

#include "core/base/str.h"

/* By the name's suffix, in any case; "application/octet-stream" if it says nothing. */
struct str media_type_of(struct str file_name);

#endif
