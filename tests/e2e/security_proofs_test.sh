#!/usr/bin/env bash
# Every proof that docs/security.md names is there: tests by suite and name, files by path; and no row is without one.
set -euo pipefail
cd "$(dirname "$0")/../.."
missing=0
miss() { echo "docs/security.md: $*" >&2; missing=1; }

grep -rhoE '^TEST(_F|_P)?\([A-Za-z0-9_]+, *[A-Za-z0-9_]+\)' tests --include='*.cpp' | sed -E 's/^TEST(_F|_P)?\(([^,]+), *([^)]+)\)/\2.\3/' | sort -u >"${TMPDIR:-/tmp}/proofs.$$"
trap 'rm -f "${TMPDIR:-/tmp}/proofs.$$"' EXIT
rows=0
while IFS='|' read -r _ threat _ proofs _; do
  rows=$((rows + 1))
  found=0
  # shellcheck disable=SC2016  # backticks of Markdown
  for proof in $(grep -oE '`[^`]+`' <<<"$proofs" | tr -d '`'); do
    found=1
    case $proof in
      */* | *.yml) [ -e "$proof" ] || miss "$threat: there is no file $proof" ;;
      *) grep -qxF "$proof" "${TMPDIR:-/tmp}/proofs.$$" || miss "$threat: there is no test $proof" ;;
    esac
  done
  ((found)) || miss "$threat: no proof"
done < <(grep '^| ' docs/security.md | tail -n +2)
[ "$rows" -ge 20 ] || miss "only $rows rows were found: is the table still one?"
[ "$missing" -eq 0 ] || exit 1
echo "$rows threats, all proofs are there"
