#!/usr/bin/env bash
# Makes sure the image that everything here is built on exists: deploy/docker/base-image.sh [TAG]
# Present: nothing to do. Otherwise it is pulled; where no registry answers it is made from Debian packages by debootstrap.
# BASE_IMAGE_PULL_TIMEOUT (seconds, 0 = don't try) and BASE_IMAGE_MIRROR (default: the machine's own Debian mirror) change how.
set -euo pipefail

tag=${1:-debian:bookworm-slim}
suite=bookworm
pull_timeout=${BASE_IMAGE_PULL_TIMEOUT:-60}

say() { printf 'base-image: %s\n' "$*"; }
die() { printf 'base-image: %s\n' "$*" >&2; exit 1; }

command -v docker >/dev/null || die "there is no docker command here; install Docker Engine first"
docker version --format '{{.Server.Version}}' >/dev/null 2>&1 || die "no Docker Engine answers; start it, or give this user access to its socket"
if docker image inspect "$tag" >/dev/null 2>&1; then
  say "$tag is there"
  exit 0
fi

if [ "$pull_timeout" -gt 0 ]; then
  say "pulling $tag (at most $pull_timeout s)"
  if timeout "$pull_timeout" docker pull -q "$tag" >/dev/null 2>&1; then
    say "$tag was pulled"
    exit 0
  fi
  say "no registry gave it"
fi

say "making it from Debian packages"
if [ "$(id -u)" -ne 0 ]; then
  sudo -n true 2>/dev/null || die "debootstrap needs root: run this script with sudo"
  exec sudo --preserve-env=BASE_IMAGE_MIRROR BASE_IMAGE_PULL_TIMEOUT=0 "$0" "$tag"
fi
if ! command -v debootstrap >/dev/null; then
  say "installing debootstrap"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap; } >/dev/null ||
    die "debootstrap is missing and could not be installed: apt-get install debootstrap"
fi

# The mirrors of this machine, so that the image installs from where the machine does.
# shellcheck disable=SC2016  # the $(…) are apt's own placeholders
mapfile -t sources < <(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
  awk -v suite="$suite" 'index($2, suite) == 1 && $3 == "main" && !seen[$0]++ { print "deb", $1, $2, $3 }')
mirror=${BASE_IMAGE_MIRROR:-$(printf '%s\n' "${sources[@]}" | awk -v suite="$suite" '$3 == suite { print $2; exit }')}
[ -n "$mirror" ] || die "apt knows no mirror with $suite: run apt-get update, or name one in BASE_IMAGE_MIRROR"

work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
debootstrap --variant=minbase --include=ca-certificates "$suite" "$work/root" "$mirror" >"$work/debootstrap.log" 2>&1 ||
  { tail -n 20 "$work/debootstrap.log" >&2; die "debootstrap failed, its last lines stand above"; }
if [ -n "${BASE_IMAGE_MIRROR:-}" ] || [ ${#sources[@]} -eq 0 ]; then
  sources=("deb $mirror $suite main")
fi
printf '%s\n' "${sources[@]}" >"$work/root/etc/apt/sources.list"
# As Debian's own slim images do: packages bring no manuals, and apt keeps nothing that a layer would carry along.
cat >"$work/root/etc/dpkg/dpkg.cfg.d/docker" <<'CFG'
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/man/*
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
force-unsafe-io
CFG
cat >"$work/root/etc/apt/apt.conf.d/docker" <<'CFG'
Acquire::Languages "none";
APT::AutoRemove::SuggestsImportant "false";
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
CFG
printf '#!/bin/sh\nexit 101\n' >"$work/root/usr/sbin/policy-rc.d"
chmod 755 "$work/root/usr/sbin/policy-rc.d"

tar -C "$work/root" --exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' \
  --exclude='./usr/share/info/*' --exclude='./usr/share/locale/*' --exclude='./var/log/*' --exclude='./dev/*' --exclude='./proc/*' -c . |
  docker import --change 'CMD ["bash"]' - "$tag" >/dev/null
say "$tag was made: $(docker image inspect --format '{{.Size}}' "$tag" | awk '{ printf "%.0f MB", $1 / 1e6 }')"
