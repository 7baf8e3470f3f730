/*
 * address.h - one mailbox as SMTP wants it: checked, never repaired
 *
 * Accepts the Mailbox of RFC 5321 section 4.1.2 with RFC 6531's UTF-8 (EAI), and
 * nothing around it: no display name, no comment, no route, no white space.
 *
 * Owns:    nothing; the parts are slices of the input or lie in the given arena.
 * Thread:  any.
 * Errors:  the reason as a fixed English phrase, NULL if the address is good.
 * Limits:  RFC 5321 section 4.5.3.1: local part 64 octets, domain 255, path 256 with
 *          its brackets (so 254 in all); a label 63.
 * Source:  RFC 5321, 6531, 5890-5894 (IDNA2008 through libidn2), 1123.
 */
#ifndef BROADSIDE_MAIL_ADDRESS_H
#define BROADSIDE_MAIL_ADDRESS_H

#include "core/base/arena.h"

#define ADDRESS_LOCAL_MAX  64
#define ADDRESS_DOMAIN_MAX 255
#define ADDRESS_MAX        254

struct address {
    /* As given; quoted local parts keep their quotes. */
    struct str local;
    /* In lower-case A-labels (RFC 5890), or an address literal with its brackets. */
    struct str domain;
    /* local@domain: what goes on the wire, and the key by which addresses are equal:
     * the domain folded, the local part kept. */
    struct str text;
    /* The local part is not ASCII: the server must offer SMTPUTF8. */
    bool needs_smtputf8;
    bool is_literal;
};

/* NULL if `input` is a valid mailbox: *address is filled. Otherwise why not. */
const char *address_parse(struct str input, struct arena *arena,
                          struct address *address);
/* The domain of an address in that form: a quoted local part may hold an '@', a domain
 * cannot. STR("") without one. */
struct str address_domain(struct str address);

/* The same for a domain alone: its lower-case A-label form into *ascii. */
const char *domain_parse(struct str input, struct arena *arena, struct str *ascii);

#endif
