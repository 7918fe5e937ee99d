#!/bin/sh
# Prints the Python to make .venv with: $PYTHON if given, else python3 or a newer one beside it. Else says in one line what to install.
set -eu

oldest="3.11"
said=""

for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    path=$(command -v "$candidate" 2>/dev/null) || continue
    version=$("$path" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    if ! "$path" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        said="${said:-$candidate is Python $version, must be at least $oldest: install Debian package python3.11-venv or a newer one}"
    elif ! "$path" -c 'import ensurepip, venv' 2>/dev/null; then
        package="python3-venv"
        [ "$candidate" = "python3" ] || package="python$version-venv"
        said="$candidate has no venv: install Debian package $package (sudo apt-get install $package)"
    else
        echo "$path"
        exit 0
    fi
done

echo "${said:-${PYTHON:-python3} is missing: install Debian package python3-venv (sudo apt-get install python3-venv)}" >&2
exit 1
