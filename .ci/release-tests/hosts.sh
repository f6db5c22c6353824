# What the tests of the NuGet package, the jar and the npm package have in common. To be sourced, and not executable, so
# that it is no test of its own. Usage of each test: <folder of archives> <version>
dist=$(realpath "$1")
version=$2
tree=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
scratch=$(mktemp -d)
center_pid=

finish() {
    [ -z "$center_pid" ] || kill "$center_pid" 2>/dev/null || true
    rm -rf "$scratch"
}
trap finish EXIT

fail() {
    echo "$*" >&2
    exit 1
}

# install <Debian's packages...>
install() {
    python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); import debian; debian.need(*sys.argv[2:])' \
        "$tree/.ci/packages" "$@"
}

# The emulator of the Linux archive; RPA_CONTROL_CENTER names another one.
start_center() {
    local greeting folder=rpa-openapi-$version-linux-$(uname -m) program=${RPA_CONTROL_CENTER:-}
    if [ -z "$program" ]; then
        tar -xzf "$dist/$folder.tar.gz" -C "$scratch" "$folder/bin/control_center"
        program=$scratch/$folder/bin/control_center
    fi
    coproc CENTER { exec "$program" --tls --port 0 --until-stdin-closes 2>"$scratch/center.log"; }
    center_pid=$CENTER_PID
    read -r -t 60 greeting <&"${CENTER[0]}" || fail "the emulator does not start: $(cat "$scratch/center.log")"
    base=$(sed 's/.*"base":"\([^"]*\)".*/\1/' <<<"$greeting")
    fingerprint=$(sed 's/.*"fingerprint":"\([^"]*\)".*/\1/' <<<"$greeting")
}

# tell <how> <command...>: the story is told to its end, by this version.
tell() {
    local how=$1
    shift
    "$@" "$base" "$fingerprint" - >"$scratch/story.out" 2>&1 || fail "$how: $(cat "$scratch/story.out")"
    [ "$(head -n 1 "$scratch/story.out")" = "version $version" ] || fail "$how: another version: $(cat "$scratch/story.out")"
    echo "$how: $(tail -n 1 "$scratch/story.out")"
}

# is_for <file> <what `file` says of it>
is_for() {
    file -b "$1" | grep -q "$2" || fail "$1 is $(file -b "$1")"
}
