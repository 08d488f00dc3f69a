#!/usr/bin/env python3
"""where.py GUEST SAMPLES FULL: what `profiled.sh` printed, and what `perf script -F ip` of its process says, as a table: in
which part of the kernel a datagram's time is spent, by the function that runs, and which functions these are. FULL samples are as many as there would be if the process had run
all the time; that it waited for a processor is no cost of a datagram."""

import bisect
import re
import sys
from collections import Counter

# The first that fits. A function of a part that is not named here is told as "other".
PARTS = (
    ("cipher", r"^(aes_|aesni|_aesni|gf128|shash|ahash|hash_walk|__crypto|__?chacha|chacha|hchacha|poly1305|.*gcm|ghash|crypto_|scatterwalk|.*_simd|skcipher|blake2|curve25519)"),
    ("sdt", None),
    ("WireGuard", r"^(wg_|encrypt_packet|decrypt_packet|counter_validate|packet_consume_data|prepend_|keep_key|ptr_ring)"),
    ("conntrack, nft", r"^(nf_|__nf_|nft_|__nft|udp_packet|ipt_|hash_conntrack)"),
    ("User-Mode Linux, system calls, scheduler", r"^(os_|sys_|__sys|__se_sys|do_syscall|userspace|segv|sig|unblock|block_sig|set_signals|"
     r"interrupt_end|handle_|kern_|stub_|ptrace|wait_stub|copy_context|timer_|tick_|hrtimer|ktime|clock|sched|__sched|"
     r"pick_|dequeue_task|enqueue_task|update_curr|update_load|try_to_wake|ttwu|check_preempt|switch_|__switch|kthread|worker|process_one|"
     r"queue_work|__queue_work|wake_|__wake|prepare_|finish_|import_|copy_chunk|copy_from|copy_to|strn|__get_|fd|__fd|arch_|get_skas|"
     r"um_|uml|enter|exit|place_|avg_|cpu|rb_|set_next|put_prev|reweight|.*_fair|.*entity|futex|poll|seccomp|real|mm_|user|irq|__irq|"
     r"hard_handler|virt_to_pte|____sys|___sys|copy_msghdr|do_op_one_page|maybe_map|buffer_op|raw_copy|__schedule|schedule|long|get_thread|restore|timekeeping|local_clock|deliver_alarm|.*jmp)"),
    ("UDP and IP", r"^(udp|__udp|ip_|__ip_|ip4|inet|__inet|fib_|__fib|rt_|dst_|ipv4_|raw_|arp|neigh|iptunnel|__icmp|icmp|sock_|__sock|sk_|__sk|"
     r"tcp|ipv6|ip6|security|release_sock|lock_sock|csum|__csum|do_csum|route)"),
    ("devices and queues", r"^(veth|dev_|__dev|netif|__netif|net_rx|net_tx|napi|__napi|process_backlog|enqueue_to|eth_|loopback|__do_softirq|"
     r"do_softirq|handle_softirqs|raise_soft|__raise|__local_bh|local_bh|validate_xmit|sch_|skb_clone_tx|is_skb_forw|packet_|noop_|netdev|__qdisc|passthru)"),
    ("memory and copies", r"^(kmem|__kmem|kmalloc|__kmalloc|kfree|__kfree|slab|__slab|___slab|skb_|__skb|__alloc_skb|alloc_|__alloc|consume_skb|"
     r"napi_alloc|pskb|__pskb|__build_skb|build_skb|memcpy|__memcpy|memset|__memset|memmove|page_|__page|free_|__free|put_page|rcu|__rcu|call_rcu|"
     r"kmalloc_reserve|get_partial|deactivate|_copy|copy_page|datagram|simple_copy|csum_and|refcount|kick)"),
)


def symbols(lines):
    table = []
    row = []
    for line in lines:
        word = line.split()
        if word[:1] == ["symbol"]:
            table.append((int(word[1], 16), word[2], word[3].strip("[]") if len(word) > 3 else ""))
        elif word[:1] == ["result"]:
            row = word
    table.sort()
    return table, row


def part_of(name: str, module: str) -> str:
    for part, pattern in PARTS:
        if pattern is None:
            if module == "sdt":
                return part
        elif re.match(pattern, name):
            return part
    return "other"


def main() -> int:
    with open(sys.argv[1], encoding="utf-8") as lines:
        table, row = symbols(lines)
    starts = [address for address, _, _ in table]
    highest = table[-1][0] + 0x10000
    parts: Counter = Counter()
    functions: Counter = Counter()
    total = 0

    def name_of(address: int) -> tuple[str, str]:
        if address >= 0xffff800000000000:
            return "the host", "host"
        if not starts[0] <= address < highest:
            return "a library of the host", "host"
        return table[bisect.bisect_right(starts, address) - 1][1:]

    with open(sys.argv[2], encoding="utf-8") as lines:
        for line in lines:
            # What the host does for the process, switches and signals, is all of one kind.
            name, module = name_of(int(line, 16))
            part = "the host: switches between processes, signals" if module == "host" else part_of(name, module)
            parts[part] += 1
            functions[part, name] += 1
            total += 1
    ns = float(row[9]) * min(1.0, total / int(sys.argv[3]))
    print(f"{' '.join(row[1:7])}: {ns:,.0f} ns for a datagram, {total} samples")
    for part, n in parts.most_common():
        print(f"{n / total * 100:5.1f} % {n / total * ns:8,.0f} ns  {part}")
    print("functions")
    for (part, name), n in functions.most_common(70):
        print(f"{n / total * 100:5.1f} % {n / total * ns:8,.0f} ns  {name}  ({part})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
