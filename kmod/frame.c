// SPDX-License-Identifier: GPL-2.0
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "bytes.h"
#include "chanid.h"
#include "frame.h"

#define LENGTH_LEN	2
#define TUNNEL_LEN	2
#define PORT_LEN	2
#define IP_LEN		16
#define OP_LEN		1

/* Operands of control frames, the op included */
#define FRAGMENT_ID_LEN		4
#define FRAGMENT_HDR_LEN	SDT_FRAGMENT_HDR_LEN
#define REFUSED_LEN		(OP_LEN + 1)
#define UNREACHABLE_LEN		(OP_LEN + 1 + 2)
#define PING_LEN		(OP_LEN + SDT_PING_LEN)

static unsigned int ip_len(u8 af)
{
	switch (af) {
	case SDT_FRAME_AF_IPV4:
		return 4;
	case SDT_FRAME_AF_IPV6:
		return 16;
	default:
		return 0;
	}
}

static unsigned int addr_len(u8 af)
{
	return af == SDT_FRAME_AF_NONE ? 0 : ip_len(af) + PORT_LEN;
}

static unsigned int channel_len(const struct sdt_frame *f)
{
	return f->has_channel ? sdt_chanid_len(f->channel) : 0;
}

/* Header bytes that a length field counts: those after it. */
static unsigned int hdr_tail_len(const struct sdt_frame *f)
{
	return (f->tunnel ? TUNNEL_LEN : 0) + channel_len(f) + addr_len(f->af);
}

unsigned int sdt_frame_hdr_len(const struct sdt_frame *f)
{
	return 1 + (f->has_length ? LENGTH_LEN : 0) + hdr_tail_len(f);
}

unsigned int sdt_frame_encode(u8 *buf, const struct sdt_frame *f)
{
	unsigned int chlen = channel_len(f);
	u32 channel = f->channel;
	unsigned int i;
	u8 *p = buf;

	*p++ = (f->control ? SDT_FRAME_CONTROL : 0) |
	       (f->has_length ? SDT_FRAME_LENGTH : 0) |
	       (f->reply ? SDT_FRAME_REPLY : 0) |
	       (f->tunnel ? SDT_FRAME_TUNNEL : 0) |
	       (chlen + SDT_FRAME_AF_STEP * f->af);
	if (f->has_length) {
		sdt_put_be16(p, hdr_tail_len(f) + f->body_len);
		p += LENGTH_LEN;
	}
	if (f->tunnel) {
		sdt_put_be16(p, f->tunnel);
		p += TUNNEL_LEN;
	}
	for (i = chlen; i--; channel >>= 8)
		p[i] = channel & 0xff;
	p += chlen;
	if (f->af != SDT_FRAME_AF_NONE) {
		memcpy(p, f->addr, ip_len(f->af));
		p += ip_len(f->af);
		memcpy(p, &f->port, PORT_LEN);
		p += PORT_LEN;
	}
	return p - buf;
}

static u8 af_of(const u8 *ip)
{
	return sdt_bytes_v4mapped(ip) ? SDT_FRAME_AF_IPV4 : SDT_FRAME_AF_IPV6;
}

unsigned int sdt_frame_add_addr(u8 *hdr, unsigned int len, const u8 *ip, __be16 port)
{
	u8 af = af_of(ip);

	hdr[0] += SDT_FRAME_AF_STEP * af;
	memcpy(hdr + len, ip + IP_LEN - ip_len(af), ip_len(af));
	len += ip_len(af);
	memcpy(hdr + len, &port, PORT_LEN);
	return len + PORT_LEN;
}

void sdt_frame_ip(const struct sdt_frame *f, u8 *ip)
{
	memset(ip, 0, IP_LEN);
	if (f->af == SDT_FRAME_AF_IPV4)
		sdt_put_be16(ip + IP_LEN - 6, 0xffff);
	memcpy(ip + IP_LEN - ip_len(f->af), f->addr, ip_len(f->af));
}

static u32 get_channel(const u8 *p, unsigned int chlen)
{
	u32 channel = 0;

	while (chlen--)
		channel = channel << 8 | *p++;
	return channel;
}

/*
 * The header after first byte and length. @f->body_off is where it begins and,
 * on success, where it ended; @end is the frame's end.
 */
static bool decode_hdr_tail(const u8 *msg, u8 first, u32 end, struct sdt_frame *f)
{
	u8 form = first & SDT_FRAME_FORM;
	unsigned int chlen = form % SDT_FRAME_AF_STEP;
	u32 tunnel_len = first & SDT_FRAME_TUNNEL ? TUNNEL_LEN : 0;
	const u8 *p = msg + f->body_off;
	u32 need;

	if (form == SDT_FRAME_FORM_INVALID)
		return false;
	f->af = form / SDT_FRAME_AF_STEP;
	need = tunnel_len + chlen + addr_len(f->af);
	if (end - f->body_off < need)
		return false;

	if (tunnel_len) {
		f->tunnel = sdt_get_be16(p);
		p += TUNNEL_LEN;
		if (!f->tunnel)
			return false;
	}
	if (chlen) {
		f->has_channel = true;
		f->channel = get_channel(p, chlen);
		p += chlen;
		if (sdt_chanid_len(f->channel) != chlen)
			return false;
	}
	if (f->af != SDT_FRAME_AF_NONE) {
		memcpy(f->addr, p, ip_len(f->af));
		memcpy(&f->port, p + ip_len(f->af), PORT_LEN);
	}
	f->body_off += need;
	f->body_len = end - f->body_off;
	return true;
}

int sdt_frame_decode(const u8 *msg, u32 len, u32 *off, struct sdt_frame *f)
{
	u32 pos = *off;
	u32 end = len;
	u32 flen;
	u8 first;

	memset(f, 0, sizeof(*f));
	*off = len;
	if (pos >= len)
		return -EPROTO;

	first = msg[pos++];
	f->control = first & SDT_FRAME_CONTROL;
	f->has_length = first & SDT_FRAME_LENGTH;
	f->reply = first & SDT_FRAME_REPLY;
	if (f->has_length) {
		if (len - pos < LENGTH_LEN)
			return -EPROTO;
		flen = sdt_get_be16(msg + pos);
		pos += LENGTH_LEN;
		if (len - pos < flen)
			return -EPROTO;
		end = pos + flen;
	}
	*off = end;

	f->body_off = pos;
	if (!decode_hdr_tail(msg, first, end, f))
		return f->has_length ? -EBADMSG : -EPROTO;
	return 0;
}

/* PAD, PING and PONG are the link's own: no tunnel's, no channel's, no role's. */
static bool of_link_alone(const struct sdt_frame *f)
{
	return !f->reply && !f->tunnel && !f->has_channel && f->af == SDT_FRAME_AF_NONE;
}

static int decode_fragment(const u8 *body, u32 len, struct sdt_control *c)
{
	u32 data_len;
	u16 word;

	if (len <= FRAGMENT_HDR_LEN)
		return -EBADMSG;
	data_len = len - FRAGMENT_HDR_LEN;
	word = sdt_get_be16(body + OP_LEN + FRAGMENT_ID_LEN);
	if (word & SDT_FRAGMENT_ZERO)
		return -EBADMSG;

	c->fragment.id = sdt_get_be32(body + OP_LEN);
	c->fragment.more = word & SDT_FRAGMENT_MORE;
	c->fragment.offset = (word & SDT_FRAGMENT_OFFSET) * SDT_FRAGMENT_UNIT;
	c->fragment.data_off = FRAGMENT_HDR_LEN;
	if (c->fragment.more && data_len % SDT_FRAGMENT_UNIT)
		return -EBADMSG;
	if (data_len > SDT_DATAGRAM_MAX || c->fragment.offset > SDT_DATAGRAM_MAX - data_len)
		return -EBADMSG;
	return 0;
}

static int decode_refused(const u8 *body, u32 len, struct sdt_control *c)
{
	if (len < REFUSED_LEN)
		return -EBADMSG;
	c->reason = body[OP_LEN];
	if (c->reason < SDT_REFUSED_TUNNEL || c->reason > SDT_REFUSED_POLICY)
		return -EBADMSG;
	return 0;
}

static int decode_unreachable(const u8 *body, u32 len, struct sdt_control *c)
{
	if (len < UNREACHABLE_LEN)
		return -EBADMSG;
	c->unreach.class = body[OP_LEN];
	c->unreach.mtu = sdt_get_be16(body + OP_LEN + 1);
	if (c->unreach.class < SDT_UNREACH_NET || c->unreach.class > SDT_UNREACH_TOO_BIG)
		return -EBADMSG;
	if (c->unreach.class != SDT_UNREACH_TOO_BIG && c->unreach.mtu)
		return -EBADMSG;
	return 0;
}

static int decode_ping(const struct sdt_frame *f, const u8 *body, u32 len,
		       struct sdt_control *c)
{
	if (!of_link_alone(f) || len < PING_LEN)
		return -EBADMSG;
	memcpy(c->opaque, body + OP_LEN, SDT_PING_LEN);
	return 0;
}

int sdt_control_decode(const struct sdt_frame *f, const u8 *body, u32 len, struct sdt_control *c)
{
	memset(c, 0, sizeof(*c));
	if (len < OP_LEN)
		return -EBADMSG;
	c->op = body[0];
	switch (c->op) {
	case SDT_OP_PAD:
		return of_link_alone(f) ? 0 : -EBADMSG;
	case SDT_OP_FRAGMENT:
		return decode_fragment(body, len, c);
	case SDT_OP_CLOSE:
		return 0;
	case SDT_OP_REFUSED:
		return decode_refused(body, len, c);
	case SDT_OP_UNREACHABLE:
		return decode_unreachable(body, len, c);
	case SDT_OP_PING:
	case SDT_OP_PONG:
		return decode_ping(f, body, len, c);
	default:
		return -EOPNOTSUPP;
	}
}

unsigned int sdt_control_encode(u8 *buf, const struct sdt_control *c)
{
	u16 word;

	buf[0] = c->op;
	switch (c->op) {
	case SDT_OP_FRAGMENT:
		word = (c->fragment.offset / SDT_FRAGMENT_UNIT) & SDT_FRAGMENT_OFFSET;
		if (c->fragment.more)
			word |= SDT_FRAGMENT_MORE;
		sdt_put_be32(buf + OP_LEN, c->fragment.id);
		sdt_put_be16(buf + OP_LEN + FRAGMENT_ID_LEN, word);
		return FRAGMENT_HDR_LEN;
	case SDT_OP_REFUSED:
		buf[OP_LEN] = c->reason;
		return REFUSED_LEN;
	case SDT_OP_UNREACHABLE:
		buf[OP_LEN] = c->unreach.class;
		sdt_put_be16(buf + OP_LEN + 1, c->unreach.mtu);
		return UNREACHABLE_LEN;
	case SDT_OP_PING:
	case SDT_OP_PONG:
		memcpy(buf + OP_LEN, c->opaque, SDT_PING_LEN);
		return PING_LEN;
	default:
		return OP_LEN;
	}
}
