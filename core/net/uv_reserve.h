/*
 * uv_reserve.h - inside of core/net: what libuv cannot do without
 *
 * libuv answers most failures with an error, but aborts the process where it cannot
 * enlarge a loop's table of watched descriptors, and where it cannot start the threads
 * that look up names. A sender that aborts leaves what is on the wire in doubt, so both
 * are taken here, beforehand, where failing is an answer.
 *
 * Owns:    nothing.
 * Thread:  any.
 * Errors:  libuv's codes, UV_ENOMEM where libuv would have aborted.
 * Limits:  NET_DESCRIPTORS_RESERVED descriptors; libuv allocates for those above.
 */
#ifndef BROADSIDE_NET_UV_RESERVE_H
#define BROADSIDE_NET_UV_RESERVE_H

#include <uv.h>

/* More than a run's connections (RUN_CONNECTIONS_MAX) and files together. */
#define NET_DESCRIPTORS_RESERVED 4096

/* uv_loop_init, with a table that never has to grow. */
int uv_reserve_loop_init(uv_loop_t *loop);
/* uv_getaddrinfo, once the threads for it run. */
int uv_reserve_getaddrinfo(uv_loop_t *loop, uv_getaddrinfo_t *lookup,
                           uv_getaddrinfo_cb done, const char *host,
                           const char *service, const struct addrinfo *hints);

#endif
