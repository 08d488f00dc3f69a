/* SPDX-License-Identifier: GPL-2.0 */
/* Tracepoints: /sys/kernel/tracing/events/sdt. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM sdt

#if !defined(_SDT_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _SDT_TRACE_H

#include <linux/skbuff.h>
#include <linux/tracepoint.h>

#include <uapi/linux/sdt.h>

/* @skb may be NULL. reason: enum sdt_stat, as sdtctl names it. */
TRACE_EVENT(sdt_drop,
	TP_PROTO(enum sdt_stat reason, const struct sk_buff *skb, void *location),

	TP_ARGS(reason, skb, location),

	TP_STRUCT__entry(
		__field(const void *, skbaddr)
		__field(void *, location)
		__field(u32, reason)
		__field(u32, len)
	),

	TP_fast_assign(
		__entry->skbaddr = skb;
		__entry->location = location;
		__entry->reason = reason;
		__entry->len = skb ? skb->len : 0;
	),

	TP_printk("reason=%u skbaddr=%p len=%u location=%pS",
		  __entry->reason, __entry->skbaddr, __entry->len, __entry->location)
);

#endif /* _SDT_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH kmod
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
