# SPDX-License-Identifier: GPL-2.0
# For people; the kernel's build system reads Kbuild. `make help` lists what there is.

PREFIX	?= /usr/local
DESTDIR	?=

# A folder of kernel headers names its release; without one, the running kernel's is taken.
ifdef KDIR
KVER	?= $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $(KDIR)/include/generated/utsrelease.h)
else
KVER	?= $(shell uname -r)
KDIR	:= /lib/modules/$(KVER)/build
endif

VERSION	:= $(shell sed -n 's/.*SDT_VERSION[[:space:]]*"\(.*\)"/\1/p' include/sdt/version.h)
MODDIR	= $(DESTDIR)/lib/modules/$(KVER)/extra
MAN	= $(wildcard tools/sdtctl/*.8 docs/*.8)

all: module tools

module:
	@[ -e $(KDIR)/Makefile ] || { \
		echo 'No kernel headers in $(KDIR): install linux-headers-$(KVER), or say KDIR=FOLDER.' >&2; \
		exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

tools:
	$(MAKE) -C tools/sdtctl

# KEY=no is for packages, which must not bring one key to many machines.
install: module tools
	install -D -m 0644 sdt.ko $(MODDIR)/sdt.ko
	[ -n '$(DESTDIR)' ] || depmod $(KVER)
	install -D -m 0755 build/sdtctl $(DESTDIR)$(PREFIX)/sbin/sdtctl
	set -e; for page in $(MAN); do \
		install -D -m 0644 "$$page" "$(DESTDIR)$(PREFIX)/share/man/man8/$${page##*/}"; \
	done
	[ '$(KEY)' = no ] || tools/node-key build/sdtctl $(DESTDIR)/etc/sdt

# The node's key stays: who removes the program may come back.
uninstall:
	rm -f $(MODDIR)/sdt.ko $(DESTDIR)$(PREFIX)/sbin/sdtctl
	set -e; for page in $(MAN); do rm -f "$(DESTDIR)$(PREFIX)/share/man/man8/$${page##*/}"; done
	[ -n '$(DESTDIR)' ] || depmod $(KVER)

DKMS_TREE := /usr/src/sdt-$(VERSION)

# What DKMS gets: a clean copy, since a checkout may hold objects of another kernel.
dkms-source:
	rm -rf $(DKMS_TREE)
	mkdir -p $(DKMS_TREE)
	cp dkms.conf Kbuild LICENSE $(DKMS_TREE)/
	find kmod include -type f \( -name '*.[ch]' -o -name '*.sh' \) ! -name '*.mod.c' \
		-exec cp --parents {} $(DKMS_TREE)/ \;

dkms-install:
	if dkms status -m sdt -v $(VERSION) | grep -q .; then \
		dkms remove -m sdt -v $(VERSION) --all; \
	fi
	$(MAKE) dkms-source
	dkms add -m sdt -v $(VERSION)
	dkms build -m sdt -v $(VERSION) -k $(KVER)
	dkms install -m sdt -v $(VERSION) -k $(KVER)

dkms-remove:
	dkms remove -m sdt -v $(VERSION) --all
	rm -rf $(DKMS_TREE)

check:
	tests/check

invariant:
	tests/invariant $(REPLIES)

check-sanitize:
	tests/sanitize/run

coverage:
	tests/sanitize/run kunit scenarios faults coverage

check-kernels:
	tests/check-kernels

# What takes minutes of it.
kernels:
	tests/check-kernels build 32-bit

lint:
	tests/lint

soak:
	tests/soak/run $(T)

demo:
	tests/demo

bench:
	tests/bench/bench

bench-profile:
	tests/bench/profile

bench-readme:
	tests/bench/readme

fuzz:
	tests/fuzz/run $(T)

clean:
	[ ! -e $(KDIR)/Makefile ] || $(MAKE) -C $(KDIR) M=$(CURDIR) clean
	rm -rf build sdt.ko

help:
	@sed -n 's/^#: //p' $(firstword $(MAKEFILE_LIST))

.PHONY: all module tools install uninstall dkms-source dkms-install dkms-remove check check-kernels check-sanitize \
	coverage invariant kernels lint demo soak bench bench-profile bench-readme fuzz clean help

#: make                  the module (sdt.ko) for the running kernel, and build/sdtctl
#: make module|tools     one of the two; KDIR=FOLDER or KVER=RELEASE for another kernel
#: make install          both, and the node's key if there is none; PREFIX, DESTDIR, KEY=no
#: make uninstall        undo that; the key stays
#: make dkms-install     the module by DKMS, made anew with each new kernel; KVER=RELEASE
#: make dkms-remove      undo that
#: make check            unit tests, then scenarios in virtual machines; loads nothing here
#: make invariant        1,000,000 answers, each to the right customer, in User-Mode Linux; REPLIES=N
#: make check-sanitize   the same scenarios, unit tests and failing allocations, on a kernel with sanitizers
#: make coverage         which lines of the module run in that, by file
#: make kernels          build for every kernel that is tested, and for 32 bits, without warnings
#: make check-kernels    that, with clang too, and what was built in guests: smoke, races under slub_debug and KFENCE, PREEMPT_RT
#: make lint             style, static checks, builds with another compiler
#: make soak T=MINUTES    everything changes under traffic, and nothing is left, in User-Mode Linux; SEED=N repeats a run
#: make fuzz T=SECONDS   fuzz decoders and tool, each for so long, then the module in User-Mode Linux; SEED=N repeats that
#: make bench            what it costs, against WireGuard with nft; into build/bench; QUICK=1 for less, see tests/bench
#: make bench-profile    where a datagram's time goes
#: make bench-readme     the README's figures from build/bench
#: make demo             two nodes in a virtual machine, explained
#: make clean            remove what was built
