/*
 * encoding.h - transfer encodings: quoted-printable, base64, line ends, dots
 *
 * Streams: the input may come in pieces, the output goes where the caller made room.
 * The pieces' boundaries show at most in where soft line breaks stand and in whether
 * an F that begins a line is written in hexadecimal.
 *
 * Owns:    nothing; the state is a small value of the caller's.
 * Thread:  one at a time for a stream.
 * Errors:  none: any bytes can be encoded. The caller must have made room for the
 *          ..._BYTES_MAX of what it hands in, at every call.
 * Limits:  no output line is longer than ENCODING_LINE_MAX.
 * Source:  RFC 2045 sections 6.7 and 6.8, RFC 5321 section 4.5.2.
 */
#ifndef BROADSIDE_MAIL_ENCODING_H
#define BROADSIDE_MAIL_ENCODING_H

#include "core/base/str.h"

#define ENCODING_LINE_MAX 76

/*
 * Quoted-printable for text: CR, LF and CRLF in the input (within one piece) are a
 * line break each. No blank stands at the end of a line, no dot and no "From " at its
 * beginning, no soft break inside a UTF-8 sequence that is whole.
 */
struct qp {
    unsigned column;
    /* A blank at the end of a piece: 0, ' ' or '\t'. Whether it ends a line, and must
     * then be written in hexadecimal, depends on the next piece. */
    char held;
};
#define QP_BYTES_MAX(n) ((n)*4 + 32)
/* All return the end of what they wrote. */
char *qp_encode(struct qp *qp, struct str in, char *to);
/* Writes the held blank, if there is one, which then does not end its line. */
char *qp_release(struct qp *qp, char *to);

/* A line break that is none of the text's. */
static inline char *qp_break(struct qp *qp, char *to)
{
    qp->column = 0;
    return (char *)mempcpy(to, "=\r\n", 3);
}

/* Makes sure that the next byte stands at the beginning of a line. */
static inline char *qp_soft_break(struct qp *qp, char *to)
{
    if (qp->held != 0)
        to = qp_release(qp, to);
    return qp->column > 0 ? qp_break(qp, to) : to;
}

/* The end of the text: writes what is held. No line break is added. */
char *qp_finish(struct qp *qp, char *to);

/* Would a line that begins like this be changed on its way, or taken for the end of the
 * text or, in a mailbox file, for the beginning of the next message (RFC 2049 section
 * 3)? True for a dot and for "From ", and for the front of that if s ends there. */
bool line_is_delicate(struct str s);

/* Base64 in lines of 76. */
struct base64 {
    unsigned column;
    /* The bytes that wait for their quantum to be full. */
    unsigned char carry[3];
    unsigned carried;
};
#define BASE64_BYTES_MAX(n) ((n) / 2 * 3 + 16)
char *base64_encode(struct base64 *base64, struct str in, char *to);
/* Ends the line if one is begun, so that whole lines can follow. */
char *base64_line_end(struct base64 *base64, char *to);
/* Padding and the last line end. */
char *base64_finish(struct base64 *base64, char *to);
/* One run without line ends. */
char *base64_plain(struct str in, char *to);

/* CR, LF and CRLF -> CRLF. */
#define CRLF_BYTES_MAX(n) ((n)*2)
char *crlf_copy(struct str in, char *to);

#endif
