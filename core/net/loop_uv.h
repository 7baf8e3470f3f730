/*
 * loop_uv.h - what the files of core/net share of a loop; nobody else includes it
 *
 * Owns:    nothing.
 * Thread:  the loop's.
 */
#ifndef BROADSIDE_NET_LOOP_UV_H
#define BROADSIDE_NET_LOOP_UV_H

#include "core/base/list.h"
#include "core/net/loop.h"

#include <uv.h>

/* Reads go here: what is in it is only valid during the callback. */
#define NET_READ_BYTES (128u << 10)
/* Writes of many slices are put together here. */
#define NET_WRITE_BYTES (32u << 10)

uv_loop_t *net_loop_uv(struct net_loop *loop);
char *net_loop_read_buffer(struct net_loop *loop);
char *net_loop_write_buffer(struct net_loop *loop);

#endif
