# shellcheck shell=bash
# What the host-side scripts of the VM test bed share. Sourced, never run.

set -euo pipefail

VM_DIR=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
TOP_DIR=$(cd -- "$VM_DIR/../.." && pwd)
BUILD_DIR=${SDT_BUILD_DIR:-$TOP_DIR/build}
CACHE_DIR=${XDG_CACHE_HOME:-$HOME/.cache}/sdt
export VM_DIR TOP_DIR BUILD_DIR CACHE_DIR

# The kernels that every change is tested on, oldest first.
# shellcheck disable=SC2034 # for those who source this file
KERNEL_TAGS=(5.10 6.1 6.12 7.3)

# The programs of the guest are Debian's own: those first, whatever else a PATH may put before them. It may also lack
# the sbin folders, which hold much of what is needed.
PATH=/usr/sbin:/usr/bin:$PATH

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() {
	say "$*"
	exit 2
}

need() {
	local program
	for program in "$@"; do
		command -v "$program" >/dev/null || die "no $program here; run tests/vm/check-deps as root"
	done
}

# module_dir TAG: where sdt.ko for that kernel is built.
module_dir() {
	case $1 in
	uml*) echo "$BUILD_DIR/$1" ;;
	*) echo "$BUILD_DIR/vm/$1" ;;
	esac
}

# A folder of our own, removed when the script ends. One per script.
make_work_dir() {
	WORK=$(mktemp -d "${TMPDIR:-/tmp}/sdt-vm.XXXXXX")
	trap 'rm -rf -- "$WORK"' EXIT
}

# with_lock NAME COMMAND...: several runs share one cache, and only one of them may fill a given part of it.
# Not to be used in a condition: bash would ignore every failure inside the command.
with_lock() {
	local name=$1
	shift
	mkdir -p "$CACHE_DIR/locks"
	exec {lock_fd}>"$CACHE_DIR/locks/$name"
	flock "$lock_fd"
	"$@"
	exec {lock_fd}>&-
}

# pack DIR FILE: the folder as an initramfs archive, whole or not at all. Sorted and owned by root, so that equal
# content gives equal bytes.
pack() {
	local dir=$1 file=$2
	(cd "$dir" && find . -mindepth 1 -print0 | LC_ALL=C sort -z |
		cpio --create --format=newc --null --owner=0:0 --quiet) >"$file.tmp.$$"
	mv -f "$file.tmp.$$" "$file"
}

# add_file FILE ROOT: a copy of FILE at the same place below ROOT, with every symbolic link on the way to it. What is
# an ELF file brings the shared libraries that it names.
add_file() {
	local file=$1 root=$2 real library
	real=$(realpath -e -- "$file")
	# The guest has Debian's merged layout: /bin, /sbin, /lib and /lib64 are links into /usr.
	file=$(realpath -s -- "$file")
	case $file in /bin/* | /sbin/* | /lib/* | /lib64/*) file=/usr$file ;; esac
	if [ "$file" != "$real" ] && [ ! -e "$root$file" ]; then
		mkdir -p "$root${file%/*}"
		ln -sfn "$real" "$root$file"
	fi
	[ ! -e "$root$real" ] || return 0
	mkdir -p "$root${real%/*}"
	cp -p -- "$real" "$root$real"
	if [ "$(head -c 4 -- "$real" | tr -d '\0')" = $'\x7fELF' ]; then
		add_libraries "$real" "$root"
	fi
}

# add_libraries FILE ROOT
add_libraries() {
	local library
	while IFS= read -r library; do
		add_file "$library" "$2"
	done < <(ldd "$1" 2>/dev/null | grep -o '/[^ )]*')
}

# add_package PACKAGE ROOT: what an installed package would have in place: plug-ins, data and configuration, without
# documentation, translations and start-up glue.
add_package() {
	local package=$1 root=$2 file
	while IFS= read -r file; do
		case $file in
		/usr/share/doc/* | /usr/share/man/* | /usr/share/locale/* | /usr/share/info/* | /usr/share/lintian/*) continue ;;
		/usr/share/bash-completion/* | /usr/share/zsh/* | /usr/include/* | *.a) continue ;;
		/lib/systemd/* | /usr/lib/systemd/* | /etc/init.d/* | /etc/apparmor.d/* | /etc/cron* | /etc/logrotate.d/*) continue ;;
		esac
		if [ -f "$file" ] && [ -r "$file" ]; then add_file "$file" "$root"; fi
		# Python would compile it in every guest anew.
		if [[ $file = *.py ]]; then
			for file in "${file%/*}/__pycache__/$(basename "$file" .py)".*.pyc; do
				[ ! -e "$file" ] || add_file "$file" "$root"
			done
		fi
	done < <(dpkg -L "$package")
}

# add_program NAME ROOT: a program of this machine, its libraries, and for a script its interpreter. One from a folder
# that is not in the guest's PATH gets a link in one that is.
add_program() {
	local name=$1 root=$2 path word rest
	path=$(type -P "$name") || die "no program $name here; install its package first"
	add_file "$path" "$root"
	case $path in
	/usr/bin/* | /usr/sbin/* | /usr/local/bin/* | /usr/local/sbin/* | /bin/* | /sbin/*) ;;
	*)
		mkdir -p "$root/usr/local/bin"
		ln -sfn "$path" "$root/usr/local/bin/$name"
		;;
	esac
	if [ "$(head -c 2 -- "$path")" = '#!' ]; then
		read -r word rest < <(head -n 1 -- "$path" | cut -c3-)
		if [ "${word##*/}" = env ]; then word=${rest%% *}; fi
		add_program "$word" "$root"
	fi
}

# package_of PROGRAM: the Debian package that brought it, if any. The files list still has the paths of before the merge.
package_of() {
	local path real
	path=$(type -P "$1")
	real=$(realpath -- "$path")
	dpkg -S "$real" 2>/dev/null | sed -n '1s/:.*//p' | grep . ||
		dpkg -S "${real#/usr}" 2>/dev/null | sed -n '1s/:.*//p' | grep . || true
}
