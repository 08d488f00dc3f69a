# shellcheck shell=bash
# Debian packages of suites that this machine does not use, without installing anything. Sourced after host.sh, by
# scripts that have made a work folder.

# The mirror that this machine uses for Debian proper: a user's own mirror or proxy then serves here too.
mirror() {
	local site
	# shellcheck disable=SC2016 # apt's own placeholders
	site=$(apt-get indextargets --format '$(LABEL)|$(REPO_URI)' 'Created-By: Packages' | awk -F'|' '$1 == "Debian" { print $2; exit }')
	[ -n "$site" ] || die 'no Debian mirror among the apt sources of this machine; run apt-get update?'
	echo "${site%/}"
}

# private_apt SUITE...: apt with lists of its own, which knows of no installed package and needs no root. ARCHITECTURE
# names another one than amd64.
private_apt() {
	local dir=$WORK/apt keyring=/usr/share/keyrings/debian-archive-keyring.gpg site suite
	site=$(mirror)
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	: >"$dir/status"
	for suite in "$@"; do
		echo "deb [arch=${ARCHITECTURE:-amd64} signed-by=$keyring] $site $suite main"
	done >"$dir/sources.list"
	# An expired Release file (a suite that has been archived) is still signed, and good enough for tests.
	cat >"$dir/conf" <<-CONF
		Dir::Etc::SourceList "$dir/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::State::Lists "$dir/lists";
		Dir::State::status "$dir/status";
		Dir::Cache "$dir/cache";
		APT::Architecture "${ARCHITECTURE:-amd64}";
		APT::Sandbox::User "root";
		Acquire::Check-Valid-Until "false";
		Acquire::Retries "5";
		Acquire::Languages "none";
	CONF
	export APT_CONFIG=$dir/conf
	apt-get -qq update >&2 || die "cannot get the package lists of $*"
}

has_package() { [ -n "$(apt-cache show --no-all-versions "$1" 2>/dev/null)" ]; }

version_of() { apt-cache show --no-all-versions "$1" | sed -n 's/^Version: //p'; }

# download FOLDER PACKAGE...: fetch and unpack; apt retries each, and one more round forgives a mirror in motion.
download() {
	local folder=$1 round deb
	shift
	mkdir -p "$folder" "$WORK/debs"
	for round in 1 2 3; do
		if (cd "$WORK/debs" && apt-get -qq download "$@" >&2); then break; fi
		[ "$round" -lt 3 ] || die "cannot download $*"
	done
	for deb in "$WORK"/debs/*.deb; do
		dpkg -x "$deb" "$folder"
		rm -- "$deb"
	done
}
