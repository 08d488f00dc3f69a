/* SPDX-License-Identifier: GPL-2.0 */
/* Frames inside a sealed data message: encode and decode, pure. */
#ifndef _SDT_FRAME_H
#define _SDT_FRAME_H

#include <linux/types.h>

#include <sdt/wire.h>

/* One frame's header, decoded or to be encoded. */
struct sdt_frame {
	bool control;
	bool reply;
	bool has_length;	/* encode: write a length; decode: it had one */
	bool has_channel;
	u8 af;			/* enum sdt_frame_af */
	u16 tunnel;		/* 0 is never written */
	u32 channel;
	u8 addr[16];		/* 4 or 16 bytes used */
	__be16 port;
	u32 body_off;		/* decode: offset of the body in the message's plaintext */
	u32 body_len;		/* encode: needed when has_length; decode: set */
};

/**
 * sdt_frame_hdr_len() - bytes that sdt_frame_encode() will write
 */
unsigned int sdt_frame_hdr_len(const struct sdt_frame *f);

/**
 * sdt_frame_encode() - write a frame header
 * @buf: SDT_FRAME_HDR_MAX bytes
 * Return: bytes written. With f->has_length the length field counts what follows it:
 * rest of the header plus f->body_len, which must fit 16 bits.
 */
unsigned int sdt_frame_encode(u8 *buf, const struct sdt_frame *f);

/**
 * sdt_frame_decode() - next frame of a message
 * @msg: plaintext frames, @len bytes of it are readable (@hdr_len, see below)
 * @off: in: where the frame begins; out: where the next one does (= @len at the end)
 * Return: 0: @f is valid. -EBADMSG: this frame is bad, it had a usable length, *off is past it:
 * go on. -EPROTO: bad without a usable length: drop the rest, *off = @len.
 * Never reads beyond @len. Strict: id in its fewest bytes, tunnel 0 not named,
 * form 15 invalid, the header inside the frame.
 */
int sdt_frame_decode(const u8 *msg, u32 len, u32 *off, struct sdt_frame *f);

/**
 * sdt_frame_add_addr() - put an address behind a header that was encoded without one
 * @hdr: the header, of a frame without a length; room for 18 bytes more
 * @len: its bytes
 * @ip: 16 bytes; an IPv4 address v4-mapped
 * @port: belongs to it
 * Return: bytes of the longer header.
 */
unsigned int sdt_frame_add_addr(u8 *hdr, unsigned int len, const u8 *ip, __be16 port);

/**
 * sdt_frame_ip() - the address of a decoded frame that has one
 * @ip: 16 bytes; an IPv4 address v4-mapped, whichever way it came
 */
void sdt_frame_ip(const struct sdt_frame *f, u8 *ip);

/* A control frame's operands, decoded. */
struct sdt_control {
	u8 op;			/* enum sdt_control_op */
	union {
		u8 reason;			/* REFUSED */
		struct {
			u8 class;
			u16 mtu;
		} unreach;			/* UNREACHABLE */
		u8 opaque[SDT_PING_LEN];	/* PING, PONG */
		struct {
			u32 id;
			bool more;
			u32 offset;		/* bytes, a multiple of 8 */
			u32 data_off;		/* into the body */
		} fragment;			/* FRAGMENT */
	};
};

/**
 * sdt_control_decode() - operands of a control frame
 * Return: 0, -EOPNOTSUPP unknown op (count, skip), -EBADMSG too short, a value out of its range,
 * non-zero "zero" bits, or an op that must not carry tunnel, channel, address or reply and does.
 * Trailing bytes are ignored.
 */
int sdt_control_decode(const struct sdt_frame *f, const u8 *body, u32 len, struct sdt_control *c);

/** sdt_control_encode() - op and operands; @buf: SDT_CONTROL_MAX bytes. Return: bytes written. */
#define SDT_CONTROL_MAX	(1 + SDT_PING_LEN)
unsigned int sdt_control_encode(u8 *buf, const struct sdt_control *c);

#endif /* _SDT_FRAME_H */
